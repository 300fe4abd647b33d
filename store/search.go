package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"rapport"
)

// Bounds of what is indexed and asked for.
const (
	mostWords   = 1000 // of one entry: what follows is not found
	mostQuery   = 12   // of one question
	longestWord = 40   // runes; of a longer word the beginning counts
)

// unspaced are scripts that are written without spaces.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai}

// foldWords makes words of a text as the index holds them: letters and digits in lower case, without accents, ё as е, each
// word once. Of a word like N7788 the number is a word too, and e-mail is found as email. Scripts that are written without
// spaces become letters and pairs of them.
func foldWords(text string, most int) []string {
	f := folder{seen: map[string]bool{}, most: most}
	var it norm.Iter
	it.InitString(norm.NFKD, strings.ReplaceAll(text, "№", " "))
	for !it.Done() && len(f.words) < most {
		for _, c := range string(it.Next()) {
			f.take(c)
		}
	}
	f.end()
	return f.words
}

type folder struct {
	words []string
	seen  map[string]bool
	most  int
	word  []rune // under way
	part  []rune // the word before, while only a hyphen stands between the two
	last  rune   // of a run without spaces
}

func (f *folder) add(w string) {
	if w != "" && !f.seen[w] && len(f.words) < f.most {
		f.seen[w] = true
		f.words = append(f.words, w)
	}
}

func (f *folder) take(c rune) {
	switch {
	case unicode.Is(unicode.Mn, c):
		return
	case unicode.In(c, unspaced...):
		f.end()
		f.add(string(c))
		if f.last != 0 {
			f.add(string([]rune{f.last, c}))
		}
		f.last = c
		return
	case unicode.IsLetter(c) || unicode.IsDigit(c):
		if len(f.word) < longestWord {
			f.word = append(f.word, unicode.ToLower(c))
		}
	case c == '-' || c == '\u2010' || c == '\u2011':
		joined := slices.Clone(f.word)
		f.end()
		f.part = joined
	default:
		f.end()
	}
	f.last = 0
}

// end ends the word under way.
func (f *folder) end() {
	f.add(string(f.word))
	number := 0
	for number < len(f.word) && unicode.IsDigit(f.word[len(f.word)-1-number]) {
		number++
	}
	if number > 0 && number < len(f.word) {
		f.add(string(f.word[len(f.word)-number:]))
	}
	if len(f.part) > 0 && len(f.word) > 0 && len(f.part)+len(f.word) <= longestWord {
		f.add(string(f.part) + string(f.word))
	}
	f.word, f.part = f.word[:0], nil
}

// A stem has at least shortestStem letters, and at most longestStem.
const (
	shortestStem = 3
	longestStem  = 8
)

// stemOf stands for all words that begin alike: the mark that no word has, and so many letters. It stands in for the grammar of
// English and Russian alike: "заказа" finds "заказ" and "заказы". A word with a digit, and a short one, has none.
func stemOf(word string, letters int) string {
	r := []rune(word)
	if letters == 0 || len(r) < letters || strings.ContainsFunc(word, unicode.IsDigit) || unicode.In(r[0], unspaced...) {
		return ""
	}
	return "~" + string(r[:letters])
}

// stemLength is how many letters of a word somebody asks for are not its ending, which has three at most ("-ing", "-ого"): of
// four and five letters three ("ваз-у", "дет-ей"), of longer ones four and more. A word of three or fewer is all of it: 0.
func stemLength(letters int) int {
	switch {
	case letters <= shortestStem:
		return 0
	case letters <= 5:
		return shortestStem
	}
	return min(longestStem, max(4, letters-3))
}

