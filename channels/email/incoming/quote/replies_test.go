package quote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The replies are hand-made, in the shapes that mail programs give them. A .want file holds what each part should hold,
// without blank lines.
func TestCut_RepliesOfMailPrograms(t *testing.T) {
	t.Parallel()
	replies, err := filepath.Glob(filepath.Join("testdata", "replies", "*.want"))
	if err != nil {
		t.Fatal(err)
	}
	if len(replies) < 60 {
		t.Fatalf("only %d replies were found", len(replies))
	}
	for _, file := range replies {
		name := strings.TrimSuffix(filepath.Base(file), ".want")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, html := sample(t, name+".txt"), sample(t, name+".html")
			want := sample(t, name+".want")
			_, rest, _ := strings.Cut(want, "=== said\n")
			saidWant, rest, _ := strings.Cut(rest, "=== quoted\n")
			quotedWant, signatureWant, found := strings.Cut(rest, "=== signature\n")
			if text+html == "" || !found {
				t.Fatal("the sample is not whole")
			}
			got := Cut(text, html)
			same(t, "said", got.Said, saidWant)
			same(t, "quoted", got.Quoted, quotedWant)
			same(t, "signature", got.Signature, signatureWant)
			again := "\n" + Cut(Text(html), "").Said + "\n"
			for l := range strings.SplitSeq(saidWant, "\n") {
				if html != "" && l != "" && !strings.Contains(again, "\n"+l+"\n") {
					t.Errorf("the text of the HTML, cut, has lost %q:%s", l, again)
				}
			}
		})
	}
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "replies", name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if filled(got) != filled(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

// filled are the lines of a text that hold something but quote marks.
func filled(text string) string {
	var lines []string
	for l := range strings.SplitSeq(text, "\n") {
		if !read(l).hollow() {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, "\n")
}
