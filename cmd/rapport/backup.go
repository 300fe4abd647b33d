package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rapport/config"
	"rapport/store"
)

func (c *cli) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the database while the server runs",
		Long: `Writes a consistent copy of the database to a new file that only this user can read, reads it back and checks it, and
prints its size. The server goes on meanwhile. A file that is there already is never overwritten.

SQLite: a compact SQLite file. PostgreSQL: what pg_dump --format=custom writes; pg_dump must be on the PATH and not older than the
server. Large installations take base backups and archive the WAL instead (point-in-time recovery): see docs/operations.md.

The copy holds personal data, and no secret_key: keep that key elsewhere, since without it a restored database cannot
open provider settings, recognise suppressed addresses or follow links in mails that were sent.`,
		Example: `  rapport backup /backup/rapport-$(date +%F-%H%M).db
  RAPPORT_DATABASE_URL=postgres://rapport@db/rapport rapport backup /backup/rapport.dump`,
		Args: cobra.ExactArgs(1),
	}
	load := c.settings(cmd, where...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		begin := time.Now()
		made, err := backup(cmd.Context(), cfg, args[0])
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s is there already; a backup never overwrites a file: choose another name", args[0])
		}
		if err != nil {
			return fmt.Errorf("nothing was backed up: %w", err)
		}
		fmt.Fprintf(c.err, "%s: %s, as of %s, checked, in %s. Keep secret_key somewhere else; it is not in it.\n", args[0], size(made.Size), made.At.Local().Format(time.DateTime), time.Since(begin).Round(100*time.Millisecond))
		return nil
	}
	return cmd
}

func backup(ctx context.Context, cfg *config.Config, file string) (store.Copy, error) {
	if cfg.DatabaseURL != "" {
		return dump(ctx, cfg.DatabaseURL.Reveal(), file)
	}
	if missing, err := absent(cfg.DataDir); err != nil {
		return store.Copy{}, err
	} else if missing {
		return store.Copy{}, fmt.Errorf("there is no database in %s; is data_dir right?", cfg.DataDir)
	}
	st, err := store.Open(ctx, databaseOf(cfg, true))
	if err != nil {
		return store.Copy{}, err
	}
	defer st.Close()
	return st.Backup(ctx, file)
}

// dump lets pg_dump write a file of its own format, and pg_restore read it back to its last table of contents.
func dump(ctx context.Context, database, file string) (made store.Copy, err error) {
	if _, err := os.Lstat(file); err == nil {
		return made, fs.ErrExist
	}
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".part-*") // 0600
	if err != nil {
		return made, err
	}
	part.Close()
	defer func() { _ = os.Remove(part.Name()) }() // in place it has another name by then
	target, env := withoutPassword(database)
	if _, err := tool(ctx, env, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file="+part.Name(), "--dbname="+target); err != nil {
		return made, err
	}
	if made.At, err = dumpedAt(ctx, part.Name()); err != nil {
		return made, err
	}
	// Read back to the last byte: the table of contents alone stands at the beginning.
	if _, err := tool(ctx, env, "pg_restore", "--file="+os.DevNull, part.Name()); err != nil {
		return made, err
	}
	info, err := os.Stat(part.Name())
	if err != nil {
		return made, err
	}
	made.Size = info.Size()
	return made, store.PutInPlace(part.Name(), file)
}

// dumpedAt is when pg_dump began, as the head of its file says.
func dumpedAt(ctx context.Context, file string) (time.Time, error) {
	out, err := tool(ctx, []string{"TZ=UTC"}, "pg_restore", "--list", file)
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.SplitSeq(out, "\n") {
		if text, ok := strings.CutPrefix(line, "; Archive created at "); ok {
			at, err := time.Parse("2006-01-02 15:04:05 MST", strings.TrimSpace(text))
			if err != nil {
				return at, fmt.Errorf("%s: pg_restore says when it was made in words that are not known: %q", file, text)
			}
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s does not say when it was made", file)
}

// tool runs a program of PostgreSQL and returns what it printed.
func tool(ctx context.Context, env []string, name string, args ...string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not on the PATH: install PostgreSQL's client programs (Debian: postgresql-client), not older than the server", name)
	}
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // G204: pg_dump or pg_restore from the operator's own PATH, and no shell in between
	var said strings.Builder
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(said.String()))
	}
	return string(out), nil
}

// withoutPassword takes the password out of a connection string, since whoever lists processes can read
// arguments, and gives it as the variable that libpq reads.
func withoutPassword(database string) (target string, env []string) {
	u, err := url.Parse(database)
	if err != nil {
		return database, nil
	}
	password, _ := u.User.Password()
	if q := u.Query(); q.Has("password") {
		password = q.Get("password")
		q.Del("password")
		u.RawQuery = q.Encode()
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	if password != "" {
		env = []string{"PGPASSWORD=" + password}
	}
	return u.String(), env
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
}