// terms reads what somebody typed: what an entry must have all of. A word in "quotation marks" is looked for as it is, any
// other by its stem. What that finds too much ("иванова" finds "Иваненко") costs a look; what is not found is lost.
func terms(q string) []string {
	var out []string
	for i, part := range strings.Split(q, `"`) {
		for _, w := range foldWords(part, mostQuery) {
			if stem := stemOf(w, stemLength(utf8.RuneCountInString(w))); stem != "" && i%2 == 0 {
				w = stem
			}
			if len(out) < mostQuery && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// indexed is what is kept of a text to find it by.
func indexed(text string) []string {
	words := foldWords(text, mostWords)
	out := slices.Clone(words)
	seen := map[string]bool{"": true}
	for _, w := range words {
		for letters := shortestStem; letters <= longestStem; letters++ {
			if stem := stemOf(w, letters); !seen[stem] {
				seen[stem] = true
				out = append(out, stem)
			}
		}
	}
	return out
}

// threadWords is what stands for every entry of a thread: its subject, and whose it is.
const threadWords = `subject || ' ' || coalesce((SELECT name FROM customers WHERE customers.id = threads.customer_id), '')`

// index makes an entry's words findable. words is every text that stands for it.
func (s *Store) index(ctx context.Context, entry rapport.ID, words ...string) error {
	found := indexed(strings.Join(words, "\n"))
	if len(found) == 0 {
		return nil
	}
	_, err := s.exec(ctx, s.d.addWords(), entry, s.d.words(found))
	return err
}

// unindex forgets the words of entries; ids is the dialect's list.
func (s *Store) unindex(ctx context.Context, ids []rapport.ID) error {
	return s.run(ctx, ids, s.d.dropWords())
}

// find lists the ids of the newest entries below an id that have all terms.
func (s *Store) find(ctx context.Context, terms []string, below rapport.ID, limit int) (ids []rapport.ID, err error) {
	for _, l := range s.d.findWords(limit) {
		ask := func(s *Store) error {
			ids, err = collect(ctx, s, scanID, l.query, s.d.terms(terms), below, limit)
			return err
		}
		if l.before == "" {
			err = ask(s)
		} else {
			err = s.Tx(ctx, func(s *Store) error {
				if _, err := s.exec(ctx, l.before); err != nil {
					return err
				}
				return ask(s)
			})
		}
		if err != nil || len(ids) == limit {
			break
		}
	}
	return ids, err
}

// lookup is a query, and a statement that the transaction needs before it ("": it needs no transaction).
type lookup struct{ before, query string }

// SearchEntries lists entries that hold all words of q, in whatever order, the newest first. The thread's subject, the
// customer's name and the author's count as words of its entries. Without a word in q it finds nothing.
func (s *Store) SearchEntries(ctx context.Context, q string, p Page) ([]rapport.Entry, rapport.ID, error) {
	want := terms(q)
	if len(want) == 0 || !storable(q) {
		return []rapport.Entry{}, 0, nil
	}
	ids, err := s.find(ctx, want, p.after(), p.Limit+1)
	if err != nil || len(ids) == 0 {
		return []rapport.Entry{}, 0, err
	}
	rows, err := collect(ctx, s, scanEntry, `SELECT `+entryColumns+` FROM entries WHERE id `+s.d.in(1)+` ORDER BY id DESC`, s.d.list(ids))
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(e rapport.Entry) rapport.ID { return e.ID })
	return out, next, nil
}

// unindexed is the key of meta that holds the id up to which entries of before are indexed. It is there as long as some are not.
const unindexed = "unindexed"

// indexOld indexes what was stored before there was an index, a page a transaction, and goes on where an earlier start ended.
func (s *Store) indexOld(ctx context.Context) error {
	for more := true; more; {
		err := s.Tx(ctx, func(s *Store) error {
			var text string
			err := s.row(ctx, `SELECT value FROM meta WHERE key = $1 `+s.d.forUpdate(), unindexed).Scan(&text)
			if errors.Is(err, sql.ErrNoRows) {
				more = false
				return nil
			}
			if err != nil {
				return err
			}
			after, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return err
			}
			type old struct {
				id    rapport.ID
				words string
			}
			rows, err := collect(ctx, s, func(scan func(...any) error) (o old, err error) { err = scan(&o.id, &o.words); return },
				`SELECT e.id, CASE WHEN e.kind = 'event' THEN '' ELSE (SELECT `+threadWords+` FROM threads WHERE threads.id = e.thread_id) END || ' ' || e.author || ' ' || e.text
				FROM entries e WHERE e.id > $1 ORDER BY e.id LIMIT $2`, after, MaxRows)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := s.unindex(ctx, []rapport.ID{r.id}); err != nil { // it may have been edited since
					return err
				}
				if err := s.index(ctx, r.id, r.words); err != nil {
					return err
				}
				after = int64(r.id)
			}
			if more = len(rows) == MaxRows; !more {
				_, err = s.exec(ctx, `DELETE FROM meta WHERE key = $1`, unindexed)
			} else {
				_, err = s.exec(ctx, `UPDATE meta SET value = $1 WHERE key = $2`, strconv.FormatInt(after, 10), unindexed)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("indexing older entries: %w", err)
		}
	}
	return nil
}
