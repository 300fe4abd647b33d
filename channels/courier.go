package channels

import (
	"context"
	"time"
)

// Courier carries what happened to other people's servers, signed.
type Courier interface {
	// Check tells a person at save time why nothing could be carried to url, as far as it can be seen without asking.
	Check(url string) error
	// CheckSecret tells why a secret cannot sign.
	CheckSecret(secret string) error
	// Carry makes one attempt. It is safe for concurrent use.
	Carry(ctx context.Context, p Parcel) Signed
}

// Parcel is one attempt to deliver something to an endpoint.
type Parcel struct {
	URL     string
	Secrets []string // every one signs: while one is replaced there are two
	ID      string   // the same for every attempt: by it the receiver knows what it has seen
	Body    []byte   // JSON
}

// Signed is how the receiver signed for a parcel.
type Signed struct {
	Status int           // of HTTP; 0: no answer
	After  time.Duration // when the receiver wants the next attempt, at the earliest; 0: it did not say
	Took   time.Duration
	Answer string // how the answer began, on one line, without what looks like a secret or an address
	Err    string // why there was no answer, for people, without the URL's query; "": there was one
}
