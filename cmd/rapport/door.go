package main

import (
	"rapport/api"
	"rapport/gateway"
	"rapport/web"
)

// callDoors are the telephone exchanges, by token.
func (a *App) callDoors() map[string]string {
	out := map[string]string{}
	for _, d := range a.Config.CTI.Doors {
		out[d.Token.Reveal()] = d.Name
	}
	return out
}

// apiOptions are what the API is made of.
func (a *App) apiOptions() api.Options {
	c := a.Config
	return api.Options{
		App:     web.App(),
		Gateway: a.Gateway, Store: a.Store, Keys: gateway.NewKeyring(a.Store), Log: a.Log, Version: version, PublicURL: c.PublicBase(), Demo: c.Demo,
		TrustedProxies: c.HTTP.TrustedProxies, ReadTimeout: c.HTTP.ReadTimeout, IdleTimeout: c.HTTP.IdleTimeout,
		Limits: api.Limits{Inline: int64(c.Limits.InlineBytes), Stream: int64(c.Limits.StreamBytes), Attachment: int64(c.Limits.AttachmentBytes), Body: int64(c.Limits.BodyBytes),
			Running: c.Limits.Requests, Streams: c.Limits.LargeRequests, Held: int64(c.Limits.HeldBytes), Listeners: c.Limits.EventStreams},
		CallDoors: a.callDoors(),
		Ready:     a.Ready, Observe: a.watch.request, Around: a.around,
	}
}
