package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
	"rapport/templates"
)

// content is what a campaign says, ready to be rendered for many.
type content struct {
	campaign *rapport.Campaign
	template *templates.Template
	data     map[string]any
	about    map[string]any // the campaign, as templates see it
	inline   *Inline
	track    *rapport.Topic // nil: nothing of this campaign is tracked
}

// Inline is content given directly instead of a template: an agent's answer, a confirmation.
type Inline struct {
	templates.InlineContent
	InReplyTo   string   `json:"in_reply_to,omitempty"`
	References  []string `json:"references,omitempty"`
	Attachments []string `json:"attachments,omitempty"`
	// Who gets it beside the address of the message, which the first of To is where To is not empty.
	rapport.Recipients
}

// copies are who gets it besides the address of the message.
func (in *Inline) copies() []channels.Copy {
	var out []channels.Copy
	add := func(field channels.CopyField, addresses []string) {
		for _, a := range addresses {
			out = append(out, channels.Copy{Field: field, Address: a})
		}
	}
	add(channels.CopyTo, in.To[min(1, len(in.To)):])
	add(channels.CopyCc, in.Cc)
	add(channels.CopyBcc, in.Bcc)
	return out
}

// prepare loads what a group of claimed rows of b says: each campaign and its template once. Single messages have a
// campaign each, which is read here for all of them together, unless it is known, and not kept: hardly one is asked for
// again.
func (g *Gateway) prepare(ctx context.Context, b store.Batch, rows []store.Claimed, known map[rapport.ID]*content) (map[rapport.ID]*content, error) {
	if b.Campaign != 0 {
		c, err := g.content(ctx, b.Campaign)
		return map[rapport.ID]*content{b.Campaign: c}, err
	}
	var ids []rapport.ID
	for i := range rows {
		if rows[i].Mine() && known[rows[i].Campaign] == nil {
			ids = append(ids, rows[i].Campaign)
		}
	}
	if len(ids) == 0 {
		return known, nil
	}
	campaigns, err := g.Store.CampaignsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := maps.Clone(known)
	if out == nil {
		out = make(map[rapport.ID]*content, len(campaigns))
	}
	for id, campaign := range campaigns {
		if out[id], err = g.contentOf(ctx, campaign); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (g *Gateway) content(ctx context.Context, id rapport.ID) (*content, error) {
	c, err := g.contents.get(ctx, id)
	if err != nil {
		return nil, err
	}
	return g.tracked(ctx, c)
}

// contentOf is content of a campaign as it is now; the other one may be as old as the campaign's launch.
func (g *Gateway) contentOf(ctx context.Context, campaign *rapport.Campaign) (*content, error) {
	c, err := g.said(ctx, campaign)
	if err != nil {
		return nil, err
	}
	return g.tracked(ctx, c)
}

// said is the part of a content that does not change once messages are sent.
func (g *Gateway) said(ctx context.Context, campaign *rapport.Campaign) (_ *content, err error) {
	c := &content{campaign: campaign, about: map[string]any{"id": rapport.KindCampaign.Format(campaign.ID), "name": campaign.Name,
		"purpose": string(campaign.Purpose), "topic": campaign.Topic}}
	if len(campaign.Inline) > 0 {
		c.inline = &Inline{}
		if err := json.Unmarshal(campaign.Inline, c.inline); err != nil {
			return nil, err
		}
		said := c.inline.InlineContent
		said.Attachments = c.inline.Attachments // a file may be all that is said
		c.template, err = templates.Inline(said)
		return c, err
	}
	if c.template, err = g.templates.Get(ctx, campaign.Template); err != nil {
		return nil, err
	}
	if len(campaign.Data) > 0 {
		err = json.Unmarshal(campaign.Data, &c.data)
	}
	return c, err
}

// tracked returns c with what its topic says of tracking, which may change while a campaign is sent.
func (g *Gateway) tracked(ctx context.Context, c *content) (*content, error) {
	if c.inline != nil || c.campaign.Topic == "" {
		return c, nil
	}
	topic, err := g.topics.get(ctx, c.campaign.Topic)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if !topic.TrackOpens && !topic.TrackClicks || noTracking(c.campaign.Metadata) {
		return c, nil
	}
	own := *c
	own.track = &topic
	return &own, nil
}

// noTracking reads the campaign's own switch, metadata.track: false.
func noTracking(metadata json.RawMessage) bool {
	var m struct{ Track *bool }
	return json.Unmarshal(metadata, &m) == nil && m.Track != nil && !*m.Track
}

// send renders one claimed row, hands it to the provider and has recorded what came of it.
func (g *Gateway) send(f *flight, p *channels.Provider, group map[rapport.ID]*content) {
	a, row := &f.attempt, f.row
	c := group[row.Campaign]
	if c == nil {
		a.verdict = &channels.Verdict{Kind: channels.Temporary, Reason: "not_prepared"}
	} else {
		a.campaign = c.campaign
		o, r, err := g.compose(c, row.ID, row.Channel, row.Address, row.Vars, g.now(), &f.paper)
		if err != nil {
			a.verdict = &channels.Verdict{Kind: channels.Rejected, Reason: rapport.ReasonRender, Detail: err.Error()}
		} else {
			o.Attempt, o.ValidUntil = row.Attempt, row.ValidTo
			a.segments = r.SMS.Segments
			units := 1
			if row.Channel == rapport.SMS {
				units = a.segments
			}
			a.micros = g.set.Prices.micros(row.Channel, units)
			o.Wire = f.wire
			g.waiting.begin(row.ID, f.ctx)
			a.id, a.verdict = p.Send(f.ctx, o)
			g.waiting.end(row.ID)
			f.hand.end(a.verdict)
			if f.ctx.Err() != nil && a.verdict != nil && a.verdict.Kind == channels.Temporary {
				a.verdict = &channels.Verdict{Kind: channels.Temporary, Reason: recalled}
			}
		}
	}
	f.outcome = g.outcome(a)
	f.outcome.Notice = g.noticeOf(f.outcome.To, about{row.ID, row.Campaign, row.Customer, row.Channel, f.outcome.Reason})
	if v := a.verdict; v != nil {
		g.Log.Debug("an attempt did not succeed", "message", rapport.KindMessage.Format(row.ID), "verdict", string(v.Kind), "reason", v.Reason, "code", v.Code)
	}
	g.engine.ops <- op{outcome: &f.outcome, done: f.recorded}
}

// compose renders a message as it is sent at the time now. Rendering again with the same values gives the
// same bytes: that is how a message is shown later, and how a click finds its target. What it returns stands in l, unless
// that is nil.
func (g *Gateway) compose(c *content, id rapport.ID, ch rapport.Channel, address string, stored json.RawMessage, now time.Time, l *paper) (*channels.Outgoing, *templates.Rendered, error) {
	v, err := g.open(c, stored)
	if err != nil {
		return nil, nil, err
	}
	defer g.close(v)
	if l == nil {
		l = &paper{}
	}
	r, err := g.render(c, id, ch, v, now, &l.room)
	if err != nil {
		return nil, nil, err
	}
	name, _ := v.Customer["name"].(string)
	o := &l.out
	*o = channels.Outgoing{ID: id, Token: rapport.KindMessage.Format(id), Channel: ch, Purpose: c.campaign.Purpose, Locale: r.Locale,
		To: address, ToName: name, From: c.campaign.From, ReplyTo: c.campaign.ReplyTo, Key: r.Key, Subject: r.Subject,
		Text: r.Text, HTML: r.HTML, Body: r.Body, Headers: r.Headers, Buttons: r.Buttons}
	if c.campaign.Purpose == rapport.Marketing && ch == rapport.Email {
		if o.Unsubscribe = v.urls.Unsubscribe; o.Unsubscribe == "" {
			o.Unsubscribe = g.link("/u/", useUnsubscribe, id, 0)
		}
	}
	if c.campaign.Kind == rapport.KindOfSystem && ch == rapport.Email {
		o.Headers = slices.Concat(o.Headers, noAnswer)
	}
	files := r.Attachments
	if c.inline != nil {
		o.InReplyTo, o.References, o.Copies = c.inline.InReplyTo, c.inline.References, c.inline.copies()
		files = c.inline.Attachments
	}
	for _, f := range files {
		a, err := g.attachment(f)
		if err != nil {
			return nil, nil, err
		}
		if strings.Contains(o.HTML.String(), "cid:"+f) {
			a.ContentID = f // a picture that the HTML shows, and not a file beside it
		}
		o.Attachments = append(o.Attachments, a)
	}
	return o, r, nil
}

// paper is room for a composed message.
type paper struct {
	room templates.Room
	out  channels.Outgoing
}

func (l *paper) reset() {
	l.room.Reset()
	l.out = channels.Outgoing{}
}

// sheet is what one message is rendered with. It is kept for the next: to make its maps costs as much as to
// fill them.
type sheet struct {
	vars
	roots map[string]any // what templates see: customer, data, campaign
	urls  templates.URLs
}

// mostMembers is how many members a sheet's map may have had to be kept: clearing it costs as much each time.
const mostMembers = 64

// open reads stored variables over the campaign's data; nil are those of an inline message. The sheet must be
// closed, and nothing of its maps kept, once the message is rendered.
func (g *Gateway) open(c *content, stored json.RawMessage) (*sheet, error) {
	v, ok := g.sheets.Get().(*sheet)
	if !ok {
		v = &sheet{vars: vars{Customer: map[string]any{}, Data: map[string]any{}}, roots: map[string]any{}}
	}
	maps.Copy(v.Data, c.data)
	if err := v.decode(stored); err != nil {
		return nil, err
	}
	v.roots["customer"], v.roots["data"], v.roots["campaign"] = v.Customer, v.Data, c.about
	return v, nil
}

func (g *Gateway) close(v *sheet) {
	if v.Customer == nil || v.Data == nil || len(v.Customer) > mostMembers || len(v.Data) > mostMembers {
		return
	}
	clear(v.Customer)
	clear(v.Data)
	*v = sheet{vars: vars{Customer: v.Customer, Data: v.Data}, roots: v.roots}
	g.sheets.Put(v)
}

func (g *Gateway) render(c *content, id rapport.ID, ch rapport.Channel, v *sheet, now time.Time, room *templates.Room) (*templates.Rendered, error) {
	in := templates.Input{DefaultLocale: g.set.DefaultLocale, Zone: g.set.DefaultZone, Now: now, Company: g.set.Company, Marketing: c.campaign.Purpose == rapport.Marketing, Vars: v.roots, Room: room}
	in.Locale, _ = v.Customer["locale"].(string)
	if z, _ := v.Customer["timezone"].(string); z != "" {
		if loc, err := zone(z); err == nil {
			in.Zone = loc
		}
	}
	wanted := c.template.URLs(ch) // none of what is inline
	if wanted.Preferences {
		v.urls.Preferences = g.link("/p/", usePreferences, id, 0)
	}
	if wanted.Unsubscribe && in.Marketing { // a transactional message comes whatever its reader would say on that page
		v.urls.Unsubscribe = g.link("/u/", useUnsubscribe, id, 0)
	}
	if wanted.LinkTelegram {
		v.urls.LinkTelegram = g.telegramLink(id)
	}
	if wanted.Reply {
		v.urls.Reply = g.link("/r/", useAnswer, id, 0)
	}
	in.URLs = v.urls
	if c.track != nil && !v.NoTrack && ch == rapport.Email {
		in.Track = &templates.Tracking{}
		if c.track.TrackClicks {
			in.Track.Click = func(n int, _ string) string { return g.link("/c/", useClick, id, n) }
		}
		if c.track.TrackOpens {
			in.Track.OpenPixel = g.link("/o/", useOpen, id, 0)
		}
	}
	return c.template.Render(ch, in)
}

// merged lays the recipient's data over the campaign's.
func merged(campaign, own map[string]any) map[string]any {
	if len(own) == 0 {
		return campaign
	}
	if len(campaign) == 0 {
		return own
	}
	m := maps.Clone(campaign)
	maps.Copy(m, own)
	return m
}

// telegramLink makes the chat of whoever follows it first that of a message's customer. Empty: there is no bot with a name.
func (g *Gateway) telegramLink(id rapport.ID) string {
	bot := g.telegramBot()
	if bot == "" {
		return ""
	}
	return "https://t.me/" + bot + "?start=" + g.token(useTelegram, id, 0)
}

// telegramBot is the public name of the bot that links go to, from the first Telegram provider that has one.
func (g *Gateway) telegramBot() string {
	for _, p := range g.Hub.Route(rapport.Telegram, false) {
		if name, _ := p.Entry().Settings["bot_username"].(string); name != "" {
			return strings.TrimPrefix(name, "@")
		}
	}
	return ""
}

// attachment makes a file of ours sendable; it is read from the store each time it is opened.
func (g *Gateway) attachment(ref string) (channels.Attachment, error) {
	id, err := rapport.KindFile.Parse(ref)
	if err != nil {
		return channels.Attachment{}, err
	}
	f, err := g.Store.File(context.Background(), id)
	if err != nil {
		return channels.Attachment{}, err
	}
	if !f.Complete {
		return channels.Attachment{}, errors.New("the file was not uploaded to its end")
	}
	return channels.Attachment{Name: f.Name, ContentType: f.ContentType, Size: f.Size, URL: g.fileLink(id), Open: func() (io.ReadCloser, error) {
		return g.Store.OpenFile(context.Background(), id)
	}}, nil
}

// Shown renders a message again as it was, or would be, sent. nil: its variables were erased. Links are
// listed also when the topic is not tracked any more: those in a mail sent before still work.
func (g *Gateway) Shown(ctx context.Context, m rapport.Message) (*templates.Rendered, error) {
	c, err := g.content(ctx, m.Campaign)
	if err != nil {
		return nil, err
	}
	if c.track == nil && m.Channel == rapport.Email {
		own := *c
		own.track, c = &rapport.Topic{}, &own
	}
	stored, err := g.Store.Vars(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 && c.inline == nil {
		return nil, nil
	}
	v, err := g.open(c, stored)
	if err != nil {
		return nil, err
	}
	defer g.close(v)
	when := m.SentAt
	if when.IsZero() {
		when = g.now()
	}
	return g.render(c, m.ID, m.Channel, v, when, nil)
}
