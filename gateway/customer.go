package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on the machine
	"unicode"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers/v2"
	"golang.org/x/text/language"

	"rapport"
	"rapport/store"
)

// CustomerInput is a customer as callers write them, in a request, in a line of NDJSON or as cells of a
// CSV. What is not given stays as it is.
type CustomerInput struct {
	ID          string            `json:"id,omitempty" doc:"The customer's id, or ext: and your own." example:"cus_0b8t9g3kq8x1w"`
	ExternalID  string            `json:"external_id,omitempty" maxLength:"200" doc:"Your own id of the customer." example:"crm-1017"`
	Audience    *string           `json:"audience,omitempty" enum:"customer,employee,partner,shareholder" doc:"What the person is to you."`
	Name        *string           `json:"name,omitempty" maxLength:"500" example:"Anna Berzina"`
	Locale      *string           `json:"locale,omitempty" doc:"BCP 47; empty: the default of this installation." example:"ru-LV"`
	Timezone    *string           `json:"timezone,omitempty" doc:"IANA; empty: the default of this installation." example:"Europe/Riga"`
	Track       *bool             `json:"track,omitempty" doc:"false: opens and clicks of this person are not recorded."`
	Attributes  json.RawMessage   `json:"attributes,omitempty" doc:"A JSON object of at most 64 KiB, merged key by key; null deletes a key."`
	Addresses   []AddressInput    `json:"addresses,omitempty" maxItems:"50" doc:"With PUT, the list replaces the known addresses of each channel in it, and an empty list all of them; elsewhere it adds to them."`
	Preferences *PreferencesInput `json:"preferences,omitempty"`
	Consents    []ConsentInput    `json:"consents,omitempty" maxItems:"200" doc:"What the person agreed to, with proof. What is on record already is not recorded again."`
}

