package incoming

import "testing"

func TestShown_ControlsOfDirectionAreSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a\x00b", "ab"},
		{"a\r\nb\rc\fd", "a\nb\nc\nd"},
		{"\ufeffa\u0085b\u009f", "a\nb"},
		{"a\xffb", "a\ufffdb"},
		{"\u202aanna@customers.example\u202c", "⟪LRE⟫anna@customers.example⟪PDF⟫"},
		{"\u2067x\u2069 \u202ey", "⟪RLI⟫x⟪PDI⟫ ⟪RLO⟫y"},
		{"שלום\u200f!", "שלום\u200f!"}, // what every keyboard of the language writes stays
		{"tab\tstays", "tab\tstays"},
	} {
		if got := shown(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	for _, in := range []string{"a&#8238;b", "a&#x202E;b", "a&#x00202e b", "a&#8297;b"} {
		if got := shownHTML(in); got != "ab" && got != "a b" {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := shownHTML("a&#82380;b &amp;"); got != "a&#82380;b &amp;" {
		t.Errorf("%q", got)
	}
	m, err := Read([]byte("From: a@b.example\nContent-Type: text/html\n\n<p>pay &#8238;etar</p>"))
	if err != nil || m.Text != "pay ⟪RLO⟫etar" {
		t.Errorf("%q %v", m.Text, err)
	}
}

func TestBare_NamesOfFiles(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"../../etc/passwd": "passwd", `C:\Users\anna\cv.doc`: "cv.doc", "..": "", ".htaccess": "htaccess", "a\nb.txt": "a b.txt", `a"b<c>.txt`: "a_b_c_.txt",
		"in\u202efdp.exe": "in⟪RLO⟫fdp.exe", "con:aux.txt": "con_aux.txt", "": "",
	} {
		if got := bare(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
