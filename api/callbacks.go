package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"time"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/channels"
)

// doors registers what needs no key: a signature, a token, or nothing to protect.
func (d *door) doors(app *fiber.App) {
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(fiber.Map{"status": "ok"}) })
	app.Get("/readyz", d.ready)
	app.Post("/in/cti/:token", d.call)
	app.Post("/in/:driver/:provider", d.callback)
	app.Get("/u/:token", d.unsubscribePage)
	app.Post("/u/:token", d.unsubscribe)
	app.Get("/p/:token", d.preferencesPage)
	app.Post("/p/:token", d.savePreferences)
	app.Get("/confirm/:token", d.confirmPage)
	app.Post("/confirm/:token", d.confirm)
	app.Get("/r/:token", d.answerPage)
	app.Post("/r/:token", d.answer)
	app.Get("/f/:token", d.linkedFile)
	app.Get("/c/:token", d.click)
	app.Get("/o/:token", d.pixel)
}

// ready says whether requests make sense now: the database answers, and whatever else cmd asks about.
func (d *door) ready(c *fiber.Ctx) error {
	if d.o.Ready != nil {
		ctx, cancel := context.WithTimeout(c.UserContext(), 5*time.Second)
		defer cancel()
		if err := d.o.Ready(ctx); err != nil {
			d.o.Log.Warn("not ready", "error", err)
			return &rapport.Error{Code: rapport.CodeUnavailable, Message: "Not ready; the log says why.", RetryAfter: 5 * time.Second}
		}
	}
	return c.JSON(fiber.Map{"status": "ready"})
}

// callback takes what a provider reports. The provider checks its signature over the raw body and the
// public URL; it is answered when everything is stored, so what was not stored comes again.
func (d *door) callback(c *fiber.Ctx) error {
	p, known := d.g.Hub.Provider(c.Params("provider"))
	if !known || p.Entry().Driver != c.Params("driver") {
		return rapport.NotFound("provider")
	}
	stream, err := d.stream(c, 1<<20)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(stream)
	if err != nil {
		return err
	}
	header := http.Header{}
	for name, value := range c.Request().Header.All() {
		k := textproto.CanonicalMIMEHeaderKey(string(name))
		header[k] = append(header[k], string(value))
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), 15*time.Second)
	defer cancel()
	reply, err := d.g.Receive(ctx, p.Entry().Name, &channels.Callback{Method: c.Method(), URL: d.o.PublicURL + c.OriginalURL(), Header: header, Body: body})
	switch {
	case errors.Is(err, channels.ErrStale):
		d.o.Log.Warn("refused a callback: its timestamp is too far from now", "provider", p.Entry().Name)
		return rapport.Errorf(rapport.CodeUnauthorized, "The timestamp of this callback is more than five minutes from now.")
	case errors.Is(err, channels.ErrSignature):
		d.o.Log.Warn("refused a callback: its signature is wrong", "provider", p.Entry().Name)
		return rapport.Errorf(rapport.CodeUnauthorized, "The signature of this callback is missing or wrong.")
	case errors.Is(err, channels.ErrMalformed):
		d.o.Log.Warn("refused a callback: it cannot be read", "provider", p.Entry().Name, "error", err)
		refused := &rapport.Error{Code: rapport.CodeMalformed, Message: "This callback cannot be read."}
		if said, ok := errors.AsType[*rapport.Error](err); ok {
			refused.Fields = said.Fields
		}
		return refused
	case err != nil:
		return err
	}
	if reply.Status == 0 {
		reply.Status = http.StatusNoContent
	}
	if reply.ContentType != "" {
		c.Set("Content-Type", reply.ContentType)
	}
	return c.Status(reply.Status).Send(reply.Body)
}
