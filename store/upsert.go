package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"rapport"
)

// CustomerPatch is what a caller knows about a customer; nil and empty fields stay as they are.
type CustomerPatch struct {
	ID         rapport.ID
	ExternalID string
	Audience   *string
	Name       *string
	Locale     *string
	Timezone   *string
	Track      *bool           // false: opens and clicks are not recorded
	Attributes json.RawMessage // an object, merged key by key; null deletes a key
	Addresses  []AddressPatch  // added to those that are known
	// ReplaceAddresses takes away the known addresses that are not among Addresses.
	ReplaceAddresses bool
	Order            *[]rapport.Channel
	Quiet            *rapport.QuietHours
	ClearQuiet       bool
	Cap              *rapport.Cap
	ClearCap         bool
	Prefs            []rapport.Preference
	// Consents are evidence: one that is on record already, with the same words, source and proof, is not
	// given anew, so that importing an old file again does not undo a withdrawal. AddConsents always adds.
	Consents []rapport.Consent
}

// AddressPatch is one address, normalised already. The first of a channel becomes its primary one;
// later ones only when they say so.
type AddressPatch struct {
	Channel rapport.Channel
	Value   string
	Primary bool
}

// Upserted is what became of one patch.
type Upserted struct {
	ID      rapport.ID
	Created bool
	Refusal string // "", rapport.ReasonConflict, ReasonUnknownCustomer or rapport.ReasonInvalid; nothing of the patch was stored
	Detail  string // a sentence about the refusal, without personal data

	known *person // as it stands now, for ProfilesOf
}

// ReasonUnknownCustomer refuses a patch whose ID nobody has.
const ReasonUnknownCustomer = "unknown_customer"

// Err is the refusal as an error for people, nil without one.
func (u Upserted) Err() error {
	switch u.Refusal {
	case "":
		return nil
	case ReasonUnknownCustomer:
		return rapport.NotFound("customer")
	case rapport.ReasonConflict:
		return &rapport.Error{Code: rapport.CodeConflict, Message: "The customer cannot be stored: " + u.Detail + "."}
	}
	return &rapport.Error{Code: rapport.CodeInvalid, Message: "The customer cannot be stored: " + u.Detail + "."}
}

// UpsertCustomers finds or creates up to MaxRows customers and brings them up to date, with a handful of
// statements however many they are. A patch names its customer by ID (a merged one stands for the one
// it was merged into), else by ExternalID, else by any of its addresses. An address that belongs to
// somebody else refuses the whole patch. Customers that are so already cost no write. Patches are
// applied in order, so two that name the same new customer create one.
func (s *Store) UpsertCustomers(ctx context.Context, patches []CustomerPatch) ([]Upserted, error) {
	if len(patches) > MaxRows {
		return nil, fmt.Errorf("storing customers: %d in one call, at most %d", len(patches), MaxRows)
	}
	var out []Upserted
	err := s.Tx(ctx, func(s *Store) error {
		var contested []rapport.ID
		for range 5 {
			u := newUpsert(s)
			// Nobody is locked before somebody else was faster: planning reads 500 customers and changes few.
			if err := s.lockCustomers(ctx, contested); err != nil {
				return fmt.Errorf("locking customers: %w", err)
			}
			if err := u.load(ctx, patches); err != nil {
				return fmt.Errorf("loading customers: %w", err)
			}
			out = out[:0]
			for i := range patches {
				out = append(out, u.apply(&patches[i]))
			}
			if !u.dirty() {
				return nil
			}
			switch err := u.write(ctx); {
			case err == nil:
				return nil
			case !errors.Is(err, errOvertaken):
				return fmt.Errorf("storing customers: %w", err)
			}
			for _, c := range u.order {
				contested = append(contested, c.ID)
			}
		}
		return &rapport.Error{Code: rapport.CodeUnavailable, Message: "Other requests are changing the same customers; try again."}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// lockCustomers makes others that want to change these customers wait; in the order of their ids, so
// that two who want the same do not wait for each other.
func (s *Store) lockCustomers(ctx context.Context, ids []rapport.ID) error {
	if len(ids) == 0 {
		return nil
	}
	return s.each(ctx, func(func(...any) error) error { return nil },
		`SELECT id FROM customers WHERE id `+s.d.in(1)+` ORDER BY id `+s.d.forUpdate(), s.d.list(ids))
}

// errOvertaken: between our reading and our writing another transaction changed one of the customers.
var errOvertaken = errors.New("overtaken by another transaction")

// upsert is the working set of one call: the customers as they shall be.
type upsert struct {
	s          *Store
	people     map[rapport.ID]*person
	byExternal map[string]*person
	places     map[placeKey]*place
	order      []*person // those that apply touched, each once
}

type person struct {
	rapport.Customer
	seen     int64 // updated_at as it was read
	track    bool
	places   []*place
	prefs    map[prefKey]bool
	consents []rapport.Consent // the history, newest last; those from fresh on are to be added
	fresh    int

	created, touched, changed, bump bool
	newPrefs                        []prefKey
}

type place struct {
	rapport.Address
	key                    placeKey
	created, changed, gone bool
}

type placeKey struct {
	channel rapport.Channel
	akey    string
}

type prefKey struct {
	topic   string
	channel rapport.Channel
}

func newUpsert(s *Store) *upsert {
	return &upsert{s: s, people: map[rapport.ID]*person{}, byExternal: map[string]*person{}, places: map[placeKey]*place{}}
}
