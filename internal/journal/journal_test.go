package journal_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"rapport/internal/journal"
)

const childVariable = "JOURNAL_TEST_CHILD"

// The child notes three messages in three states, says so, and waits to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		j, err := journal.Open(dir, 7, 8)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		j.Hand(101, 1)
		j.Hand(102, 3).Accept()
		j.Rename(8)
		j.Hand(103, 2).Clear()
		j.Beat(41)
		fmt.Println("noted")
		select {}
	}
	os.Exit(m.Run())
}

func kill9(t *testing.T, dir string, while func()) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "noted\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	while()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
}

func TestAKilledProcessLeavesItsNotes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kill9(t, dir, func() {
		if left, err := journal.Abandoned(dir); err != nil || len(left) != 0 {
			t.Errorf("while it lives: %v, %v", left, err)
		}
	})
	left, err := journal.Abandoned(dir)
	if err != nil || len(left) != 1 {
		t.Fatalf("%d journals, %v", len(left), err)
	}
	want := []journal.Entry{{ID: 101, Attempt: 1, Fate: journal.Handed}, {ID: 102, Attempt: 3, Fate: journal.Accepted}}
	if l := left[0]; !slices.Equal(l.Names, []int64{7, 8}) || l.Beats != 41 || !l.Sound || !slices.Equal(l.Entries, want) {
		t.Errorf("got %+v", l)
	}
	if again, err := journal.Abandoned(dir); err != nil || len(again) != 0 {
		t.Errorf("a second successor got it too: %v, %v", again, err)
	}
	if err := left[0].Done(); err != nil {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("it is still there: %v", files)
	}
}

func TestWhatCannotBeBelievedIsNotSound(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(raw []byte) []byte{
		"another boot":   func(raw []byte) []byte { raw[33] ^= 1; return raw },
		"another format": func(raw []byte) []byte { raw[0] = 'x'; return raw },
		"cut short":      func(raw []byte) []byte { return raw[:len(raw)-1] },
		"longer":         func(raw []byte) []byte { return append(raw, 0) },
		"empty":          func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			kill9(t, dir, func() {})
			path := filepath.Join(dir, "7")
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, spoil(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			left, err := journal.Abandoned(dir)
			if err != nil || len(left) != 1 || left[0].Sound || len(left[0].Entries) != 0 {
				t.Fatalf("got %+v, %v", left, err)
			}
			if err := left[0].Keep(); err != nil {
				t.Error(err)
			}
			if again, _ := journal.Abandoned(dir); len(again) != 1 {
				t.Error("Keep did not keep it")
			}
		})
	}
}

// More messages than slots wait for each other, and every note ends cleared.
func TestSlotsAreSharedAmongMany(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := journal.Open(dir, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			note := j.Hand(int64(i), 1)
			if i%2 == 0 {
				note.Accept()
			}
			note.Clear()
		})
	}
	all.Wait()
	raw, err := os.ReadFile(filepath.Join(dir, "1"))
	if err != nil {
		t.Fatal(err)
	}
	for at := 256 + 8; at < len(raw); at += 16 {
		if raw[at] != 0 {
			t.Errorf("the note at %d stands still", at)
		}
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoJournalIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"readme.txt", "-", "12x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("x", 300)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, strconv.Itoa(5)), 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := journal.Abandoned(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("got %v, %v", left, err)
	}
	if left, err := journal.Abandoned(filepath.Join(dir, "nowhere")); err != nil || left != nil {
		t.Errorf("without the directory: %v, %v", left, err)
	}
}

func TestTooManyNamesProveNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := journal.Open(dir, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		j.Rename(int64(i + 2))
	}
	raw, err := os.ReadFile(filepath.Join(dir, "1"))
	if err != nil || strings.HasPrefix(string(raw), "rapport") {
		t.Errorf("it still says what it is: %.20q, %v", raw, err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkNote(b *testing.B) {
	j, err := journal.Open(b.TempDir(), 1, 1024)
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		note := j.Hand(int64(i), 1)
		note.Accept()
		note.Clear()
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}
