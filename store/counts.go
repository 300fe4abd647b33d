package store

import (
	"context"
	"sort"

	"rapport"
)

// deltas gathers changes of campaign counters within one transaction.
type deltas map[rapport.ID]map[string]int64

func (d deltas) add(campaign rapport.ID, what string, n int64) {
	m := d[campaign]
	if m == nil {
		m = map[string]int64{}
		d[campaign] = m
	}
	m[what] += n
}

// move shifts one message of a campaign from one state to another.
func (d deltas) move(campaign rapport.ID, from, to rapport.State) {
	d.add(campaign, from.String(), -1)
	d.add(campaign, to.String(), 1)
}

// apply upserts this worker's counter rows: in order, so that two transactions never wait for each other
// crosswise.
func (s *Store) apply(ctx context.Context, worker rapport.ID, d deltas) error {
	var rows [][]any
	for campaign, m := range d {
		for what, n := range m {
			if n != 0 {
				rows = append(rows, []any{campaign, worker, what, n})
			}
		}
	}
	sort.Slice(rows, func(i, j int) bool {
		a, b := rows[i], rows[j]
		if a[0] != b[0] {
			return a[0].(rapport.ID) < b[0].(rapport.ID)
		}
		return a[2].(string) < b[2].(string)
	})
	return s.bulkLater(ctx, "campaign_counts", []column{{"campaign_id", "bigint"}, {"worker", "bigint"}, {"what", "text"}, {"n", "bigint"}}, rows,
		"ON CONFLICT (campaign_id, what, worker) DO UPDATE SET n = campaign_counts.n + excluded.n")
}

// Counts sums the ledgers of campaigns, each at the place of its campaign. Recipients that are not planned yet are not in them.
func (s *Store) Counts(ctx context.Context, cs ...*rapport.Campaign) ([]*rapport.Counts, error) {
	out := make([]*rapport.Counts, len(cs))
	ids, of := make([]rapport.ID, len(cs)), make(map[rapport.ID]*rapport.Counts, len(cs))
	for i, c := range cs {
		out[i] = &rapport.Counts{Audience: c.Audience}
		ids[i], of[c.ID] = c.ID, out[i]
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var what string
		var n int64
		if err := scan(&id, &what, &n); err != nil {
			return err
		}
		if st, ok := rapport.ParseState(what); ok {
			*of[id].Of(st) += n
		} else if what == "planned" {
			of[id].Planned += n
		} else {
			*of[id].Engaged(rapport.Engagement(what)) += n
		}
		return nil
	}, `SELECT campaign_id, what, n FROM campaign_counts WHERE campaign_id `+s.d.in(1), s.d.list(ids))
	return out, err
}

// Recount counts a campaign's rows themselves, by state: what the counters must agree with before a
// campaign says finished.
func (s *Store) Recount(ctx context.Context, campaign rapport.ID) (map[rapport.State]int64, error) {
	out := map[rapport.State]int64{}
	err := s.each(ctx, func(scan func(...any) error) error {
		var st rapport.State
		var n int64
		err := scan(&st, &n)
		out[st] = n
		return err
	}, `SELECT state, count(*) FROM messages WHERE campaign_id = $1 GROUP BY state`, campaign)
	return out, err
}

// Cost adds up what a campaign's messages were sent for.
type Cost struct {
	Channel  rapport.Channel `json:"channel"`
	Segments int64           `json:"segments" doc:"Of SMS."`
	Micros   int64           `json:"micros" doc:"Millionths of the minor unit of the configured currency (prices.currency)."` // millionths of the minor unit of the configured currency
}

// Costs by channel.
func (s *Store) Costs(ctx context.Context, campaign rapport.ID) ([]Cost, error) {
	return collect(ctx, s, func(scan func(...any) error) (c Cost, err error) {
		err = scan(&c.Channel, &c.Segments, &c.Micros)
		return
	},
		`SELECT channel, sum(segments), sum(micros) FROM campaign_costs WHERE campaign_id = $1 GROUP BY channel ORDER BY channel`, campaign)
}
