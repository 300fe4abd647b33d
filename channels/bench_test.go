package channels_test

import (
	"context"
	"testing"

	"rapport"
	"rapport/channels"
)

type taker struct{}

func (taker) Send(context.Context, *channels.Outgoing) (string, error) { return "1", nil }

// BenchmarkProvider_Send is what Hub adds to each message: the checks, the breaker, the deadline, the panic guard.
func BenchmarkProvider_Send(b *testing.B) {
	d := channels.Driver{Name: "taker", Channels: []rapport.Channel{rapport.Email}, Open: func(channels.Settings, channels.Env) (channels.Conn, error) { return taker{}, nil }}
	h := channels.NewHub([]channels.Driver{d}, channels.HubOptions{Observe: func(channels.Observation) {}})
	if err := h.Configure([]channels.Entry{{Name: "main", Driver: "taker", Channel: rapport.Email}}); err != nil {
		b.Fatal(err)
	}
	p, _ := h.Provider("main")
	static := make([]byte, 1000)
	for i := range static {
		static[i] = 'x'
	}
	o := &channels.Outgoing{ID: 1, Token: "msg_0000000000001", To: "anna@customers.example", ToName: "Anna Berzina", Subject: channels.Text("Your order"),
		Unsubscribe: "https://go.example/u/0123456789abcdef0123456789abcdef",
		Text:        channels.Part{{Bytes: static, Static: true}, {Bytes: []byte("Anna")}}, HTML: channels.Part{{Bytes: static, Static: true}, {Bytes: []byte("Anna")}, {Bytes: static, Static: true}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, v := p.Send(b.Context(), o); v != nil {
			b.Fatal(v)
		}
	}
}
