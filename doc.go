// Package rapport is the vocabulary of Rapport, the omnichannel messaging gateway: customers, consent,
// campaigns, messages, threads, and the rules about them that need no I/O. It imports the standard
// library only; everything else in the module imports it.
package rapport
