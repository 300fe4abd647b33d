package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"rapport"
	"rapport/store"
)

// DryRun is what a campaign would do.
type DryRun struct {
	Recipients int64                     `json:"recipients"`
	Examined   int64                     `json:"examined" doc:"Recipients that were looked at; what follows is about them."`
	Complete   bool                      `json:"complete" doc:"All were."`
	Refused    int64                     `json:"refused"`
	Channels   map[rapport.Channel]int64 `json:"channels" doc:"Messages that would go out."`
	Later      int64                     `json:"later" doc:"Of them, how many wait for a window or quiet hours."`
	Skipped    map[string]int64          `json:"skipped" doc:"By reason."`
	Segments   int64                     `json:"sms_segments"`
	Costs      []DryCost                 `json:"costs" nullable:"false" doc:"By channel, for what is sent on it."`
	Currency   string                    `json:"currency,omitempty" doc:"ISO 4217; none: no prices are configured."`
	Samples    []Sample                  `json:"samples" nullable:"false" doc:"At most ten, rendered."`

	most  int64 // so many a channel are rendered; the segments of the others are as many on average. 0: all are
	shown map[rapport.Channel]int64
}

// DryCost is what the messages of a channel would cost.
type DryCost struct {
	Channel  rapport.Channel `json:"channel"`
	Messages int64           `json:"messages"`
	Units    int64           `json:"units" doc:"What is paid for: messages; on SMS segments."`
	Price    float64         `json:"price" doc:"Of a unit, in minor units of the currency; 0: none is configured."`
	Amount   int64           `json:"amount" doc:"In minor units."`
}

// Sample is one message as its customer would see it.
type Sample struct {
	Customer string          `json:"customer"`
	Channel  rapport.Channel `json:"channel"`
	Locale   string          `json:"locale" doc:"Of the variant that was chosen."`
	To       string          `json:"to"`
	Subject  string          `json:"subject,omitempty"`
	Text     string          `json:"text,omitempty"`
	HTML     string          `json:"html,omitempty"`
	Body     string          `json:"body,omitempty"`
	Segments int             `json:"segments,omitempty"`
	Error    string          `json:"error,omitempty"`
}

const maxSamples = 10

func newDryRun(recipients int64) *DryRun {
	return &DryRun{Recipients: recipients, Channels: map[rapport.Channel]int64{}, Skipped: map[string]int64{}, Samples: []Sample{}, shown: map[rapport.Channel]int64{}}
}

// dryRun plans a campaign with the very engine that sends, page by page in transactions that are rolled
// back, and keeps only the result. Every message is rendered: a template that fails for one customer shows.
func (g *Gateway) dryRun(ctx context.Context, set *rules) error {
	d := newDryRun(set.campaign.Audience)
	if err := g.examine(ctx, set, d, func() bool { return false }); err != nil {
		return err
	}
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := g.Store.SetResult(ctx, set.campaign.ID, b); err != nil {
		return err
	}
	ok, err := g.Store.MoveCampaign(ctx, set.campaign.ID, rapport.CampaignFinished, rapport.CampaignPlanning)
	if ok {
		g.purge(ctx, set.campaign.ID)
	}
	return err
}

// Bounds of an estimate: somebody waits for it.
const (
	estimateFor     = 3 * time.Second
	estimateMost    = 20_000 // recipients
	estimateSampled = 200    // rendered on each channel
)

