// Package assistant asks a language model behind an OpenAI-compatible endpoint what a customer means, and for a draft of an
// answer. It exists only where somebody has configured one: without a [Client] no connection is made.
//
// What is sent holds no addresses: see [Scrub]. What comes back is never acted upon: a reading is one of the known values, a
// draft goes to a person. So the worst that a customer's words can make of a model that obeys them is a wrong guess or a bad
// draft.
package assistant
