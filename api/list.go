package api

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"slices"

	"rapport"
	"rapport/store"
)

// List is one page of a list.
type List[T any] struct {
	Data       []T     `json:"data" nullable:"false"`
	NextCursor *string `json:"next_cursor" doc:"Ask for the next page with ?cursor=; null: this is the last."`
}

// Paging is embedded in inputs of lists.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before; nothing else."`
}

// after reads a cursor into at, which names the place in the list.
func (p Paging) after(list string, at any) error {
	if p.Cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || len(b) < 5 || binary.BigEndian.Uint32(b) != checksum(list, b[4:]) || json.Unmarshal(b[4:], at) != nil {
		return rapport.Invalid("query.cursor", "is not a next_cursor of this list")
	}
	return nil
}

// page reads the cursor of a list that is ordered by id.
func (p Paging) page(list string) (store.Page, error) {
	out := store.Page{Limit: p.Limit}
	return out, p.after(list, &out.After)
}

// cursor is the opaque name of a place. The checksum is no secret: it only tells a mistake from a cursor,
// and one list's from another's.
func cursor(list string, at any) string {
	text, err := json.Marshal(at)
	if err != nil {
		panic(err) // ids, times and texts: cannot happen
	}
	return base64.RawURLEncoding.EncodeToString(append(binary.BigEndian.AppendUint32(nil, checksum(list, text)), text...))
}

func checksum(list string, text []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(list)), crc32.IEEETable, text)
}

// excerpt is a page of a short list that is whole in memory, in the order of its keys.
func excerpt[R, T any](list string, p Paging, rows []R, key func(R) string, view func(R) T) (List[T], error) {
	after, next := "", ""
	if err := p.after(list, &after); err != nil {
		return List[T]{}, err
	}
	rows = slices.DeleteFunc(rows, func(r R) bool { return after != "" && key(r) <= after })
	if p.Limit > 0 && len(rows) > p.Limit {
		rows = rows[:p.Limit]
		next = key(rows[len(rows)-1])
	}
	return listOf(list, rows, next, view), nil
}

// listOf makes a page of rows. next is the place to go on at; its zero value: there is no more.
func listOf[R, T any, C comparable](list string, rows []R, next C, view func(R) T) List[T] {
	out := List[T]{Data: make([]T, len(rows))}
	for i, r := range rows {
		out.Data[i] = view(r)
	}
	var end C
	if next != end {
		text := cursor(list, next)
		out.NextCursor = &text
	}
	return out
}
