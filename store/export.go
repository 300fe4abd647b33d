package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport"
)

// Export is everything that is held about one customer, in the words of the API, ready to be written as
// JSON.
type Export struct {
	ID           string               `json:"id"`
	MergedIDs    []string             `json:"merged_ids,omitempty"`
	ExternalID   string               `json:"external_id,omitempty"`
	Audience     string               `json:"audience"`
	Name         string               `json:"name"`
	Locale       string               `json:"locale"`
	Timezone     string               `json:"timezone"`
	Attributes   json.RawMessage      `json:"attributes"`
	ChannelOrder []rapport.Channel    `json:"channel_order"`
	QuietHours   *ExportedQuiet       `json:"quiet_hours,omitempty"`
	FrequencyCap *ExportedCap         `json:"frequency_cap,omitempty"`
	CreatedAt    time.Time            `json:"created_at"`
	UpdatedAt    time.Time            `json:"updated_at"`
	Addresses    []ExportedAddress    `json:"addresses"`
	Preferences  []ExportedPreference `json:"preferences"`
	Consents     []ExportedConsent    `json:"consents"`
	Events       []ExportedEvent      `json:"events"`
	Messages     []ExportedMessage    `json:"messages"`
	Entries      []ExportedEntry      `json:"entries"`
	Threads      []ExportedPart       `json:"participates_in"`
	Reports      []ExportedReport     `json:"reports"`
	Drafts       []ExportedDraft      `json:"drafts"`
	Merges       []ExportedMerge      `json:"merges"`
	Calls        []ExportedCall       `json:"calls"`
	Notices      []ExportedNotice     `json:"notices"`
}

// ExportedQuiet is a daily span, "21:00" to "09:00" in the customer's zone.
type ExportedQuiet struct {
	From  string `json:"from"`
	Until string `json:"until"`
}

// ExportedCap is at most Max marketing messages in any Per, such as "168h".
type ExportedCap struct {
	Max int    `json:"max"`
	Per string `json:"per"`
}

// ExportedAddress is an address with what forbids it.
type ExportedAddress struct {
	Channel     rapport.Channel      `json:"channel"`
	Address     string               `json:"address"`
	Primary     bool                 `json:"primary"`
	Off         string               `json:"off,omitempty"`
	Suppression *ExportedSuppression `json:"suppression,omitempty"`
}

// ExportedSuppression says why and since when an address is not written to.
type ExportedSuppression struct {
	Reason string                   `json:"reason"`
	Scope  rapport.SuppressionScope `json:"scope"`
	Source string                   `json:"source,omitempty"`
	At     time.Time                `json:"at"`
}

// ExportedPreference is one answer.
type ExportedPreference struct {
	Topic   string          `json:"topic"`
	Channel rapport.Channel `json:"channel"`
	Enabled bool            `json:"enabled"`
}

// ExportedConsent is one entry of the history.
type ExportedConsent struct {
	Channel     rapport.Channel `json:"channel"`
	Purpose     rapport.Purpose `json:"purpose"`
	Topic       string          `json:"topic,omitempty"`
	Granted     bool            `json:"granted"`
	Source      string          `json:"source"`
	TextVersion string          `json:"text_version,omitempty"`
	Proof       string          `json:"proof,omitempty"`
	IP          string          `json:"ip,omitempty"`
	At          time.Time       `json:"at"`
}

// ExportedEvent is one event.
type ExportedEvent struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	OccurredAt time.Time       `json:"occurred_at"`
	Properties json.RawMessage `json:"properties"`
}

// ExportedMessage is one row of the ledger, what it was rendered with, and what became of it.
type ExportedMessage struct {
	ID          string          `json:"id"`
	Campaign    string          `json:"campaign"`
	Name        string          `json:"name,omitempty"`
	Purpose     rapport.Purpose `json:"purpose"`
	Channel     rapport.Channel `json:"channel"`
	State       string          `json:"state"`
	Reason      string          `json:"reason,omitempty"`
	CreatedAt   time.Time       `json:"created_at"`
	SentAt      time.Time       `json:"sent_at,omitzero"`
	Variables   json.RawMessage `json:"variables,omitempty"`
	Engagements []EngagementRow `json:"engagements,omitempty"`
}

