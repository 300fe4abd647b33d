package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"rapport"
)

// Recipient is one staged row: a customer as the caller described them, and the data for them.
type Recipient struct {
	Seq     int64
	Line    int64 // of the stream it came from; 0 inline
	Dedupe  int64 // 64 bits of a hash of who is named (WhoKey); 0: nobody is
	Payload json.RawMessage
	Refusal string   // why it will not become a message; such a row is kept and counted
	Cells   []string // as its file had it, by the columns of RowColumns; nil: it came by no file, or is kept no more
}

// WhoKey is the Dedupe of whom a patch names: by its id, else the external id, else the first address.
func WhoKey(p CustomerPatch) int64 {
	var who string
	switch {
	case p.ID != 0:
		who = "id\x00" + rapport.KindCustomer.Format(p.ID)
	case p.ExternalID != "":
		who = "ext\x00" + p.ExternalID
	case len(p.Addresses) > 0:
		who = string(p.Addresses[0].Channel) + "\x00" + rapport.AddressKey(p.Addresses[0].Channel, p.Addresses[0].Value)
	default:
		return 0
	}
	sum := sha256.Sum256([]byte(who))
	if k := int64(binary.BigEndian.Uint64(sum[:8])); k != 0 {
		return k
	}
	return 1
}

// Stage appends at most MaxRows recipients in one transaction and returns the positions (in rows) of
// those that name somebody who was staged before, or stands earlier in rows. These are stored with the
// refusal duplicate_recipient.
func (s *Store) Stage(ctx context.Context, campaign rapport.ID, rows []Recipient) (duplicates []int, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		duplicates = duplicates[:0]
		first := make(map[int64]int64, len(rows)) // who is named, and where first
		fresh := make([][]any, 0, len(rows))
		for _, r := range rows {
			if _, again := first[r.Dedupe]; !again && r.Dedupe != 0 && r.Refusal == "" {
				first[r.Dedupe] = r.Seq
				fresh = append(fresh, []any{campaign, r.Dedupe, r.Seq})
			}
		}
		// Nearly always nobody was there before, and the database needs to be asked nothing.
		n, err := s.bulk(ctx, "recipient_keys", []column{{"campaign_id", "bigint"}, {"dedupe", "bigint"}, {"seq", "bigint"}}, fresh, "ON CONFLICT DO NOTHING")
		if err != nil {
			return err
		}
		if n < int64(len(fresh)) {
			if err := s.stagedBefore(ctx, campaign, first); err != nil {
				return err
			}
		}
		stage := make([][]any, len(rows))
		var files [][]any
		for i, r := range rows {
			if r.Dedupe != 0 && r.Refusal == "" && first[r.Dedupe] != r.Seq {
				duplicates = append(duplicates, i)
				r.Refusal = rapport.ReasonDuplicate
			}
			stage[i] = []any{campaign, r.Seq, r.Line, string(r.Payload), r.Refusal}
			cells, err := packCells(r.Cells)
			if err != nil {
				return err
			}
			if cells != "" {
				files = append(files, []any{campaign, r.Seq, cells})
			}
		}
		if _, err := s.bulk(ctx, "recipient_cells", []column{{"campaign_id", "bigint"}, {"seq", "bigint"}, {"cells", "text"}}, files, ""); err != nil {
			return err
		}
		_, err = s.bulk(ctx, "recipients", []column{{"campaign_id", "bigint"}, {"seq", "bigint"}, {"line", "bigint"},
			{"payload", "text"}, {"refusal", "text"}}, stage, "")
		return err
	})
	return duplicates, err
}

// stagedBefore puts the right places into first: who was staged by an earlier page stands there.
func (s *Store) stagedBefore(ctx context.Context, campaign rapport.ID, first map[int64]int64) error {
	return s.each(ctx, func(scan func(...any) error) error {
		var k, seq int64
		err := scan(&k, &seq)
		first[k] = seq
		return err
	}, `SELECT dedupe, seq FROM recipient_keys WHERE campaign_id = $1 AND dedupe `+s.d.in(2), campaign, s.d.list(slices.Collect(maps.Keys(first))))
}

