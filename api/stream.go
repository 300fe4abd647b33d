package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rapport"
	"rapport/gateway"
)

// following is what those who follow the event stream share.
type following struct {
	places    chan struct{}
	heartbeat time.Duration // the longest silence
	patience  time.Duration // how long a client may take to read what it was sent
}

// longestWait is how long a poll may wait for news: proxies give up on silence after half a minute.
const longestWait = 25 * time.Second

func (d *door) following() {
	const tag = "Events"
	about := "Ids have no gaps and only grow: nothing with a smaller id appears later. What is shown needs, beside this scope, the one of its kind: `read:threads` for threads, entries and calls, `read:messages`, `read:campaigns`, `read:endpoints`, `read:customers` for customers and consents. See docs/events.md for the types."
	o := route{Method: http.MethodGet, Path: "/v1/events/stream", Scope: "read:events", Tag: tag, Summary: "Follow what happens (server-sent events)",
		About: "Each event has an id; `after`, or `Last-Event-ID` as browsers send it by themselves, continues behind it. An event of type `gap` says that what was between is not kept any more: load anew what you show. " + about}
	register(d, o, nil, d.streamEvents)
	d.api.OpenAPI().Paths[o.Path].Get.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	handle(d, route{Method: http.MethodGet, Path: "/v1/events/log", Scope: "read:events", Tag: tag, Summary: "Follow what happens, by polling",
		About: "The same as the stream, for who cannot keep a connection: ask with `after` set to `next` of the answer before. With `wait` the answer comes as soon as there is something. " + about}, d.eventLog)
}

// Place is where somebody wants to go on in the stream.
type Place struct {
	After string `query:"after" maxLength:"40" doc:"The id of the last event that you have; 0: from the oldest that is kept. Without it: from now on."`
	Types string `query:"types" maxLength:"1000" doc:"Types of events, separated by commas; thread.* is every type that begins so." example:"reply.received,thread.*"`
}

type streamEvents struct {
	Request
	Place
	Last  string `header:"Last-Event-ID" maxLength:"40" doc:"Goes before after."`
	Alive bool   `query:"alive" doc:"Signs of life come as events of type alive, which a browser's EventSource tells of; else as comments."`
}

// place is somebody's place in the stream, found.
type place struct {
	at     rapport.ID
	gap    bool // what comes next is not what comes after at
	filter rapport.NoticeFilter
}

// find checks a place. One that is not kept any more, or never was (the database was restored), is moved to where it can go on.
func (d *door) find(ctx context.Context, p Place) (at place, err error) {
	if at.filter = strings.FieldsFunc(p.Types, func(r rune) bool { return r == ',' || r == ' ' }); len(at.filter) == 0 {
		at.filter = rapport.NoticeFilter{"*"}
	}
	if unknown := at.filter.Unknown(); unknown != "" {
		return at, rapport.Invalid("query.types", "%.60q is no type of event", unknown)
	}
	if p.After != "" && p.After != "0" {
		if at.at, err = rapport.KindEvent.Parse(p.After); err != nil {
			return at, rapport.Invalid("query.after", "is neither 0 nor the id of an event")
		}
	}
	oldest, newest, err := d.st.StreamBounds(ctx)
	if err != nil {
		return at, err
	}
	switch {
	case p.After == "":
		at.at = newest
	case p.After == "0":
		at.at = oldest - 1
	case at.at > newest:
		at.at, at.gap = newest, true
	case at.at < oldest-1:
		at.at, at.gap = oldest-1, true
	}
	return at, nil
}

// shows tells whether somebody may see a notice, and wants to.
func (p place) shows(by gateway.Caller, n rapport.Notice) bool {
	return p.filter.Takes(n.Type) && gateway.Allows(by.Scopes, n.Type.Scope())
}

// position is an id as a place to go on at.
func position(id rapport.ID) string {
	if id == 0 {
		return "0"
	}
	return rapport.KindEvent.Format(id)
}

func (d *door) streamEvents(ctx context.Context, in *streamEvents) (*reply[func(huma.Context)], error) {
	if in.Last != "" {
		if _, err := rapport.KindEvent.Parse(in.Last); err != nil && in.Last != "0" {
			return nil, rapport.Invalid("header.Last-Event-ID", "is neither 0 nor the id of an event")
		}
		in.After = in.Last // the browser's own repetition still has the old address
	}
	at, err := d.find(ctx, in.Place)
	if err != nil {
		return nil, err
	}
	c := fiberOf(in.ctx)
	select {
	case d.follow.places <- struct{}{}:
	default:
		return nil, overload(c, overListeners)
	}
	s := &sse{d: d, place: at, alive: in.Alive, by: in.caller(), shown: d.credentials(c), conn: c.Context().Conn(), follower: d.g.Follow(at.at), seen: time.Now()}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(s.ctx, func() { s.follower.Close(); <-d.follow.places })
	go func(shutdown <-chan struct{}) {
		select {
		case <-shutdown:
			s.cancel()
		case <-s.ctx.Done():
		}
	}(c.Context().Done())
	s.begin()
	return &reply[func(huma.Context)]{Status: http.StatusOK, Body: func(huma.Context) {
		c.Set("Content-Type", "text/event-stream")
		c.Set("X-Accel-Buffering", "no") // nginx would keep it back
		c.Response().SetConnectionClose()
		c.Context().SetBodyStream(s, -1)
	}}, nil
}

// sse is one client's stream, as the server reads it to write it. A client that does not read what it was sent is cut
// off, and continues with the id of what it has read.
type sse struct {
	d        *door
	place    place
	alive    bool // signs of life are events
	by       gateway.Caller
	shown    credentials // a key or a session may be revoked while it listens
	conn     net.Conn
	follower *gateway.Follower
	ctx      context.Context
	cancel   context.CancelFunc
	closing  sync.Once
	seen     time.Time // when the key was last looked at
	buf      bytes.Buffer
}

