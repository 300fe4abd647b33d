package gateway

import (
	"context"
	"fmt"
	"io"
	"time"

	"rapport"
	"rapport/store"
)

// Caller is who asks: a program with its key, or an agent with a session.
type Caller struct {
	Key     rapport.ID // of whoever answers for it: the key's, or the agent's
	Scopes  []string
	Name    string
	Agent   rapport.ID        // of a session; 0: a key, or the command line
	Session rapport.ID        // 0: there is none
	Role    rapport.AgentRole // of a session; the command line is an owner
}

// Notes are what the caller of a campaign should know and did not ask.
type Notes struct {
	TopicCreated bool   `json:"topic_created,omitempty"`
	WillSkip     int64  `json:"will_skip,omitempty"`
	Message      string `json:"message,omitempty"`
}

// Keep stores the answer about a new campaign.
type Keep func(context.Context, *store.Store, *rapport.Campaign, *Notes) error

// SubmitCampaign takes the body of POST /v1/campaigns. Recipients are stored in transactions of at most
// store.MaxRows under a campaign that nobody sees yet; one last small transaction makes it real. An error,
// wherever in the body, leaves nothing behind.
//
// keep, when not nil, runs in that last transaction: what the caller is answered becomes durable with the
// campaign, or not at all, so that a request repeated after a crash cannot make a second one.
func (g *Gateway) SubmitCampaign(ctx context.Context, by Caller, body io.Reader, keep Keep) (*rapport.Campaign, *Notes, error) {
	sp, err := newSpool(body)
	if err != nil {
		return nil, nil, err
	}
	defer sp.close()
	leave, err := g.enterIntake(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	text, err := sp.split()
	if err != nil {
		return nil, nil, err
	}
	in, inline, err := campaignBody(text, nil)
	if err != nil {
		return nil, nil, err
	}
	c, created, err := g.campaign(ctx, by, rapport.KindOfCampaign, &in.SendSpec)
	if err != nil {
		return nil, nil, err
	}
	if err := g.checkAudience(ctx, in, inline, c); err != nil {
		return nil, nil, err
	}
	c.Status = rapport.CampaignAccepting
	if err := g.Store.InsertCampaigns(ctx, c); err != nil {
		g.discard(c.ID) // it may be there all the same: only the answer was lost
		return nil, nil, err
	}
	notes := &Notes{TopicCreated: created}
	if inline >= 0 {
		if text, err = sp.split(); err == nil {
			err = g.stageInline(ctx, c, text, notes)
		}
	}
	if notes.TopicCreated && c.Purpose == rapport.Marketing && g.set.DefaultPolicy == rapport.OptIn {
		notes.Message = fmt.Sprintf("Topic %q is new and opt_in: whoever has no consent for it is skipped.", c.Topic)
	} else {
		notes.WillSkip = 0
	}
	if err == nil {
		err = g.Store.Tx(ctx, func(s *store.Store) error {
			if created {
				if _, err := s.EnsureTopic(ctx, c.Topic, g.set.DefaultPolicy); err != nil {
					return err
				}
			}
			if in.Status == "draft" {
				if err := s.EndStage(ctx, c.ID, c.Audience); err != nil {
					return err
				}
				c.Status = rapport.CampaignDraft
			} else if err := g.launchIn(ctx, s, by, c, rapport.CampaignAccepting); err != nil {
				return err
			}
			if keep != nil {
				return keep(ctx, s, c, notes)
			}
			return nil
		})
	}
	if err != nil {
		g.discard(c.ID)
		return nil, nil, err
	}
	if c.Status == rapport.CampaignPlanning {
		g.hint(Wake{Plan: c.ID})
	}
	return c, notes, nil
}

// intakeWait is how long a campaign that has arrived waits for its turn.
const intakeWait = 250 * time.Millisecond

// enterIntake waits for a place among the inline campaigns that are being stored. There are few: each keeps a
// processor busy, so more of them at once would only be later, and so would everybody else.
func (g *Gateway) enterIntake(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(intakeWait)
	defer patience.Stop()
	select {
	case g.intake <- struct{}{}:
		return func() { <-g.intake }, nil
	case <-patience.C:
		return nil, &rapport.Error{Code: rapport.CodeRateLimited, Message: "More campaigns come in than can be stored.", RetryAfter: time.Second}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *Gateway) checkAudience(ctx context.Context, in *CampaignInput, inline int, c *rapport.Campaign) error {
	if in.Status != "" && in.Status != "draft" {
		return rapport.Invalid("status", "can only be draft")
	}
	a := in.Audience
	if a == nil {
		if in.Status == "draft" {
			return nil
		}
		return rapport.Invalid("audience", "is required, unless status is draft")
	}
	n := 0
	for _, there := range []bool{inline >= 0, a.Segment != "", a.Everyone} {
		if there {
			n++
		}
	}
	switch {
	case n != 1:
		return rapport.Invalid("audience", "must hold exactly one of customers, segment, everyone")
	case inline > g.set.InlineCustomers:
		return &rapport.Error{Code: rapport.CodeTooLarge, Message: fmt.Sprintf("At most %d customers fit into one request; stream more into a draft.", g.set.InlineCustomers)}
	case inline == 0:
		return rapport.Invalid("audience.customers", "is empty")
	}
	if a.Everyone || a.Segment != "" {
		return g.drawFrom(ctx, c, DrawnInput{a.Segment, a.Everyone})
	}
	return nil
}

// draw counts the audience that is drawn from the customers, and takes over what its segment asks now.
func (g *Gateway) draw(ctx context.Context, s *store.Store, c *rapport.Campaign) (err error) {
	if c.Everyone {
		c.Audience, err = s.CountEveryone(ctx)
		return err
	}
	if c.Segment.ID == 0 {
		return nil
	}
	seg, err := s.Segment(ctx, c.Segment.ID)
	if rapport.CodeOf(err) == rapport.CodeNotFound {
		return rapport.Errorf(rapport.CodeConflict, "The segment %s is gone.", c.Segment.Key)
	}
	if err != nil {
		return err
	}
	c.Segment = rapport.PinnedSegment{ID: seg.ID, Key: seg.Key, Version: seg.Version, Filter: seg.Filter}
	filter, err := rapport.ParseFilter(seg.Filter)
	if err != nil {
		return err
	}
	c.Audience, err = s.CountMatching(ctx, filter, g.now())
	return err
}

func invalid(wrong []rapport.FieldError) *rapport.Error {
	return &rapport.Error{Code: rapport.CodeInvalid, Message: "The request is not valid.", Fields: wrong}
}

func granted(consents []rapport.Consent, topic string) bool {
	for _, c := range consents {
		if c.Granted && (c.Topic == topic || c.Topic == "") {
			return true
		}
	}
	return false
}