// AddressInput is one place where a customer is reached.
type AddressInput struct {
	Channel rapport.Channel `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Address string          `json:"address" maxLength:"2000" doc:"An email address, a phone number, a Telegram chat id, a URL."`
	Primary bool            `json:"primary,omitempty" doc:"The one to use where there are several of a channel."`
}

// PreferencesInput is what a customer wants.
type PreferencesInput struct {
	Topics       map[string]map[rapport.Channel]bool `json:"topics,omitempty" doc:"Yes or no by topic (* is every topic) and channel. Answers that are not repeated stay." example:"{\"news\":{\"email\":true,\"sms\":false}}"`
	ChannelOrder *[]rapport.Channel                  `json:"channel_order,omitempty" doc:"Preferred first."`
	QuietHours   *QuietInput                         `json:"quiet_hours,omitempty" doc:"Marketing waits in these hours of the person's day; both empty: none."`
	FrequencyCap *CapInput                           `json:"frequency_cap,omitempty" doc:"At most so many marketing messages; max 0: no such bound."`
}

// QuietInput is a span of the day.
type QuietInput struct {
	From  string `json:"from" example:"21:00"`
	Until string `json:"until" example:"09:00"`
}

// CapInput is at most Max in any Per.
type CapInput struct {
	Max int    `json:"max" minimum:"0" maximum:"1000"`
	Per string `json:"per,omitempty" doc:"A duration of at most a year." example:"168h"`
}

// What one customer may have in one request.
const (
	maxAttributes = 64 << 10 // bytes of JSON
	maxAddresses  = 50
	maxConsents   = 200
)

// patch checks a customer and brings every part into the form that the store keeps. path is where in the
// request the customer stands ("audience.customers[3]"), for the refusals.
func (g *Gateway) patch(in CustomerInput, path string) (store.CustomerPatch, []rapport.FieldError) {
	v := validation{path: path}
	p := store.CustomerPatch{ExternalID: in.ExternalID, Name: in.Name, Track: in.Track}
	if external, ok := strings.CutPrefix(in.ID, "ext:"); ok {
		if in.ExternalID != "" && in.ExternalID != external {
			v.refuse("id", "names another customer than external_id")
		}
		p.ExternalID = external
	} else if in.ID != "" {
		id, err := rapport.KindCustomer.Parse(in.ID)
		if err != nil {
			v.refuse("id", "is not a customer id such as cus_0123456789abc, nor ext: and an external id")
		}
		p.ID = id
	}
	v.text("external_id", p.ExternalID, 200)
	if in.Name != nil {
		v.text("name", *in.Name, 500)
	}
	if in.Audience != nil {
		p.Audience = in.Audience
		if !slices.Contains(rapport.Audiences, *in.Audience) {
			v.refuse("audience", "must be one of %s", strings.Join(rapport.Audiences, ", "))
		}
	}
	p.Locale = v.locale("locale", in.Locale)
	p.Timezone = v.timezone("timezone", in.Timezone)
	p.Attributes = v.attributes("attributes", in.Attributes)
	if len(in.Addresses) > maxAddresses {
		v.refuse("addresses", "holds more than %d addresses", maxAddresses)
		in.Addresses = nil
	}
	if len(in.Consents) > maxConsents {
		v.refuse("consents", "holds more than %d consents", maxConsents)
		in.Consents = nil
	}
	for i, a := range in.Addresses {
		value, wrong := g.address(a.Channel, a.Address)
		if wrong != nil {
			v.refuse(fmt.Sprintf("addresses[%d].%s", i, wrong.Path), "%s", wrong.Message)
		}
		p.Addresses = append(p.Addresses, store.AddressPatch{Channel: a.Channel, Value: value, Primary: a.Primary})
	}
	if in.Preferences != nil {
		v.preferences("preferences", in.Preferences, &p)
	}
	for i, c := range in.Consents {
		p.Consents = append(p.Consents, v.consent(fmt.Sprintf("consents[%d]", i), c))
	}
	if p.ID == 0 && p.ExternalID == "" && len(p.Addresses) == 0 && len(v.errs) == 0 {
		v.refuse("", "names nobody: an id, an external_id or an address is needed")
	}
	return p, v.errs
}

// address brings one address into its normal form. A phone number without "+" is read as one of the
// default region.
func (g *Gateway) address(c rapport.Channel, value string) (string, *rapport.FieldError) {
	if !rapport.ValidChannel(c) {
		return "", &rapport.FieldError{Path: "channel", Message: "must be one of " + channelList()}
	}
	if c == rapport.SMS || c == rapport.WhatsApp {
		n, err := phonenumbers.Parse(value, g.set.DefaultRegion)
		switch {
		case err != nil && g.set.DefaultRegion == "" && !strings.HasPrefix(strings.TrimSpace(value), "+"):
			return "", &rapport.FieldError{Path: "address", Message: "is not a phone number in international form such as +37120000000 (default_region is not set)"}
		case err != nil || len(value) > 60 || phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE || n.GetExtension() != "":
			return "", &rapport.FieldError{Path: "address", Message: "is not a phone number"}
		}
		value = phonenumbers.Format(n, phonenumbers.E164)
	}
	return rapport.NormalizeAddress(c, value)
}

func channelList() string {
	names := make([]string, len(rapport.Channels))
	for i, c := range rapport.Channels {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

// validation gathers what is wrong with one object of a request.
type validation struct {
	path string
	errs []rapport.FieldError
}

func (v *validation) refuse(field, format string, args ...any) {
	path := v.path
	if path != "" && field != "" {
		path += "."
	}
	v.errs = append(v.errs, rapport.FieldError{Path: path + field, Message: fmt.Sprintf(format, args...)})
}

// text checks one line of text for people: no control characters, so that it can stand in a mail header.
func (v *validation) text(field, s string, max int) {
	switch {
	case !utf8.ValidString(s):
		v.refuse(field, "holds broken UTF-8")
	case strings.IndexFunc(s, unicode.IsControl) >= 0:
		v.refuse(field, "holds a line break or another control character")
	case utf8.RuneCountInString(s) > max:
		v.refuse(field, "is longer than %d characters", max)
	}
}

func (v *validation) locale(field string, s *string) *string {
	if s == nil || *s == "" {
		return s
	}
	tag, err := language.Raw.Parse(*s)
	if err != nil || len(*s) > 35 {
		v.refuse(field, "is not a language tag (BCP 47) such as en or pt-BR")
		return s
	}
	text := tag.String()
	return &text
}

func (v *validation) timezone(field string, s *string) *string {
	if s == nil || *s == "" {
		return s
	}
	if _, err := zone(*s); err != nil || *s == "Local" || len(*s) > 64 {
		v.refuse(field, "is not a time zone (IANA) such as Europe/Riga")
	}
	return s
}

func (v *validation) attributes(field string, raw json.RawMessage) json.RawMessage {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil
	case raw[0] != '{':
		v.refuse(field, "must be a JSON object")
	case len(raw) > maxAttributes:
		v.refuse(field, "is larger than 64 KiB")
	}
	return raw
}

func (v *validation) preferences(field string, in *PreferencesInput, p *store.CustomerPatch) {
	for _, topic := range slices.Sorted(maps.Keys(in.Topics)) {
		if topic != "*" && !validKey(topic) {
			v.refuse(field+".topics."+topic, "is not a topic key: %s", keyRule)
			continue
		}
		for _, c := range slices.Sorted(maps.Keys(in.Topics[topic])) {
			if !rapport.ValidChannel(c) {
				v.refuse(field+".topics."+topic+"."+string(c), "must be one of %s", channelList())
			}
			p.Prefs = append(p.Prefs, rapport.Preference{Topic: topic, Channel: c, Enabled: in.Topics[topic][c]})
		}
	}
	if len(p.Prefs) > 400 {
		v.refuse(field+".topics", "holds more than 400 answers")
	}
	if in.ChannelOrder != nil {
		p.Order = in.ChannelOrder
		for i, c := range *in.ChannelOrder {
			at := fmt.Sprintf("%s.channel_order[%d]", field, i)
			if !rapport.ValidChannel(c) {
				v.refuse(at, "must be one of %s", channelList())
			} else if slices.Index(*in.ChannelOrder, c) != i {
				v.refuse(at, "stands in the list twice")
			}
		}
	}
	if q := in.QuietHours; q != nil {
		from, ok := clock(q.From)
		until, ok2 := clock(q.Until)
		switch {
		case q.From == "" && q.Until == "":
			p.ClearQuiet = true
		case !ok || !ok2:
			v.refuse(field+".quiet_hours", "needs from and until as hours and minutes, like 21:00")
		case from == until:
			v.refuse(field+".quiet_hours", "would never end: from and until are the same")
		default:
			p.Quiet = &rapport.QuietHours{From: from, Until: until}
		}
	}
	if c := in.FrequencyCap; c != nil {
		per, err := time.ParseDuration(c.Per)
		switch {
		case c.Max == 0:
			p.ClearCap = true
		case c.Max < 0 || c.Max > 1000:
			v.refuse(field+".frequency_cap.max", "must be from 0 to 1000")
		case err != nil || per < time.Minute || per > 366*24*time.Hour:
			v.refuse(field+".frequency_cap.per", "must be a duration from 1m to 8784h, like 168h")
		default:
			p.Cap = &rapport.Cap{Max: c.Max, Per: per}
		}
	}
}

const keyRule = "up to 100 letters, digits, dots, dashes and underscores"

// validKey tells whether a topic or template may be called so.
func validKey(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == "" && s != "." && s != ".."
}

// Upsert finds or creates the customer that ref names ("cus_..." or "ext:...") and brings it up to date. A
// list of addresses replaces those of the channels that it mentions, so that a changed address is not
// written to any more, while a chat that was linked by the customer stays; an empty list removes all.
func (g *Gateway) Upsert(ctx context.Context, ref string, in CustomerInput) (c *rapport.Customer, created bool, err error) {
	external, byExternal := strings.CutPrefix(ref, "ext:")
	given := in.ExternalID
	if in.ID != "" && in.ID != ref {
		return nil, false, rapport.Invalid("id", "differs from the one in the address")
	}
	in.ID = ref
	if byExternal {
		in.ExternalID = "" // see below: the new name
	}
	p, wrong := g.patch(in, "")
	if len(wrong) > 0 {
		return nil, false, invalid(wrong)
	}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		p := p
		known, err := s.FindCustomer(ctx, ref)
		switch {
		case err == nil:
			p.ID = known.ID
			if byExternal && given != "" {
				p.ExternalID = given
			}
			if in.Addresses != nil {
				p.ReplaceAddresses = true
				p.Addresses = append(slices.Clone(p.Addresses), untouched(known.Addresses, p.Addresses)...)
			}
		case rapport.CodeOf(err) != rapport.CodeNotFound:
			return err
		case !byExternal:
			return err // ids are given by us
		case given != "" && given != external:
			return rapport.Invalid("external_id", "differs from the one in the address, and there is no such customer to rename")
		}
		done, err := s.UpsertCustomers(ctx, []store.CustomerPatch{p})
		if err != nil {
			return err
		}
		if err := done[0].Err(); err != nil {
			return err
		}
		created = done[0].Created
		if err := g.tellCustomers(ctx, s, done, []store.CustomerPatch{p}); err != nil {
			return err
		}
		c, err = s.Customer(ctx, done[0].ID)
		return err
	})
	return c, created, err
}

// untouched are the known addresses on channels that given does not mention. With nothing given there
// are none.
func untouched(known []rapport.Address, given []store.AddressPatch) []store.AddressPatch {
	var keep []store.AddressPatch
	for _, a := range known {
		if len(given) > 0 && !slices.ContainsFunc(given, func(n store.AddressPatch) bool { return n.Channel == a.Channel }) {
			keep = append(keep, store.AddressPatch{Channel: a.Channel, Value: a.Value, Primary: a.Primary})
		}
	}
	return keep
}

// Erase forgets a customer: everything that names them goes, the ledger and the hash of a suppressed
// address stay.
func (g *Gateway) Erase(ctx context.Context, by Caller, ref string) error {
	c, err := g.Store.FindCustomer(ctx, ref)
	if err != nil {
		return err
	}
	// The audit first: an erasure that breaks off is begun again, and this says by whom it was asked for.
	if err := g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "customer.erased", Subject: rapport.KindCustomer.Format(c.ID)}); err != nil {
		return err
	}
	return g.Store.DeleteCustomer(ctx, c.ID)
}

// Export gathers everything that we hold about a customer. It is written down who asked.
func (g *Gateway) Export(ctx context.Context, by Caller, ref string) (*store.Export, error) {
	c, err := g.Store.FindCustomer(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := g.Store.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "customer.exported", Subject: rapport.KindCustomer.Format(c.ID)}); err != nil {
		return nil, err
	}
	return g.Store.ExportCustomer(ctx, c.ID)
}

// ConsentInput is something that a customer agreed to, or withdrew.
type ConsentInput struct {
	Channel     rapport.Channel `json:"channel" enum:"email,sms,whatsapp,telegram,webhook"`
	Purpose     rapport.Purpose `json:"purpose" enum:"marketing,transactional"`
	Topic       string          `json:"topic,omitempty" doc:"Empty: every topic."`
	Granted     *bool           `json:"granted"`
	Source      string          `json:"source" maxLength:"200" doc:"Where it was said." example:"sign-up form"`
	TextVersion string          `json:"text_version" maxLength:"200" doc:"Which wording the person saw." example:"2026-03"`
	Proof       string          `json:"proof,omitempty" maxLength:"2000" doc:"Whatever shows it: a URL, a form id, a recording."`
	IP          string          `json:"ip,omitempty" doc:"Whence it was given."`
	At          time.Time       `json:"at,omitzero" doc:"When it was said; without it: now."`
}

func (v *validation) consent(field string, in ConsentInput) rapport.Consent {
	at := func(name string) string { return strings.TrimPrefix(field+"."+name, ".") }
	c := rapport.Consent{Channel: in.Channel, Purpose: in.Purpose, Topic: in.Topic, Source: in.Source, TextVersion: in.TextVersion, Proof: in.Proof, At: in.At.UTC()}
	if in.At.IsZero() {
		c.At = time.Time{}
	}
	if !rapport.ValidChannel(in.Channel) {
		v.refuse(at("channel"), "must be one of %s", channelList())
	}
	if in.Purpose != rapport.Marketing && in.Purpose != rapport.Transactional {
		v.refuse(at("purpose"), "must be marketing or transactional")
	}
	if in.Topic == "*" {
		c.Topic = ""
	} else if in.Topic != "" && !validKey(in.Topic) {
		v.refuse(at("topic"), "is not a topic key: %s", keyRule)
	}
	if in.Granted == nil {
		v.refuse(at("granted"), "must be true or false")
	} else {
		c.Granted = *in.Granted
	}
	if strings.TrimSpace(in.Source) == "" {
		v.refuse(at("source"), "must say where the consent comes from")
	}
	v.text(at("source"), in.Source, 200)
	v.text(at("text_version"), in.TextVersion, 200)
	v.text(at("proof"), in.Proof, 2000)
	if in.IP != "" {
		ip, err := netip.ParseAddr(in.IP)
		if err != nil || ip.Zone() != "" {
			v.refuse(at("ip"), "is not an IP address")
		}
		c.IP = in.IP
	}
	return c
}

// reason is a refusal of one row for people: "email is not an email address".
func reason(in CustomerInput, errs []rapport.FieldError) string {
	var b strings.Builder
	for i, e := range errs {
		if i == 3 {
			fmt.Fprintf(&b, "; and %d more", len(errs)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strings.TrimSpace(column(in, e.Path) + " " + e.Message))
	}
	return b.String()
}

// column is what a path is called in a table of customers.
func column(in CustomerInput, path string) string {
	index := func(prefix string) (int, bool) {
		rest, ok := strings.CutPrefix(path, prefix+"[")
		n, err := strconv.Atoi(rest[:max(0, strings.IndexByte(rest, ']'))])
		return n, ok && err == nil
	}
	if i, ok := index("addresses"); ok && i < len(in.Addresses) && !strings.HasSuffix(path, ".channel") {
		return string(in.Addresses[i].Channel)
	}
	if i, ok := index("consents"); ok && i < len(in.Consents) {
		return strings.TrimSuffix("consent."+string(in.Consents[i].Channel)+"."+in.Consents[i].Topic, ".") + path[strings.IndexByte(path, ']')+1:]
	}
	return path
}
