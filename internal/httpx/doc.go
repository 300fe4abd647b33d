// Package httpx holds the only outbound HTTP clients of Rapport.
//
// [Guarded] is for addresses that strangers chose: webhook endpoints, media links. It decides at
// dial time, after DNS, whether the address may be connected to, so a name that resolves to a
// private network, or changes its mind between check and connect, gains nothing. [Vendor] is for
// the fixed base URL of a provider. Neither follows redirects, reads a proxy from the
// environment, or unpacks a compressed answer; both bound what they read and how long they wait.
// They speak HTTP/1.1, where "was anything written?" has one plain answer (see [Do]).
package httpx
