package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"rapport"
)

// ClaimRequest asks for rows of a batch that the worker owns.
type ClaimRequest struct {
	Batch      Batch
	Worker     rapport.ID
	Provider   string
	Max        int
	Rate       float64 // messages a second that the provider takes; 0: unlimited
	DomainRate float64 // messages a second to one mail domain; 0: unlimited
	// Hold, when not nil, tells until when a row must rest because its domain or chat is paused; zero: not.
	Hold func(*Claimed) time.Time
}

// Claimed is a row that now belongs to the worker, with what sending it needs.
type Claimed struct {
	ID        rapport.ID
	Campaign  rapport.ID
	Customer  rapport.ID
	AddressID rapport.ID
	Channel   rapport.Channel
	Address   string
	Attempt   int
	Misses    int // attempts that failed for the provider's sake: what retrying backs off by
	Seq       int64
	ValidTo   time.Time // the earlier of window end and expiry
	Vars      json.RawMessage
	Stale     bool // its epoch moved or its window closed: it must be decided again, and was not claimed
	Gone      bool // the address no longer exists
	Expired   bool
	Cancelled bool // its campaign is; only rows of batches without a campaign of their own
	Held      bool // its domain or chat is paused, its campaign is, or somebody else has just closed it
	Provider  string
}

// Mine tells whether the row was claimed.
func (c *Claimed) Mine() bool { return !c.Stale && !c.Gone && !c.Expired && !c.Cancelled && !c.Held }

// ClaimResult of one request.
type ClaimResult struct {
	Rows  []Claimed
	Stop  bool          // the campaign is paused, cancelled or gone, or the batch is no longer the worker's
	Empty bool          // no further due row is left in the batch
	Wait  time.Duration // the provider's rate leaves no token before this has passed
}

// claim serves one request in the caller's transaction. The rows that are Mine are in state sending then.
func (s *Store) claim(ctx context.Context, r ClaimRequest) (ClaimResult, error) {
	var res ClaimResult
	now := s.Now()
	var owner rapport.ID
	var dead int
	// The lock keeps whoever takes the batch over from looking at its rows before these are marked.
	err := s.row(ctx, `SELECT b.owner, coalesce((SELECT dead FROM workers WHERE id = $2), 1) FROM batches b WHERE b.id = $1 `+s.d.forUpdate(), r.Batch.ID, r.Worker).Scan(&owner, &dead)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (owner != r.Worker || dead == 1) {
		return ClaimResult{Stop: true}, nil
	}
	if err != nil {
		return res, err
	}
	max := r.Max
	var rate *bucket
	if r.Rate > 0 {
		if rate, err = s.bucket(ctx, r.Provider, r.Rate, r.Batch.Lane, now); err != nil {
			return res, err
		}
		if max = min(max, rate.free()); max == 0 {
			return ClaimResult{Wait: rate.wait()}, nil
		}
	}
	rows, stopped, err := s.due(ctx, r.Batch, now, max)
	if err != nil {
		return res, err
	}
	if stopped {
		return ClaimResult{Stop: true}, nil
	}
	take := make([]rapport.ID, 0, len(rows))
	var rest [][]any
	mail := domains{s, r, now, map[string]*bucket{}, map[string]time.Duration{}}
	for i := range rows {
		c := &rows[i]
		if !c.Mine() {
			continue
		}
		var until time.Time
		if r.Hold != nil {
			until = r.Hold(c)
		}
		if until.IsZero() {
			if until, err = mail.until(ctx, c); err != nil {
				return res, err
			}
		}
		if !until.IsZero() {
			c.Held = true
			rest = append(rest, []any{ms(until), c.ID})
			continue
		}
		take = append(take, c.ID)
	}
	for _, b := range mail.open {
		if err := s.keep(ctx, b); err != nil {
			return res, err
		}
	}
	if len(rest) > 0 {
		if _, err := s.execEach(ctx, `UPDATE messages SET due_at = $1 WHERE id = $2 AND state = 1`, rest); err != nil {
			return res, err
		}
	}
	if len(take) > 0 {
		marked, err := s.markSending(ctx, r, take, now)
		if err != nil {
			return res, err
		}
		d := deltas{}
		for i := range rows {
			c := &rows[i]
			switch {
			case !c.Mine():
			case !marked[c.ID]:
				c.Held = true
			default:
				c.Attempt++
				c.Provider = r.Provider
				if r.Batch.Campaign != 0 {
					d.move(c.Campaign, rapport.Pending, rapport.Sending)
				}
			}
		}
		if err := s.apply(ctx, r.Worker, d); err != nil {
			return res, err
		}
		if rate != nil {
			rate.spend(len(take))
			if err := s.keep(ctx, rate); err != nil {
				return res, err
			}
		}
	}
	return ClaimResult{Rows: rows, Empty: len(rows) < max}, nil
}

