package storetest

import (
	"path/filepath"
	"testing"

	"rapport/store"
)

// Without what this sees every test would migrate for itself, and only the clock would tell.
func TestTemplates_AreMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rapport.db")
	if err := place(path); err != nil {
		t.Fatal(err)
	}
	urls := []string{"sqlite:" + path}
	if url, ok := Postgres(t); ok {
		urls = append(urls, url)
	}
	for _, url := range urls {
		s, err := store.Open(t.Context(), store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Current(t.Context()); err != nil {
			t.Errorf("%s: %v", s.Engine(), err)
		}
	}
}
