package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Mistake is one wrong setting: where it stands, what is wrong and how to mend it. It never quotes
// the value of a secret.
type Mistake struct {
	Path    string // like http.addr or providers[0].rate
	Source  string // the file, the variable or the flag it came from; "" for a default
	Problem string
	Mend    string
}

func (m *Mistake) Error() string {
	var b strings.Builder
	b.WriteString(m.Path)
	if m.Source != "" && m.Source != m.Path {
		b.WriteString(" (" + m.Source + ")")
	}
	b.WriteString(": " + m.Problem)
	if m.Mend != "" {
		b.WriteString("; " + m.Mend)
	}
	return b.String()
}

func join(mistakes []*Mistake) error {
	slices.SortStableFunc(mistakes, func(a, b *Mistake) int { return cmp.Compare(a.Path, b.Path) })
	errs := make([]error, len(mistakes))
	for i, m := range mistakes {
		errs[i] = m
	}
	return errors.Join(errs...)
}

// suggest names the known name that is nearest to an unknown one, if any is near.
func suggest(unknown string, known []string) string {
	best, least := "", max(2, len(unknown)/3)+1
	slices.Sort(known)
	for _, name := range known {
		if d := distance(plain(unknown), plain(name), least); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return "remove it"
	}
	return "did you mean " + best + "?"
}

// plain makes http_addr, http-addr and HTTP.addr the same name.
func plain(name string) string {
	return strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToLower(name))
}

// distance is Levenshtein's, or limit where it is not smaller.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