// begin says where the stream stands, so that a client which hears nothing can go on there too.
func (s *sse) begin() {
	if s.place.gap {
		s.gap()
		return
	}
	s.sign("welcome", s.place.at)
}

// sign is a sign of life, with the place that the stream has reached.
func (s *sse) sign(comment string, at rapport.ID) {
	if s.alive {
		fmt.Fprintf(&s.buf, "id: %s\nevent: alive\ndata: {}\n\n", position(at))
		return
	}
	fmt.Fprintf(&s.buf, ": %s\nid: %s\n\n", comment, position(at))
}

func (s *sse) gap() {
	text, _ := json.Marshal(map[string]string{"type": "gap", "after": position(s.place.at)}) // of texts: cannot fail
	fmt.Fprintf(&s.buf, "id: %s\nevent: gap\ndata: %s\n\n", position(s.place.at), text)
}

// Read waits for the next events, at most until a sign of life is due.
func (s *sse) Read(p []byte) (int, error) {
	for s.buf.Len() == 0 {
		if err := s.more(); err != nil {
			return 0, err
		}
	}
	// For the writing of what is returned; while nothing is written nothing runs out.
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.d.follow.patience)); err != nil {
		return 0, err
	}
	return s.buf.Read(p)
}

func (s *sse) more() error {
	wait, cancel := context.WithTimeout(s.ctx, s.d.follow.heartbeat)
	defer cancel()
	before := s.follower.At()
	page, err := s.follower.Next(wait)
	if s.ctx.Err() != nil {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("reading the event stream: %w", err) // the client comes again
	}
	if len(page) > 0 || time.Since(s.seen) >= s.d.follow.heartbeat { // the keyring remembers for two seconds, so this is no query each time
		if s.by, err = s.d.authenticate(s.ctx, s.shown); err != nil {
			return io.EOF
		}
		s.seen = time.Now()
	}
	if len(page) > 0 && page[0].ID != before+1 {
		s.place.at = page[0].ID - 1
		s.gap()
	}
	for _, n := range page {
		if s.place.shows(s.by, n) {
			text, err := json.Marshal(gateway.ToldOf(n))
			if err != nil {
				return err
			}
			fmt.Fprintf(&s.buf, "id: %s\nevent: %s\ndata: %s\n\n", rapport.KindEvent.Format(n.ID), n.Type, text)
		}
	}
	if len(page) == 0 { // a sign of life, with the place: much may have passed that was not for this client
		s.sign("still here", s.follower.At())
	}
	return nil
}

// Close is called by the server when the client is gone or everything is written.
func (s *sse) Close() error {
	s.closing.Do(s.cancel)
	return nil
}

type eventLog struct {
	Request
	Place
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	Wait  string `query:"wait" maxLength:"20" doc:"How long to wait when there is nothing, at most 25s." example:"25s"`
}

// EventLog is a piece of the stream.
type EventLog struct {
	Data []gateway.Told `json:"data" nullable:"false"`
	Next string         `json:"next" doc:"Ask again with after set to this."`
	Gap  bool           `json:"gap" doc:"What was between is not kept any more: load anew what you show."`
}

func (d *door) eventLog(ctx context.Context, in *eventLog) (*reply[EventLog], error) {
	wait := time.Duration(0)
	if in.Wait != "" {
		var err error
		if wait, err = time.ParseDuration(in.Wait); err != nil || wait < 0 || wait > longestWait {
			return nil, rapport.Invalid("query.wait", "must be a duration from 0s to %s", longestWait)
		}
	}
	at, err := d.find(ctx, in.Place)
	if err != nil {
		return nil, err
	}
	by := in.caller()
	out := EventLog{Data: []gateway.Told{}, Gap: at.gap}
	take := func(page []rapport.Notice) {
		for _, n := range page {
			if len(out.Data) == in.Limit {
				return
			}
			out.Gap = out.Gap || n.ID != at.at+1
			if at.at = n.ID; at.shows(by, n) {
				out.Data = append(out.Data, gateway.ToldOf(n))
			}
		}
	}
	const pages = 20 // looked at in one request, of 500 each
	for range pages {
		page, err := d.st.Stream(ctx, at.at, 500)
		if err != nil {
			return nil, err
		}
		take(page)
		if len(page) < 500 || len(out.Data) == in.Limit {
			break
		}
	}
	if len(out.Data) == 0 && wait > 0 && !out.Gap {
		if err := d.await(ctx, in, wait, at.at, func(page []rapport.Notice) bool { take(page); return len(out.Data) > 0 }); err != nil {
			return nil, err
		}
		if _, err := d.authenticate(ctx, d.credentials(fiberOf(in.ctx))); err != nil { // revoked while it waited
			return nil, err
		}
	}
	out.Next = position(at.at)
	return ok(out)
}

// await hands news to take until it has enough, the wait is over or the server stops.
func (d *door) await(ctx context.Context, in *eventLog, wait time.Duration, after rapport.ID, take func([]rapport.Notice) bool) error {
	c := fiberOf(in.ctx)
	select {
	case d.follow.places <- struct{}{}:
		defer func() { <-d.follow.places }()
	default:
		return overload(c, overListeners)
	}
	visitOf(c).end(0) // it waits, and has a bound of its own
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	go func(shutdown <-chan struct{}) {
		select {
		case <-shutdown:
			cancel()
		case <-ctx.Done():
		}
	}(c.Context().Done())
	f := d.g.Follow(after)
	defer f.Close()
	for {
		page, err := f.Next(ctx)
		if err != nil || ctx.Err() != nil || take(page) {
			return err
		}
	}
}
