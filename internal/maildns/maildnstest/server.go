// Package maildnstest is a small name server on loopback for tests.
package maildnstest

import (
	"context"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone holds texts by name; the hosts of MX records stand under "mx <name>". A name that is "silent" gets no answer, one that
// is "broken" the answer that the server failed.
type Zone map[string][]string

// Resolver starts a name server that answers from zone until the test ends, and returns who asks nobody else.
func Resolver(t *testing.T, zone Zone) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := zone.answer(buf[:n]); reply != nil {
				_, _ = conn.WriteTo(reply, from) // who does not hear it asks again
			}
		}
	}()
	addr := conn.LocalAddr().String()
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", addr)
	}}
}

func (z Zone) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	key := name
	if q.Type == dnsmessage.TypeMX {
		key = "mx " + name
	}
	records, known := z[key]
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if len(records) == 1 && records[0] == "silent" {
		return nil
	}
	if len(records) == 1 && records[0] == "broken" {
		reply.RCode = dnsmessage.RCodeServerFailure
	} else if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, r := range records {
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 60}
		var body dnsmessage.ResourceBody
		if reply.RCode != dnsmessage.RCodeSuccess {
			break
		}
		if q.Type == dnsmessage.TypeMX {
			body = &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(r)}
		} else {
			var pieces []string // of at most 255 bytes, as a long key is published
			for ; len(r) > 255; r = r[255:] {
				pieces = append(pieces, r[:255])
			}
			body = &dnsmessage.TXTResource{TXT: append(pieces, r)}
		}
		reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: head, Body: body})
	}
	out, err := reply.Pack()
	if err != nil {
		return nil
	}
	return out
}