// ExportedEntry is one line of a thread.
type ExportedEntry struct {
	Thread    string            `json:"thread"`
	Kind      rapport.EntryKind `json:"kind"`
	Channel   rapport.Channel   `json:"channel"`
	Author    string            `json:"author,omitempty"`
	Text      string            `json:"text"`
	HTML      string            `json:"html,omitempty"`
	Quoted    string            `json:"quoted,omitempty"`
	Signature string            `json:"signature,omitempty"`
	Original  string            `json:"original,omitempty"`
	Meta      json.RawMessage   `json:"meta,omitempty"`
	Files     []string          `json:"files,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	// What it is taken to mean: value and source (guess, model, person) by language, intent, sentiment.
	TakenAs map[string]ExportedTaken `json:"taken_as,omitempty"`
}

// ExportedTaken is what a text is taken to mean, and who says so.
type ExportedTaken struct {
	Value  string         `json:"value"`
	Source rapport.Source `json:"source"`
}

// ExportedPart is somebody else's thread in which the customer takes part.
type ExportedPart struct {
	Thread string `json:"thread"`
	Name   string `json:"name,omitempty"`
}

// ExportedReport is what came back about a message, or about an address of the customer's.
type ExportedReport struct {
	Message  string          `json:"message,omitempty"`
	Kind     rapport.Receipt `json:"kind"`
	Class    string          `json:"class,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Code     string          `json:"code,omitempty"`
	Detail   string          `json:"detail,omitempty"`
	Text     string          `json:"text,omitempty"` // of a stray
	Original string          `json:"original,omitempty"`
	At       time.Time       `json:"at"`
}

// ExportedDraft is what an agent has begun to write to or about the customer.
type ExportedDraft struct {
	Thread    string          `json:"thread"`
	Content   json.RawMessage `json:"content"`
	UpdatedAt time.Time       `json:"updated_at"`
}

// ExportedMerge is a merge of the customer with another, and what an undo of it would put back.
type ExportedMerge struct {
	From     string          `json:"from"`
	Into     string          `json:"into"`
	Detail   json.RawMessage `json:"detail"`
	At       time.Time       `json:"at"`
	UndoneAt time.Time       `json:"undone_at,omitzero"`
}

// ExportCustomer gathers everything that is held about one customer.
func (s *Store) ExportCustomer(ctx context.Context, id rapport.ID) (*Export, error) {
	selves, err := s.selves(ctx, id)
	if err != nil {
		return nil, err
	}
	c, err := s.Customer(ctx, selves[0])
	if err != nil {
		return nil, err
	}
	e := &Export{ID: rapport.KindCustomer.Format(c.ID), ExternalID: c.ExternalID, Audience: c.Audience, Name: c.Name, Locale: c.Locale, Timezone: c.Timezone,
		Attributes: c.Attributes, ChannelOrder: c.Order, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
	if q := c.Quiet; q != nil {
		clock := func(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }
		e.QuietHours = &ExportedQuiet{clock(q.From), clock(q.Until)}
	}
	if c.Cap != nil {
		e.FrequencyCap = &ExportedCap{c.Cap.Max, rapport.FormatDuration(c.Cap.Per)}
	}
	for _, other := range selves[1:] {
		e.MergedIDs = append(e.MergedIDs, rapport.KindCustomer.Format(other))
	}
	who := s.d.list(selves)
	for _, part := range []func(context.Context, *Export, any) error{s.exportAddresses, s.exportChoices, s.exportEvents, s.exportMessages, s.exportEntries, s.exportParts, s.exportReports, s.exportDrafts, s.exportCalls, s.exportNotices, s.exportMerges} {
		if err := part(ctx, e, who); err != nil {
			return nil, fmt.Errorf("exporting a customer: %w", err)
		}
	}
	return e, nil
}

func (s *Store) exportAddresses(ctx context.Context, e *Export, who any) error {
	addresses, err := collect(ctx, s, scanAddress, `SELECT `+addressColumns+` FROM addresses a WHERE customer_id `+s.d.in(1)+` ORDER BY id`, who)
	if err != nil {
		return err
	}
	e.Addresses = make([]ExportedAddress, len(addresses))
	for i, a := range addresses {
		e.Addresses[i] = ExportedAddress{Channel: a.Channel, Address: a.Value, Primary: a.Primary, Off: a.Off}
		x, err := s.Suppression(ctx, a.Channel, a.Value)
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			continue
		}
		if err != nil {
			return err
		}
		e.Addresses[i].Suppression = &ExportedSuppression{x.Reason, x.Scope, x.Source, x.At}
	}
	return nil
}