// Estimate tells of a draft what a dry run would, at once: of so many recipients as can be looked at in that time. It leaves
// nothing behind.
func (g *Gateway) Estimate(ctx context.Context, id rapport.ID) (*DryRun, error) {
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Status != rapport.CampaignDraft {
		return nil, rapport.Errorf(rapport.CodeConflict, "Only a draft can be estimated; this campaign is %s.", c.Status)
	}
	leave, err := g.enterIntake(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	c.DryRun = true // nobody is told of customers that are rolled back
	if err := g.draw(ctx, g.Store, c); err != nil {
		return nil, err
	}
	set, err := g.rules(ctx, g.Store, c)
	if err != nil {
		return nil, err
	}
	d := newDryRun(c.Audience)
	d.most = estimateSampled
	until := time.Now().Add(estimateFor)
	return d, g.examine(ctx, set, d, func() bool { return d.Examined >= estimateMost || time.Now().After(until) })
}

// examine fills in d until there are no more recipients, or enough were looked at.
func (g *Gateway) examine(ctx context.Context, set *rules, d *DryRun, enough func() bool) error {
	for cursor := int64(0); !d.Complete && !enough(); {
		err := g.Store.Tx(ctx, func(s *store.Store) error {
			page, err := g.planPage(ctx, s, set, cursor)
			if err != nil {
				return err
			}
			d.Refused += int64(len(page.refusals))
			d.Examined += int64(len(page.refusals))
			var last rapport.ID
			for _, r := range page.rows {
				if r.Message.Customer != last { // a customer's rows stand together
					last = r.Message.Customer
					d.Examined++
				}
				if err := g.dryRow(ctx, s, set, d, r); err != nil {
					return err
				}
			}
			cursor, d.Complete = page.next, page.last
			return errRollback
		})
		if !errors.Is(err, errRollback) {
			return err
		}
	}
	if all, shown := d.Channels[rapport.SMS], d.shown[rapport.SMS]; shown > 0 && shown < all {
		d.Segments = int64(math.Round(float64(d.Segments) / float64(shown) * float64(all)))
	}
	d.Currency, d.Costs = g.set.Prices.Currency, []DryCost{}
	for _, ch := range rapport.Channels {
		n := d.Channels[ch]
		if n == 0 {
			continue
		}
		units := n
		if ch == rapport.SMS {
			units = d.Segments
		}
		price := g.set.Prices.Minor[ch]
		d.Costs = append(d.Costs, DryCost{ch, n, units, price, int64(math.Round(price * float64(units)))})
	}
	return nil
}

func (g *Gateway) dryRow(ctx context.Context, s *store.Store, set *rules, d *DryRun, r store.Row) error {
	ch := r.Message.Channel
	if r.Message.State != rapport.Pending {
		d.Skipped[r.Message.Reason]++
		return nil
	}
	if r.Message.Due.After(g.now()) {
		d.Later++
	}
	if d.most > 0 && d.shown[ch] >= d.most {
		d.Channels[ch]++
		return nil
	}
	a, err := s.Address(ctx, r.Message.Address)
	if err != nil {
		return err
	}
	sample := Sample{Customer: rapport.KindCustomer.Format(r.Message.Customer), Channel: ch, To: a.Value}
	o, rendered, err := g.compose(set.content, r.Message.ID, ch, a.Value, r.Vars, g.now(), nil)
	if err != nil {
		sample.Error = err.Error()
		d.Skipped[rapport.ReasonRender]++
	} else {
		d.Channels[ch]++
		d.shown[ch]++
		d.Segments += int64(rendered.SMS.Segments)
		sample.Locale, sample.Subject, sample.Text, sample.HTML, sample.Body, sample.Segments = rendered.Locale, rendered.Subject.String(), o.Text.String(), o.HTML.String(), o.Body.String(), rendered.SMS.Segments
	}
	if len(d.Samples) < maxSamples && d.Channels[ch] <= maxSamples/2 { // so that no channel takes all of them
		d.Samples = append(d.Samples, sample)
	}
	return nil
}

// drySend says what a single message would do, and keeps nothing.
func (g *Gateway) drySend(ctx context.Context, c *rapport.Campaign, patch store.CustomerPatch, data map[string]any) (res SendResult, replayed bool, err error) {
	x := &submission{campaign: c, patch: patch, data: data, notes: &Notes{Message: "Dry run: nothing was kept or sent."}}
	err = g.Store.Tx(ctx, func(s *store.Store) error {
		up, err := s.UpsertCustomers(ctx, []store.CustomerPatch{patch})
		if err != nil {
			return err
		}
		if err := up[0].Err(); err != nil {
			return err
		}
		profiles, err := s.Profiles(ctx, []rapport.ID{up[0].ID}, c.Purpose, c.Topic)
		if err != nil {
			return err
		}
		policy, err := g.policy(ctx, s, c.Topic)
		if err != nil {
			return err
		}
		if _, err := g.single(ctx, x, profiles[up[0].ID], policy); err != nil {
			return err
		}
		return errRollback
	})
	if errors.Is(err, errRollback) {
		err = x.err
	}
	return x.result, false, err
}
