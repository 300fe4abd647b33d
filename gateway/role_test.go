package gateway

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"rapport"
)

// docs/agents.md has the table of roles; this one is what holds.
func TestRoles_AreThoseOfTheManual(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/agents.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| role | scopes |\n|---|---|\n"
	for _, r := range rapport.AgentRoles {
		table += fmt.Sprintf("| `%s` | `%s` |\n", r, strings.Join(ScopesOf(r), "` `"))
		for _, s := range ScopesOf(r) {
			if !slices.Contains(Scopes(), s) {
				t.Errorf("%s has the scope %s, which there is not", r, s)
			}
		}
	}
	if !strings.Contains(string(page), "\n"+table+"\n") {
		t.Errorf("docs/agents.md should say:\n%s", table)
	}
	if ScopesOf("king") != nil {
		t.Error("an unknown role may do something")
	}
}

func TestMentionName_IsWhatMentionsFinds(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Anna": "anna", "Anna Smith": "anna.smith", "  Анна  Иванова ": "анна.иванова", "O'Neil, J.": "o.neil.j", "x-y_z": "x-y_z", "...": "", "--": "", "☃": "", "a.": "a"} {
		got := rapport.MentionName(name)
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if want != "" && !slices.Equal(rapport.Mentions("Ask @"+got+", please"), []string{want}) {
			t.Errorf("@%s calls %v", got, rapport.Mentions("Ask @"+got+", please"))
		}
	}
}