func (s *Store) exportChoices(ctx context.Context, e *Export, who any) error {
	e.Preferences = []ExportedPreference{}
	err := s.eachPreference(ctx, who, func(_ rapport.ID, p rapport.Preference) { e.Preferences = append(e.Preferences, ExportedPreference(p)) })
	if err != nil {
		return err
	}
	e.Consents, err = collect(ctx, s, func(scan func(...any) error) (ExportedConsent, error) {
		c, err := scanConsent(scan)
		return ExportedConsent{c.Channel, c.Purpose, c.Topic, c.Granted, c.Source, c.TextVersion, c.Proof, c.IP, c.At}, err
	}, `SELECT `+consentColumns+` FROM consents WHERE customer_id `+s.d.in(1)+` ORDER BY id`, who)
	return err
}

func (s *Store) exportEvents(ctx context.Context, e *Export, who any) (err error) {
	e.Events, err = collect(ctx, s, func(scan func(...any) error) (ExportedEvent, error) {
		v, err := scanEvent(scan)
		return ExportedEvent{v.ExternalID, v.Type, v.OccurredAt, v.Properties}, err
	}, `SELECT `+eventColumns+` FROM events WHERE customer_id `+s.d.in(1)+` ORDER BY occurred_at, id`, who)
	return err
}

func (s *Store) exportMessages(ctx context.Context, e *Export, who any) error {
	place := map[rapport.ID]int{}
	var err error
	e.Messages, err = collect(ctx, s, func(scan func(...any) error) (x ExportedMessage, err error) {
		var vars string
		m, err := scanMessage(func(to ...any) error { return scan(append(to, &x.Name, &x.Purpose, &vars)...) })
		x.ID, x.Campaign, x.Channel, x.State, x.Reason = rapport.KindMessage.Format(m.ID), rapport.KindCampaign.Format(m.Campaign), m.Channel, m.State.String(), m.Reason
		x.CreatedAt, x.SentAt = m.ID.Time(), m.SentAt
		if vars != "" {
			x.Variables = json.RawMessage(vars)
		}
		place[m.ID] = len(place)
		return x, err
	}, `SELECT `+messageColumns+`, c.name, c.purpose, m.vars FROM messages m JOIN campaigns c ON c.id = m.campaign_id
		WHERE m.customer_id `+s.d.in(1)+` ORDER BY m.id`, who)
	if err != nil {
		return err
	}
	return s.each(ctx, func(scan func(...any) error) error {
		var message rapport.ID
		var g EngagementRow
		var first int64
		if err := scan(&message, &g.Kind, &first, &g.N, &g.Machine); err != nil {
			return err
		}
		g.FirstAt = at(first)
		if i, ok := place[message]; ok {
			e.Messages[i].Engagements = append(e.Messages[i].Engagements, g)
		}
		return nil
	}, `SELECT e.message_id, e.kind, e.first_at, e.n, e.machine FROM messages m JOIN engagements e ON e.message_id = m.id
		WHERE m.customer_id `+s.d.in(1)+` ORDER BY e.first_at, e.kind`, who)
}

