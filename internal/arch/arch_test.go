// Package arch holds the one rule of the house: imports point only downwards, and each foreign word is
// spoken in one room (docs/adr/0002-rooms.md).
package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rooms says what of the module each package tree may import besides itself. Longer prefixes win.
var rooms = map[string][]string{
	"rapport":                   {},
	"rapport/config":            {},
	"rapport/channels":          {"rapport", "rapport/internal/maildns"},
	"rapport/channels/all":      {"rapport", "rapport/channels"},
	"rapport/templates":         {"rapport", "rapport/channels"},
	"rapport/store":             {"rapport"},
	"rapport/gateway":           {"rapport", "rapport/channels", "rapport/insights", "rapport/assistant", "rapport/templates", "rapport/store", "rapport/internal/journal", "rapport/internal/deadline", "rapport/internal/maildns"},
	"rapport/queue":             {"rapport", "rapport/gateway"},
	"rapport/api":               {"rapport", "rapport/channels", "rapport/templates", "rapport/store", "rapport/gateway", "rapport/internal/maildns"},
	"rapport/internal/maildns":  {},
	"rapport/internal/httpx":    {"rapport/internal/deadline"},
	"rapport/internal/deadline": {},
	"rapport/internal/journal":  {},
	"rapport/insights":          {},
	"rapport/assistant":         {"rapport/insights", "rapport/internal/httpx"},
}

// words says which rooms may speak a foreign word.
var words = map[string][]string{
	"github.com/hibiken/asynq":            {"rapport/queue"},
	"github.com/redis/":                   {"rapport/queue"},
	"github.com/alicebob/miniredis":       {"rapport/queue"},
	"github.com/gofiber/":                 {"rapport/api"},
	"github.com/danielgtaylor/huma":       {"rapport/api"},
	"github.com/valyala/fasthttp":         {"rapport/api"},
	"github.com/jackc/pgx":                {"rapport/store"},
	"modernc.org/":                        {"rapport/store"},
	"database/sql":                        {"rapport/store"},
	"github.com/pressly/goose":            {"rapport/store"},
	"github.com/twilio/":                  {"rapport/channels/twilio"},
	"github.com/go-telegram-bot-api/":     {"rapport/channels/telegram"},
	"github.com/wneessen/go-mail":         {"rapport/channels/email", "rapport/cmd"},
	"github.com/emersion/":                {"rapport/channels/email"},
	"github.com/jhillyerd/enmime":         {"rapport/channels/email"},
	"github.com/spf13/cobra":              {"rapport/cmd"},
	"github.com/preslavrachev/gomjml":     {"rapport/templates"},
	"github.com/vanng822/go-premailer":    {"rapport/templates"},
	"github.com/prometheus/client_golang": {"rapport/cmd"},
	"github.com/knadh/koanf":              {"rapport/config"},
}

func TestImportsPointDownwardsAndForeignWordsStayInTheirRoom(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "tools" || name == "data") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := "rapport"
		if rel != "." {
			pkg += "/" + filepath.ToSlash(rel)
		}
		if strings.HasSuffix(pkg, "test") || under(pkg, "rapport/internal/crash") || under(pkg, "rapport/internal/bench") || under(pkg, "rapport/internal/e2e") {
			return nil // suites and fakes for tests may know whom they test
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			check(t, path, pkg, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("only %d files were looked at", files)
	}
}

func check(t *testing.T, path, pkg, imported string) {
	for word, allowed := range words {
		if strings.HasPrefix(imported, word) && !slices.ContainsFunc(allowed, func(room string) bool { return under(pkg, room) }) {
			t.Errorf("%s imports %s, which is spoken in %v only", path, imported, allowed)
		}
	}
	if pkg == "rapport" && strings.Contains(imported, ".") {
		t.Errorf("%s imports %s: the vocabulary needs the standard library only", path, imported)
	}
	if !under(imported, "rapport") || under(pkg, "rapport/cmd") {
		return
	}
	room := ""
	for r := range rooms {
		if (pkg == r || r != "rapport" && under(pkg, r)) && len(r) > len(room) {
			room = r
		}
	}
	if room == "" {
		t.Errorf("%s: the package %s has no place in the rule", path, pkg)
		return
	}
	if under(imported, room) && room != "rapport" || (imported == "rapport/internal/httpx" || imported == "rapport/internal/deadline") && under(pkg, "rapport/channels") {
		return
	}
	for _, a := range rooms[room] {
		if imported == a || a != "rapport" && under(imported, a) && (a != "rapport/channels" || !vendor(imported) || room == "rapport/channels/all") {
			return
		}
	}
	if imported == "rapport/channels/sandbox" && (room == "rapport/gateway" || room == "rapport/api") {
		return // the simulator is a product of its own: people answer in it
	}
	t.Errorf("%s: %s must not import %s", path, pkg, imported)
}

// vendor tells whether a package is one provider's: nobody but the list of all knows one.
func vendor(pkg string) bool { return strings.Count(pkg, "/") > 1 }

func under(pkg, tree string) bool { return pkg == tree || strings.HasPrefix(pkg, tree+"/") }
