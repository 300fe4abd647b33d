package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"rapport"
)

// ClaimRequest asks for rows of a batch that the worker owns.
type ClaimRequest struct {
	Batch      Batch
	Worker     rapport.ID
	Provider   string
	Max        int
	After      rapport.ID // only rows with a larger id: where the last claim of the batch ended
	Rate       float64    // messages a second that the provider takes; 0: unlimited
	DomainRate float64    // messages a second to one mail domain; 0: unlimited
	// Hold, when not nil, tells until when a row must rest because its domain or chat is paused; zero: not. Each
	// row is asked about before it is marked, so on PostgreSQL a claim without it costs two statements less.
	Hold func(*Claimed) time.Time
}

// marked tells whether the statement that reads the rows may mark them too: nobody is to be asked about each.
func (r *ClaimRequest) marked() bool {
	return r.Hold == nil && r.DomainRate == 0 && r.Batch.Campaign != 0
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

// claim serves one request in the caller's transaction. The rows that are Mine are in state sending then, and
// counted in d.
func (s *Store) claim(ctx context.Context, r ClaimRequest, d deltas) (ClaimResult, error) {
	var res ClaimResult
	now := s.Now()
	mine := false
	// The lock keeps whoever takes the batch over from looking at its rows before these are marked.
	err := s.tx.later(ctx, func(scan func(...any) error) error {
		var owner rapport.ID
		var dead int
		var status rapport.CampaignStatus
		err := scan(&owner, &dead, &status)
		mine = owner == r.Worker && dead == 0 && (r.Batch.Campaign == 0 || sends(status))
		return err
	}, `SELECT b.owner, coalesce((SELECT dead FROM workers WHERE id = $2), 1), coalesce((SELECT status FROM campaigns WHERE id = b.campaign_id), '')
		FROM batches b WHERE b.id = $1 `+s.d.forUpdate(), []any{r.Batch.ID, r.Worker})
	if err != nil {
		return res, err
	}
	max := r.Max
	var rate *bucket
	if r.Rate > 0 {
		if rate, err = s.bucket(ctx, r.Provider, r.Rate, r.Batch.Lane, now); err != nil {
			return res, err
		}
		if !mine {
			return ClaimResult{Stop: true}, nil
		}
		if max = min(max, rate.free()); max == 0 {
			return ClaimResult{Wait: rate.wait()}, nil
		}
	} else if r.DomainRate > 0 {
		// The domains' rows come in the order of the messages. Whoever has the provider's row has them all, so
		// that two processes never wait for each other crosswise.
		if _, err := s.lockRate(ctx, r.Provider); err != nil {
			return res, err
		}
	}
	due, done := s.due, false
	if s.d.name() == "postgres" && r.marked() {
		due, done = s.markDue, true
	}
	rows, err := due(ctx, r, now, max)
	if err != nil {
		return res, err
	}
	if !mine && !(done && len(rows) > 0) {
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
		var marked map[rapport.ID]bool
		if !done {
			if marked, err = s.markSending(ctx, r, take, len(take) == len(rows), now); err != nil {
				return res, err
			}
		}
		for i := range rows {
			c := &rows[i]
			switch {
			case !c.Mine():
			case marked != nil && !marked[c.ID]:
				c.Held = true
			default:
				c.Attempt++
				c.Provider = r.Provider
				if r.Batch.Campaign != 0 {
					d.move(c.Campaign, rapport.Pending, rapport.Sending)
				}
			}
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

// sends tells whether messages of a campaign in this status go out.
func sends(c rapport.CampaignStatus) bool {
	return c == rapport.CampaignPlanning || c == rapport.CampaignRunning || c == rapport.CampaignFinished
}

// due reads rows whose time has come, with their address and variables. In a batch of single messages each
// has a campaign of its own, whose status is read too. Few columns: each costs a tenth of a microsecond.
func (s *Store) due(ctx context.Context, r ClaimRequest, now time.Time, max int) ([]Claimed, error) {
	where, args := r.Batch.rows(r.After)
	of := ``
	if r.Batch.Campaign == 0 { // not as a join, for which PostgreSQL may read them all
		of = `, m.campaign_id, coalesce((SELECT c.status FROM campaigns c WHERE c.id = m.campaign_id), '')`
	}
	return s.claimed(ctx, r, now, max, `SELECT `+claimedColumns+of+` FROM messages m`+claimedJoin+` WHERE `+where+dueFirst, append(args, ms(now), max))
}

const (
	// dueFirst takes the first $5 that were due at $4.
	dueFirst       = ` AND m.state = 1 AND m.due_at <= $4 ORDER BY m.id LIMIT $5`
	claimedColumns = `m.id, m.customer_id, m.address_id, m.attempt, m.misses, m.seq, m.window_end, m.expires_at, CASE a.epoch WHEN m.epoch THEN 1 ELSE 0 * a.epoch END AS fresh, a.address, m.vars`
	claimedJoin    = ` LEFT JOIN addresses a ON a.id = m.address_id`
)

// claimed runs a statement that answers with claimedColumns, and campaign and status after them in a batch of single
// messages.
func (s *Store) claimed(ctx context.Context, r ClaimRequest, now time.Time, max int, q string, args []any) ([]Claimed, error) {
	rows := make([]Claimed, 0, max)
	var windowEnd, expires int64
	var fresh sql.NullInt64
	var address sql.NullString
	var vars string
	var status rapport.CampaignStatus
	var c Claimed
	dest := []any{&c.ID, &c.Customer, &c.AddressID, &c.Attempt, &c.Misses, &c.Seq, &windowEnd, &expires, &fresh, &address, &vars, &c.Campaign, &status}
	if r.Batch.Campaign != 0 {
		dest = dest[:11]
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		c = Claimed{Campaign: r.Batch.Campaign, Channel: r.Batch.Channel}
		if err := scan(dest...); err != nil {
			return err
		}
		if r.Batch.Campaign == 0 && !sends(status) {
			c.Cancelled, c.Held = status == rapport.CampaignCancelled, status != rapport.CampaignCancelled
		}
		c.Address, c.Vars = address.String, json.RawMessage(vars)
		c.Gone = !fresh.Valid
		c.Expired = expires != 0 && expires <= ms(now)
		c.Stale = fresh.Int64 == 0 || windowEnd != 0 && windowEnd <= ms(now)
		c.ValidTo = at(windowEnd)
		if expires != 0 && (windowEnd == 0 || expires < windowEnd) {
			c.ValidTo = at(expires)
		}
		rows = append(rows, c)
		return nil
	}, q, args...)
	return rows, err
}

// markDue is due and markSending in one statement, for a batch of one campaign. What due calls stale, gone or
// expired is written as it was. Nothing is marked unless the batch is the worker's. Of what is limited only the columns
// that are needed are read: PostgreSQL keeps a copy of it, in case somebody changes a row meanwhile.
func (s *Store) markDue(ctx context.Context, r ClaimRequest, now time.Time, max int) ([]Claimed, error) {
	where, args := r.Batch.rows(r.After)
	rows, err := s.claimed(ctx, r, now, max, `UPDATE messages AS x SET state = CASE WHEN d.ok THEN 2 ELSE 1 END, attempt = CASE WHEN d.ok THEN x.attempt + 1 ELSE x.attempt END,
			owner = $6, provider = $7, updated_at = $4
		FROM (SELECT `+claimedColumns+`, m.at, a.epoch = m.epoch AND (m.window_end = 0 OR m.window_end > $4) AND (m.expires_at = 0 OR m.expires_at > $4) AS ok
			FROM (SELECT ctid AS at, id, customer_id, address_id, attempt, misses, seq, window_end, expires_at, epoch, vars FROM messages m WHERE `+where+dueFirst+`) m `+claimedJoin+`) AS d
		WHERE x.ctid = d.at AND x.state = 1 AND EXISTS (SELECT 1 FROM batches b JOIN workers w ON w.id = b.owner JOIN campaigns c ON c.id = b.campaign_id
			WHERE b.id = $1 AND b.owner = $6 AND w.dead = 0 AND c.status IN ('planning', 'running', 'finished'))
		RETURNING d.id, d.customer_id, d.address_id, d.attempt, d.misses, d.seq, d.window_end, d.expires_at, d.fresh, d.address, d.vars`,
		append(args, ms(now), max, r.Worker, r.Provider))
	slices.SortFunc(rows, func(a, b Claimed) int { return cmp.Compare(a.ID, b.ID) })
	return rows, err
}

// markSending makes rows the worker's and tells which it got, nil for all: on PostgreSQL somebody may have
// cancelled one since it was read. Where all that were due are taken, SQLite, on which nobody writes in between,
// finds them between the first and the last as reading did; a list of ids costs it twice as much.
func (s *Store) markSending(ctx context.Context, r ClaimRequest, ids []rapport.ID, all bool, now time.Time) (map[rapport.ID]bool, error) {
	set := `UPDATE messages SET state = 2, attempt = attempt + 1, owner = $1, provider = $2, updated_at = $3 WHERE `
	args := []any{r.Worker, r.Provider, ms(now)}
	if s.d.name() == "sqlite" && all && r.Batch.Campaign != 0 && r.Batch.First != 0 {
		_, err := s.exec(ctx, set+`id >= $4 AND id <= $5 AND batch_id = $6 AND state = 1 AND due_at <= $7`, append(args, ids[0], ids[len(ids)-1], r.Batch.ID, ms(now))...)
		return nil, err
	}
	q := set + `id ` + s.d.in(4) + ` AND state = 1`
	args = append(args, s.d.list(ids))
	if s.d.name() == "sqlite" {
		_, err := s.exec(ctx, q, args...)
		return nil, err
	}
	marked := make(map[rapport.ID]bool, len(ids))
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		err := scan(&id)
		marked[id] = true
		return err
	}, q+` RETURNING id`, args...)
	return marked, err
}