func (s *Store) exportEntries(ctx context.Context, e *Export, who any) (err error) {
	taken := map[rapport.ID]map[string]ExportedTaken{}
	err = s.each(ctx, func(scan func(...any) error) error {
		id, u, err := scanReading(scan)
		taken[id] = map[string]ExportedTaken{"language": {u.Language.Value, u.Language.Source}, "intent": {u.Intent.Value, u.Intent.Source}, "sentiment": {u.Sentiment.Value, u.Sentiment.Source}}
		return err
	}, `SELECT `+readingColumns+` FROM entries e JOIN readings r ON r.entry_id = e.id WHERE e.customer_id `+s.d.in(1), who)
	if err != nil {
		return err
	}
	e.Entries, err = collect(ctx, s, func(scan func(...any) error) (ExportedEntry, error) {
		n, err := scanEntry(scan)
		x := ExportedEntry{Thread: rapport.KindThread.Format(n.Thread), Kind: n.Kind, Channel: n.Channel, Author: n.Author, Text: n.Text, HTML: n.HTML, Quoted: n.Quoted, Signature: n.Signature,
			Original: rapport.KindFile.Format(n.Original), Meta: n.Meta, CreatedAt: n.CreatedAt, TakenAs: taken[n.ID]}
		for _, f := range n.Files {
			x.Files = append(x.Files, rapport.KindFile.Format(f))
		}
		return x, err
	}, `SELECT `+entryColumns+` FROM entries WHERE customer_id `+s.d.in(1)+` ORDER BY id`, who)
	return err
}

func (s *Store) exportParts(ctx context.Context, e *Export, who any) (err error) {
	e.Threads, err = collect(ctx, s, func(scan func(...any) error) (p ExportedPart, err error) {
		var id rapport.ID
		err = scan(&id, &p.Name)
		p.Thread = rapport.KindThread.Format(id)
		return
	}, `SELECT p.thread_id, max(p.name) FROM addresses a JOIN thread_participants p ON p.akey = a.akey WHERE a.channel = 'email' AND a.customer_id `+s.d.in(1)+` GROUP BY p.thread_id ORDER BY p.thread_id`, who)
	return err
}

func (s *Store) exportReports(ctx context.Context, e *Export, who any) (err error) {
	e.Reports, err = collect(ctx, s, func(scan func(...any) error) (r ExportedReport, err error) {
		var message, file rapport.ID
		var ms int64
		err = scan(&message, &r.Kind, &r.Class, &r.Reason, &r.Code, &r.Detail, &file, &ms)
		r.Message, r.Original, r.At = rapport.KindMessage.Format(message), rapport.KindFile.Format(file), at(ms)
		return
	}, `SELECT m.id, r.kind, r.class, r.reason, r.code, r.detail, r.file_id, r.at FROM messages m JOIN receipts r ON r.message_id = m.id WHERE m.customer_id `+s.d.in(1)+` ORDER BY r.id`, who)
	if err != nil {
		return err
	}
	for _, a := range e.Addresses {
		strays, err := s.StraysAbout(ctx, a.Address)
		if err != nil {
			return err
		}
		for _, x := range strays {
			e.Reports = append(e.Reports, ExportedReport{Kind: x.Kind, Reason: x.Reason, Code: x.Code, Detail: x.Subject, Text: x.Text, Original: rapport.KindFile.Format(x.Original), At: x.At})
		}
	}
	return nil
}

func (s *Store) exportDrafts(ctx context.Context, e *Export, who any) (err error) {
	e.Drafts, err = collect(ctx, s, func(scan func(...any) error) (ExportedDraft, error) {
		d, err := scanDraft(scan)
		return ExportedDraft{rapport.KindThread.Format(d.Thread), d.Content, d.UpdatedAt}, err
	}, `SELECT d.thread_id, d.agent, d.content, d.updated_at FROM drafts d JOIN threads t ON t.id = d.thread_id WHERE t.customer_id `+s.d.in(1)+` ORDER BY d.thread_id, d.agent`, who)
	return err
}

func (s *Store) exportMerges(ctx context.Context, e *Export, who any) (err error) {
	e.Merges, err = collect(ctx, s, func(scan func(...any) error) (x ExportedMerge, err error) {
		var detail string
		m, err := scanMerge(func(to ...any) error { return scan(append(to, &detail)...) })
		return ExportedMerge{rapport.KindCustomer.Format(m.From), rapport.KindCustomer.Format(m.Into), json.RawMessage(detail), m.At, m.UndoneAt}, err
	}, `SELECT `+mergeColumns+`, detail FROM merges WHERE customer_id `+s.d.in(1)+` OR into_id `+s.d.in(1)+` ORDER BY id`, who)
	return err
}
