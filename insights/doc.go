// Package insights is arithmetic over what customers did and said: no I/O, no clock, nothing kept between calls.
//
// [Reader] guesses what a reply means: its language, what the person wants and how they feel. It works offline, from word
// lists for English and Russian that are part of the binary, and never knows: each guess comes with a confidence, is shown
// as a guess, and a person's correction stands over it.
package insights
