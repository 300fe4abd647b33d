package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"rapport/config"
)

var update = flag.Bool("update", false, "write generated parts of the README anew")

// The README's table of settings is generated from the struct that reads them.
func TestREADME_ConfigurationTableIsCurrent(t *testing.T) {
	const path, begin, end = "../../README.md", "<!-- config:begin (make docs) -->\n", "<!-- config:end -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	if !ok {
		t.Fatal("the README has no place for the table")
	}
	table, tail, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatal("the README has no end of the table")
	}
	want := config.Markdown()
	if table == want {
		return
	}
	if !*update {
		t.Fatal("the README's table of settings is not the one in config.go: run make docs")
	}
	if err := os.WriteFile(path, []byte(head+begin+want+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