// due reads rows whose time has come, with their address, variables and the campaign's status.
func (s *Store) due(ctx context.Context, b Batch, now time.Time, max int) (rows []Claimed, stopped bool, err error) {
	rows, err = collect(ctx, s, func(scan func(...any) error) (c Claimed, err error) {
		var status rapport.CampaignStatus
		var epoch, windowEnd, expires int64
		var liveEpoch sql.NullInt64
		var address, vars sql.NullString
		err = scan(&c.ID, &c.Campaign, &c.Customer, &c.AddressID, &c.Channel, &c.Attempt, &c.Misses, &c.Seq, &epoch, &windowEnd, &expires, &status, &liveEpoch, &address, &vars)
		if err != nil {
			return
		}
		switch status {
		case rapport.CampaignPlanning, rapport.CampaignRunning, rapport.CampaignFinished:
		case rapport.CampaignCancelled:
			stopped, c.Cancelled = true, true
		default:
			stopped, c.Held = true, true
		}
		c.Address, c.Vars = address.String, json.RawMessage(vars.String)
		c.Gone = !liveEpoch.Valid
		c.Expired = expires != 0 && expires <= ms(now)
		c.Stale = liveEpoch.Int64 != epoch || windowEnd != 0 && windowEnd <= ms(now)
		c.ValidTo = at(windowEnd)
		if expires != 0 && (windowEnd == 0 || expires < windowEnd) {
			c.ValidTo = at(expires)
		}
		return
	}, `SELECT m.id, m.campaign_id, m.customer_id, m.address_id, m.channel, m.attempt, m.misses, m.seq, m.epoch, m.window_end, m.expires_at, c.status, a.epoch, a.address, v.vars
		FROM messages m JOIN campaigns c ON c.id = m.campaign_id LEFT JOIN addresses a ON a.id = m.address_id LEFT JOIN message_vars v ON v.message_id = m.id
		WHERE m.batch_id = $1 AND m.state = 1 AND m.due_at <= $2 ORDER BY m.id LIMIT $3`, b.ID, ms(now), max)
	return rows, stopped && b.Campaign != 0, err
}

// markSending makes rows the worker's and tells which it got: on PostgreSQL somebody may have cancelled one
// since it was read.
func (s *Store) markSending(ctx context.Context, r ClaimRequest, ids []rapport.ID, now time.Time) (map[rapport.ID]bool, error) {
	marked := make(map[rapport.ID]bool, len(ids))
	if s.d.name() == "postgres" {
		err := s.each(ctx, func(scan func(...any) error) error {
			var id rapport.ID
			err := scan(&id)
			marked[id] = true
			return err
		}, `UPDATE messages SET state = 2, attempt = attempt + 1, owner = $1, provider = $2, updated_at = $3 WHERE id = ANY($4) AND state = 1 RETURNING id`,
			r.Worker, r.Provider, ms(now), s.d.list(ids))
		return marked, err
	}
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{r.Worker, r.Provider, ms(now), id}
		marked[id] = true
	}
	_, err := s.execEach(ctx, `UPDATE messages SET state = 2, attempt = attempt + 1, owner = $1, provider = $2, updated_at = $3 WHERE id = $4 AND state = 1`, rows)
	return marked, err
}
