package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rapport"
)

// reasonErased is the refusal of a staged recipient who was erased before the campaign came to them.
const reasonErased = "erased"

// staged blanks the rows of campaigns that have not ended in which the customer is named by id, external
// id or address. It reads the whole stage once, which is empty while no campaign is under way.
func (e *erasure) staged(ctx context.Context) error {
	who, err := e.names(ctx)
	if err != nil {
		return err
	}
	rows, err := e.namedByKey(ctx, who)
	if err != nil {
		return err
	}
	more, err := e.namedInText(ctx, who)
	if err != nil {
		return err
	}
	rows = append(rows, more...)
	for len(rows) > 0 {
		page := rows[:min(len(rows), MaxRows)]
		rows = rows[len(page):]
		// A row that was planned is a message, or has its refusal; only those to come are refused now.
		err := e.s.Tx(ctx, func(s *Store) error {
			_, err := s.execEach(ctx, `UPDATE recipients SET payload = '{}', refusal = CASE WHEN refusal = '' AND seq >
				(SELECT cursor FROM campaigns WHERE id = recipients.campaign_id) THEN '`+reasonErased+`' ELSE refusal END WHERE campaign_id = $1 AND seq = $2`, page)
			if err == nil {
				_, err = s.execEach(ctx, `UPDATE recipient_cells SET cells = '' WHERE campaign_id = $1 AND seq = $2`, page)
			}
			if err == nil {
				_, err = s.execEach(ctx, `DELETE FROM recipient_keys WHERE campaign_id = $1 AND seq = $2`, page)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// names are the words that mean the erased customer.
type names struct {
	ids, external []string
	addresses     []rapport.Address
}

func (e *erasure) names(ctx context.Context) (n names, err error) {
	for _, id := range e.ids {
		n.ids = append(n.ids, rapport.KindCustomer.Format(id))
	}
	if n.external, err = collect(ctx, e.s, func(scan func(...any) error) (s string, err error) { err = scan(&s); return },
		`SELECT external_id FROM customers WHERE external_id IS NOT NULL AND id `+e.s.d.in(1), e.who); err != nil {
		return n, err
	}
	n.addresses, err = e.addresses(ctx, e.s)
	return n, err
}

// namedByKey finds the rows whose first name is one of who's, however it was written.
func (e *erasure) namedByKey(ctx context.Context, who names) ([][]any, error) {
	var keys []int64
	for _, id := range e.ids {
		keys = append(keys, WhoKey(CustomerPatch{ID: id}))
	}
	for _, x := range who.external {
		keys = append(keys, WhoKey(CustomerPatch{ExternalID: x}))
	}
	for _, a := range who.addresses {
		keys = append(keys, WhoKey(CustomerPatch{Addresses: []AddressPatch{{Channel: a.Channel, Value: a.Value}}}))
	}
	return collect(ctx, e.s, func(scan func(...any) error) ([]any, error) {
		var campaign, seq int64
		err := scan(&campaign, &seq)
		return []any{campaign, seq}, err
	}, `SELECT campaign_id, seq FROM recipient_keys WHERE dedupe `+e.s.d.in(1), e.s.d.list(keys))
}

// namedInText finds the rows that name who in any place, also those refused as duplicates, which have no key.
func (e *erasure) namedInText(ctx context.Context, who names) ([][]any, error) {
	var conditions []string
	var args []any
	for _, word := range who.words() {
		text, err := json.Marshal(word)
		if err != nil {
			return nil, err
		}
		args = append(args, "%"+escapeLike(strings.Trim(string(text), `"`))+`"%`)
		conditions = append(conditions, `payload `+e.s.d.like()+` `+fmt.Sprintf("$%d", len(args))+` ESCAPE '\'`)
	}
	var out [][]any
	err := e.s.each(ctx, func(scan func(...any) error) error {
		var campaign, seq int64
		var payload string
		if err := scan(&campaign, &seq, &payload); err != nil {
			return err
		}
		if who.in(payload) {
			out = append(out, []any{campaign, seq})
		}
		return nil
	}, `SELECT campaign_id, seq, payload FROM recipients WHERE payload <> '{}' AND (`+strings.Join(conditions, " OR ")+`)`, args...)
	return out, err
}

func (n names) words() []string {
	out := append(append([]string{}, n.ids...), n.external...)
	for _, a := range n.addresses {
		out = append(out, a.Value)
	}
	return out
}

// in tells whether a payload is about the customer: an external id elsewhere, say in the data of somebody
// else's order, is not a name.
func (n names) in(payload string) bool {
	var p struct {
		ID       string `json:"id"`
		External string `json:"external_id"`
	}
	if json.Unmarshal([]byte(payload), &p) != nil {
		return true
	}
	if slices.Contains(n.ids, p.ID) {
		return true
	}
	for _, x := range n.external {
		if p.External == x || p.ID == "ext:"+x {
			return true
		}
	}
	lower := strings.ToLower(payload)
	for _, a := range n.addresses {
		if text, err := json.Marshal(strings.ToLower(a.Value)); err == nil && strings.Contains(lower, string(text)) {
			return true
		}
	}
	return false
}

// dryRuns takes the customer's samples out of what dry runs have found. The sample of a customer whom the
// dry run was the first to see has an id that was rolled back: it is known by its address.
func (e *erasure) dryRuns(ctx context.Context) error {
	who, err := e.names(ctx)
	if err != nil {
		return err
	}
	var rows [][]any
	err = e.s.each(ctx, func(scan func(...any) error) error {
		var id rapport.ID
		var text string
		if err := scan(&id, &text); err != nil {
			return err
		}
		left, changed, err := who.outOf(text)
		if changed {
			rows = append(rows, []any{id, left})
		}
		return err
	}, `SELECT id, result FROM campaigns WHERE dry_run = 1 AND result <> ''`)
	if err != nil {
		return err
	}
	_, err = e.s.update(ctx, "campaigns", 1, []column{{"id", "bigint"}, {"result", "text"}}, rows)
	return err
}

// outOf is a dry run's result without the samples of who.
func (n names) outOf(result string) (left string, changed bool, err error) {
	var whole map[string]json.RawMessage
	var samples []json.RawMessage
	if err := json.Unmarshal([]byte(result), &whole); err != nil {
		return "", false, err
	}
	if len(whole["samples"]) == 0 {
		return "", false, nil
	}
	if err := json.Unmarshal(whole["samples"], &samples); err != nil {
		return "", false, err
	}
	kept := []json.RawMessage{}
	for _, raw := range samples {
		var s struct {
			Customer string          `json:"customer"`
			Channel  rapport.Channel `json:"channel"`
			To       string          `json:"to"`
		}
		if err := json.Unmarshal(raw, &s); err != nil {
			return "", false, err
		}
		theirs := slices.Contains(n.ids, s.Customer)
		for _, a := range n.addresses {
			theirs = theirs || a.Channel == s.Channel && rapport.AddressKey(s.Channel, s.To) == rapport.AddressKey(a.Channel, a.Value)
		}
		if !theirs {
			kept = append(kept, raw)
		}
	}
	if len(kept) == len(samples) {
		return "", false, nil
	}
	if whole["samples"], err = json.Marshal(kept); err != nil {
		return "", false, err
	}
	b, err := json.Marshal(whole)
	return string(b), err == nil, err
}
