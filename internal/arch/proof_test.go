package arch

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	catalogued = regexp.MustCompile(`(?m)^\| (\d+) \|.*\|$`)
	word       = regexp.MustCompile("`([^`]+)`")
	testName   = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
)

// docs/proof.md names the test that holds each fault, as `directory` and then names. They must exist, the faults be
// numbered from 1 to 65, and the sum at the end be right, so that the page cannot rot.
func TestProof_NamesTestsThatExist(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "proof.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, catalogue, ok := strings.Cut(string(page), "\n## The catalogue of faults\n")
	if !ok {
		t.Fatal("there is no catalogue")
	}
	rows := catalogued.FindAllStringSubmatch(catalogue, -1)
	if len(rows) != 65 {
		t.Fatalf("%d faults, want 65", len(rows))
	}
	tested := 0
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) {
			t.Errorf("fault %s stands in the place of %d", row[1], i+1)
		}
		cells := strings.Split(row[0], " | ")
		if len(cells) != 5 {
			t.Fatalf("fault %s has %d cells", row[1], len(cells))
		}
		if strings.HasPrefix(cells[4], "test") {
			tested++
		}
		dir, names := "", 0
		for _, w := range word.FindAllStringSubmatch(cells[3], -1) {
			if !testName.MatchString(w[1]) {
				dir = w[1]
				continue
			}
			names++
			if !declared(t, filepath.Join(root, dir), w[1]) {
				t.Errorf("fault %s: there is no %s in %s", row[1], w[1], dir)
			}
		}
		if held := strings.HasPrefix(cells[4], "test") || strings.HasPrefix(cells[4], "crash"); held != (names > 0) {
			t.Errorf("fault %s names %d tests and runs in %q", row[1], names, cells[4])
		}
	}
	if want := strconv.Itoa(tested) + " of the 65 run in `make test`."; tested < 30 || !strings.Contains(catalogue, want) {
		t.Errorf("the page should say: %s", want)
	}
}

func declared(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("\nfunc "+name+"(")) {
			return true
		}
	}
	return false
}