// Recipients returns the staged rows after seq, in order.
func (s *Store) Recipients(ctx context.Context, campaign rapport.ID, after int64, limit int) ([]Recipient, error) {
	return collect(ctx, s, func(scan func(...any) error) (r Recipient, err error) {
		var text string
		err = scan(&r.Seq, &r.Line, &text, &r.Refusal)
		r.Payload = json.RawMessage(text)
		return
	}, `SELECT seq, line, payload, refusal FROM recipients WHERE campaign_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, campaign, after, limit)
}

// Refuse notes why recipients did not become messages.
func (s *Store) Refuse(ctx context.Context, campaign rapport.ID, refusals map[int64]string) error {
	rows := make([][]any, 0, len(refusals))
	for seq, reason := range refusals {
		rows = append(rows, []any{campaign, seq, reason})
	}
	_, err := s.update(ctx, "recipients", 2, []column{{"campaign_id", "bigint"}, {"seq", "bigint"}, {"refusal", "text"}}, rows)
	return err
}

// Refused lists the recipients of a campaign that were refused, in order, with their rows.
func (s *Store) Refused(ctx context.Context, campaign rapport.ID, after int64, limit int) ([]Recipient, error) {
	return collect(ctx, s, func(scan func(...any) error) (r Recipient, err error) {
		var cells string
		if err = scan(&r.Seq, &r.Line, &r.Refusal, &cells); err == nil {
			r.Cells, err = unpackCells(cells)
		}
		return
	}, `SELECT r.seq, r.line, r.refusal, coalesce(c.cells, '') FROM recipients r LEFT JOIN recipient_cells c ON c.campaign_id = r.campaign_id AND c.seq = r.seq
		WHERE r.campaign_id = $1 AND r.seq > $2 AND r.refusal <> '' ORDER BY r.seq LIMIT $3`, campaign, after, limit)
}

// RowColumns are the names of what Recipient.Cells hold: of all files of an audience, as they have them.
func (s *Store) RowColumns(ctx context.Context, campaign rapport.ID) ([]string, error) {
	found, err := collect(ctx, s, func(scan func(...any) error) (names []string, err error) {
		var text string
		if err = scan(&text); err == nil {
			names, err = unpackCells(text)
		}
		return
	}, `SELECT cells FROM recipient_cells WHERE campaign_id = $1 AND seq = 0`, campaign)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// SetRowColumns keeps them.
func (s *Store) SetRowColumns(ctx context.Context, campaign rapport.ID, names []string) error {
	text, err := packCells(names)
	if err != nil || text == "" {
		return err
	}
	_, err = s.exec(ctx, `INSERT INTO recipient_cells (campaign_id, seq, cells) VALUES ($1, 0, $2) ON CONFLICT (campaign_id, seq) DO UPDATE SET cells = excluded.cells`, campaign, text)
	return err
}

// CountRefused counts, for each campaign, the refused among the recipients that planning has not come to.
func (s *Store) CountRefused(ctx context.Context, campaigns ...rapport.ID) (map[rapport.ID]int64, error) {
	out := make(map[rapport.ID]int64, len(campaigns))
	if len(campaigns) == 0 {
		return out, nil
	}
	err := s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var n int64
		err := scan(&id, &n)
		out[id] = n
		return err
	}, `SELECT c.id, count(*) FROM campaigns c JOIN recipients r ON r.campaign_id = c.id AND r.seq > c.cursor AND r.seq <= c.audience AND r.refusal <> ''
		WHERE c.id `+s.d.in(1)+` GROUP BY c.id`, s.d.list(campaigns))
	return out, err
}

// CountEveryone counts whom a campaign to everyone is for.
func (s *Store) CountEveryone(ctx context.Context) (n int64, err error) {
	err = s.row(ctx, `SELECT count(*) FROM customers WHERE `+everyone).Scan(&n)
	return
}

// CountCustomers counts them, up to the newest id, which is returned.
func (s *Store) CountCustomers(ctx context.Context) (n int64, newest rapport.ID, err error) {
	err = s.row(ctx, `SELECT count(*), coalesce(max(id), 0) FROM customers WHERE merged_into IS NULL`).Scan(&n, &newest)
	return
}
