package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
)

const customerColumns = `id, external_id, audience, name, locale, timezone, attributes, channel_order, quiet_from, quiet_until,
	cap_max, cap_per, merged_into, created_at, updated_at`

// scanCustomer reads the row alone, without addresses and preferences.
func scanCustomer(scan func(...any) error) (*rapport.Customer, error) {
	c := &rapport.Customer{}
	var external sql.NullString
	var order, attributes string
	var from, until, max, per, merged sql.NullInt64
	var created, updated int64
	err := scan(&c.ID, &external, &c.Audience, &c.Name, &c.Locale, &c.Timezone, &attributes, &order, &from, &until, &max, &per, &merged, &created, &updated)
	if err != nil {
		return nil, err
	}
	c.ExternalID, c.Attributes, c.MergedInto = external.String, json.RawMessage(attributes), rapport.ID(merged.Int64)
	for _, k := range strings.Fields(order) {
		c.Order = append(c.Order, rapport.Channel(k))
	}
	if from.Valid {
		c.Quiet = &rapport.QuietHours{From: int(from.Int64), Until: int(until.Int64)}
	}
	if max.Valid {
		c.Cap = &rapport.Cap{Max: int(max.Int64), Per: time.Duration(per.Int64) * time.Millisecond}
	}
	c.CreatedAt, c.UpdatedAt = at(created), at(updated)
	return c, nil
}

const addressColumns = `a.id, a.customer_id, a.channel, a.address, a.is_primary, a.epoch, a.off_reason`

func scanAddress(scan func(...any) error) (a rapport.Address, err error) {
	var primary int
	err = scan(&a.ID, &a.Customer, &a.Channel, &a.Value, &primary, &a.Epoch, &a.Off)
	a.Primary = primary == 1
	return
}

// Customer finds one customer with addresses and preferences. The id of a customer that was merged
// finds the one it was merged into.
func (s *Store) Customer(ctx context.Context, id rapport.ID) (*rapport.Customer, error) {
	for range maxMerges {
		found, err := s.CustomersByID(ctx, []rapport.ID{id})
		if err != nil {
			return nil, err
		}
		c := found[id]
		if c == nil {
			break
		}
		if c.MergedInto == 0 {
			return c, nil
		}
		id = c.MergedInto
	}
	return nil, rapport.NotFound("customer")
}

// maxMerges is how long a chain of merges may be; only a broken one is longer.
const maxMerges = 16

// FindCustomer finds one customer by "cus_..." or "ext:<external id>".
func (s *Store) FindCustomer(ctx context.Context, ref string) (*rapport.Customer, error) {
	external, ok := strings.CutPrefix(ref, "ext:")
	if !ok {
		id, err := rapport.KindCustomer.Parse(ref)
		if err != nil {
			return nil, rapport.NotFound("customer")
		}
		return s.Customer(ctx, id)
	}
	if !storable(external) {
		return nil, rapport.NotFound("customer")
	}
	var id rapport.ID
	if err := s.row(ctx, `SELECT id FROM customers WHERE external_id = $1`, external).Scan(&id); err != nil {
		return nil, missing(err, "customer")
	}
	return s.Customer(ctx, id)
}

// CustomersByID loads many with their addresses and preferences. Unknown ids are left out; merged
// customers come as they are.
func (s *Store) CustomersByID(ctx context.Context, ids []rapport.ID) (map[rapport.ID]*rapport.Customer, error) {
	out := make(map[rapport.ID]*rapport.Customer, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	list := s.d.list(ids)
	err := s.each(ctx, func(scan func(...any) error) error {
		c, err := scanCustomer(scan)
		if err == nil {
			out[c.ID] = c
		}
		return err
	}, `SELECT `+customerColumns+` FROM customers WHERE id `+s.d.in(1), list)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		a, err := scanAddress(scan)
		if c := out[a.Customer]; c != nil {
			c.Addresses = append(c.Addresses, a)
		}
		return err
	}, `SELECT `+addressColumns+` FROM addresses a WHERE customer_id `+s.d.in(1)+` ORDER BY id`, list)
	if err != nil {
		return nil, err
	}
	return out, s.eachPreference(ctx, list, func(id rapport.ID, p rapport.Preference) {
		if c := out[id]; c != nil {
			c.Prefs = append(c.Prefs, p)
		}
	})
}

