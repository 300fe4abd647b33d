package gateway

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/store/storetest"
)

func TestLinkedFile_IsForThreeDaysAndOneFile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	st := storetest.Open(t, storetest.SQLite(t), func() time.Time { return now })
	g := &Gateway{Store: st, Log: slog.New(slog.DiscardHandler), set: Settings{Keys: [][]byte{[]byte("a key of thirty-two bytes or so..")}, PublicURL: "https://rapport.example"}}
	f, err := st.KeepFile(t.Context(), "a.png", "image/png", strings.NewReader("bytes"), 100)
	if err != nil {
		t.Fatal(err)
	}
	a, err := g.attachment(rapport.KindFile.Format(f.ID))
	if err != nil || !strings.HasPrefix(a.URL, "https://rapport.example/f/") {
		t.Fatalf("%+v %v", a, err)
	}
	token := strings.TrimPrefix(a.URL, "https://rapport.example/f/")
	linked := func(token string) error {
		_, err := g.LinkedFile(t.Context(), token)
		return err
	}
	if err := linked(token); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "x", token + "0", g.token(useReply, f.ID, dayOf(now)), g.token(useFile, f.ID+1, dayOf(now)), g.token(useFile, f.ID, dayOf(now)+1)} {
		if err := linked(wrong); rapport.CodeOf(err) != rapport.CodeNotFound {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	now = now.Add(linkedDays * 24 * time.Hour)
	if err := linked(token); rapport.CodeOf(err) != rapport.CodeNotFound {
		t.Errorf("after three days: %v", err)
	}
	g.set.PublicURL = ""
	if a, err := g.attachment(rapport.KindFile.Format(f.ID)); err != nil || a.URL != "" {
		t.Errorf("without a public address: %q %v", a.URL, err)
	}
	r, err := a.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, _ := io.ReadAll(r); string(b) != "bytes" {
		t.Errorf("%q", b)
	}
}
