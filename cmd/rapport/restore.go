package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"rapport"
	"rapport/config"
	"rapport/store"
)

func (c *cli) restoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the database's place; what may have been sent since is held",
		Long: `Checks a backup (that it is whole, and of a schema that this binary knows) and puts it in the database's place. Stop every server
first. A database that is there is left alone, unless --replace is given, which keeps it beside the new one.

What went out after the backup was taken is not in it: those messages stand as if they had not been sent. So whatever
was open at the backup is held in quarantine when the server starts, while everything accepted from then on goes out. See what is held
with rapport quarantine list, and decide: release, close or cancel.

Also gone is whatever else happened since: campaigns and messages accepted, answers, unsubscribes, consents, keys made or revoked.
Customers erased since are erased again, as far as the journal beside the database knows them (SQLite).

PostgreSQL: the file is one of rapport backup or pg_dump --format=custom, the database must be empty, and pg_restore on the
PATH. Whoever restored it by other means (point-in-time recovery, a snapshot) says so with rapport quarantine begin.`,
		Example: `  rapport restore /backup/rapport-2026-11-22-0200.db
  rapport restore /backup/rapport-2026-11-22-0200.db --replace && rapport serve --config rapport.yaml
  RAPPORT_DATABASE_URL=postgres://rapport@db/rapport_new rapport restore /backup/rapport.dump`,
		Args: cobra.ExactArgs(1),
	}
	load := c.settings(cmd, where...)
	replace := cmd.Flags().Bool("replace", false, "move the database that is there aside (SQLite)")
	since := sinceFlag(cmd, "when the copy was taken, for one that does not say so itself")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		at, err := since()
		if err != nil {
			return err
		}
		if cfg.DatabaseURL != "" {
			if *replace {
				return errors.New("--replace is for SQLite; make an empty PostgreSQL database, restore into that, and keep the old one until all is well")
			}
			return c.restoreDump(cmd.Context(), cfg, args[0], at)
		}
		return c.restoreFile(cmd.Context(), cfg, store.Restore{To: databaseOf(cfg, false), File: args[0], Since: at, Replace: *replace})
	}
	return cmd
}

// sinceFlag gives cmd --since TIME, and returns what reads it; the zero time: it was not given.
func sinceFlag(cmd *cobra.Command, help string) func() (time.Time, error) {
	text := cmd.Flags().String("since", "", help+", like 2026-11-22T02:00:00Z")
	return func() (time.Time, error) {
		if *text == "" {
			return time.Time{}, nil
		}
		at, err := time.Parse(time.RFC3339, *text)
		if err != nil {
			return at, fmt.Errorf("--since: %q is not a time; write it like 2026-11-22T02:00:00Z", *text)
		}
		if at.After(time.Now()) {
			return at, errors.New("--since lies in the future")
		}
		return at, nil
	}
}

func (c *cli) restoreFile(ctx context.Context, cfg *config.Config, r store.Restore) error {
	begin := time.Now()
	kept, err := r.Run(ctx)
	if kept != "" {
		defer fmt.Fprintf(c.err, "The database that was there is %s now; delete it when all is well.\n", kept)
	}
	switch {
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("%w; stop the server first", err)
	case errors.Is(err, store.ErrThere):
		return fmt.Errorf("%w; --replace moves it aside", err)
	case err != nil:
		return fmt.Errorf("nothing was restored: %w", err)
	}
	st, err := store.Open(ctx, databaseOf(cfg, false))
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.Migrate(ctx); err != nil {
		return err
	}
	if err := arrive(ctx, cfg, st, newLog(c.err, cfg.Log)); err != nil {
		return err
	}
	return c.restored(ctx, st, begin)
}

func (c *cli) restoreDump(ctx context.Context, cfg *config.Config, file string, at time.Time) error {
	begin := time.Now()
	taken, err := dumpedAt(ctx, file)
	if err != nil {
		return err
	}
	if at.IsZero() || taken.Before(at) {
		at = taken
	}
	st, err := store.Open(ctx, databaseOf(cfg, false))
	if err != nil {
		return err
	}
	defer st.Close()
	empty, err := st.Empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return errors.New("nothing was restored: the database has tables already; make an empty one and name it in database_url")
	}
	target, env := withoutPassword(cfg.DatabaseURL.Reveal())
	if _, err := tool(ctx, env, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", "--dbname="+target, file); err != nil {
		return fmt.Errorf("nothing was restored: %w", err)
	}
	// From here on the database is a copy that does not know it.
	if err = st.Migrate(ctx); err == nil {
		_, err = st.BeginQuarantine(ctx, at)
	}
	if err != nil {
		return fmt.Errorf("the data is there, but NOT in quarantine: %w\nBefore any server starts: rapport quarantine begin --since %s", err, at.Format(time.RFC3339))
	}
	return c.restored(ctx, st, begin)
}

// restored says what a person has to know now.
func (c *cli) restored(ctx context.Context, st *store.Store, begin time.Time) error {
	q, _, err := st.Quarantine(ctx)
	if err != nil {
		return err
	}
	text, err := heldIn(ctx, st)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "Restored in %s. What happened after %s is not in it.\n", time.Since(begin).Round(100*time.Millisecond), q.Since.Local().Format(time.DateTime))
	if text == "" {
		fmt.Fprintln(c.err, "Nothing was open then, so nothing is held. Start the server.")
		return nil
	}
	fmt.Fprintf(c.err, "In quarantine: %s. Start the server, then: rapport quarantine list\n", text)
	return nil
}

// arrive makes a database that is a copy ours, however it came to its place: who was erased since is erased
// again, and what was open is held. Any other database is left as it is.
func arrive(ctx context.Context, cfg *config.Config, st *store.Store, log *slog.Logger) error {
	at, is, err := st.CopyOf(ctx)
	if err != nil || !is {
		return err
	}
	people, err := st.Erasures(at)
	if err != nil {
		return fmt.Errorf("reading who was erased since the backup: %w", err)
	}
	if len(people) > 0 {
		secret, err := secretKeys(cfg)
		if err != nil {
			return fmt.Errorf("customers were erased since the backup, and erasing them again needs the key: %w", err)
		}
		setHashKey(st, secret)
		n, err := st.EraseAgain(ctx, people)
		if err != nil {
			return err
		}
		log.Info("customers who were erased after the backup were erased again", "customers", n)
	}
	_, err = st.BeginQuarantine(ctx, at)
	return err
}

// setHashKey gives the store the oldest key: suppressions must survive a rotation.
func setHashKey(st *store.Store, secret [][]byte) {
	st.SetHashKey(derive(secret[len(secret)-1], "address hash"))
}

// heldIn is what a database holds in quarantine, in words; "": nothing.
func heldIn(ctx context.Context, st *store.Store) (string, error) {
	campaigns, err := st.OpenCampaigns(ctx, 1000, rapport.CampaignQuarantined)
	if err != nil {
		return "", err
	}
	m, err := st.HeldMessages(ctx)
	if err != nil || len(campaigns) == 0 && m.Batches == 0 {
		return "", err
	}
	return fmt.Sprintf("%d campaigns and %d single messages", len(campaigns), m.Pending+m.Doubtful), nil
}
