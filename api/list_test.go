package api

import (
	"testing"
	"time"

	"rapport"
	"rapport/internal/fuzzing"
)

// FuzzCursor: what is no cursor of the list is refused with the field's name, whatever the place is made of, and a cursor
// of one list is none of another.
func FuzzCursor(f *testing.F) {
	type place struct {
		At time.Time
		ID rapport.ID
	}
	f.Add(cursor("customers", rapport.ID(7)))
	f.Add(cursor("threads", place{time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), 9}))
	f.Add("AAAAAA")
	f.Add("\n=")
	f.Fuzz(func(t *testing.T, text string) {
		defer fuzzing.Budget(t)()
		for _, at := range []any{new(rapport.ID), new(place), new(string)} {
			err := Paging{Cursor: text}.after("customers", at)
			if err != nil && rapport.CodeOf(err) != rapport.CodeInvalid {
				t.Errorf("%q: %v", text, err)
			}
			if err == nil && text != "" && (Paging{Cursor: text}).after("campaigns", at) == nil {
				t.Errorf("%q is a cursor of two lists", text)
			}
		}
	})
}