// CustomerFilter narrows Customers.
type CustomerFilter struct {
	Q        string // part of the name, the external id or an address
	Audience string
	Match    *rapport.Filter // nil: all
	Oldest   bool            // the oldest first
	Page
}

// Customers lists newest first unless asked otherwise, without those that were merged into others. Q reads every row: there is
// no full-text index yet.
func (s *Store) Customers(ctx context.Context, f CustomerFilter) ([]*rapport.Customer, rapport.ID, error) {
	beyond, way, after := `<`, ` DESC`, f.after()
	if f.Oldest {
		beyond, way, after = `>`, ``, f.After
	}
	where, args, none := s.filtered(f, after)
	if none {
		return []*rapport.Customer{}, 0, nil
	}
	args = append(args, f.Limit+1)
	ids, err := collect(ctx, s, scanID, `SELECT c.id FROM customers c WHERE c.id `+beyond+` $1 AND `+where+fmt.Sprintf(` ORDER BY c.id`+way+` LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, 0, err
	}
	ids, next := pageOf(ids, f.Limit, func(id rapport.ID) rapport.ID { return id })
	found, err := s.CustomersByID(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	out := make([]*rapport.Customer, 0, len(ids))
	for _, id := range ids {
		if c := found[id]; c != nil {
			out = append(out, c)
		}
	}
	return out, next, nil
}

// filtered is a condition for the customers that a filter leaves, and its arguments after those there are. None can meet it when none is true.
func (s *Store) filtered(f CustomerFilter, args ...any) (where string, all []any, none bool) {
	where = `c.merged_into IS NULL`
	if f.Match != nil {
		var match string
		match, args = s.match(f.Match, s.Now(), args...)
		where += ` AND ` + match
	}
	if f.Audience != "" {
		args = append(args, f.Audience)
		where += fmt.Sprintf(` AND c.audience = $%d`, len(args))
	}
	if f.Q != "" {
		args = append(args, "%"+escapeLike(f.Q)+"%")
		like := fmt.Sprintf(`%s $%d ESCAPE '\'`, s.d.like(), len(args))
		where += ` AND (c.name ` + like + ` OR c.external_id ` + like + ` OR EXISTS (SELECT 1 FROM addresses a WHERE a.customer_id = c.id AND a.address ` + like + `))`
	}
	return where, args, !storable(f.Q)
}

// AttributeName is what an attribute of customers is called.
type AttributeName struct {
	Key  string
	Text bool // every value of it is a text
}

// AttributeNames lists what the attributes of the customers that a filter leaves are called, at most limit of them, in the order
// of their bytes. It reads every row that the filter leaves.
func (s *Store) AttributeNames(ctx context.Context, f CustomerFilter, limit int) ([]AttributeName, error) {
	where, args, none := s.filtered(f)
	if none {
		return nil, nil
	}
	from, isText := s.d.members(`c.attributes`)
	names, err := collect(ctx, s, func(scan func(...any) error) (n AttributeName, err error) {
		var other int
		err = scan(&n.Key, &other)
		n.Text = other == 0
		return
	}, `SELECT j.key, max(CASE WHEN `+isText+` THEN 0 ELSE 1 END) FROM customers c CROSS JOIN `+from+` WHERE `+where+fmt.Sprintf(` GROUP BY j.key LIMIT %d`, limit), args...)
	slices.SortFunc(names, func(a, b AttributeName) int { return strings.Compare(a.Key, b.Key) })
	return names, err
}

func scanID(scan func(...any) error) (id rapport.ID, err error) {
	err = scan(&id)
	return
}

// storable tells whether both engines can keep a text: PostgreSQL refuses broken UTF-8 and NUL.
func storable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}
