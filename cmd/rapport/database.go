package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rapport/config"
	"rapport/store"
)

// where are the settings of commands that use the database alone.
var where = []string{"data_dir"}

func (c *cli) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long: `Brings the schema to this binary's version and ends. Run it before api and worker; serve does it by itself. Several may run at once,
and a database that is newer than the binary is left alone.`,
		Example: `  RAPPORT_DATABASE_URL=postgres://rapport@db/rapport rapport migrate`,
		Args:    cobra.NoArgs,
	}
	load := c.settings(cmd, where...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		st, err := store.Open(cmd.Context(), databaseOf(cfg, false))
		if err != nil {
			return beside(err)
		}
		defer st.Close()
		if err := st.Migrate(cmd.Context()); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "The schema is up to date (%s).\n", st.Engine())
		return nil
	}
	return cmd
}

func databaseOf(cfg *config.Config, shared bool) store.Options {
	return store.Options{URL: cfg.DatabaseURL.Reveal(), DataDir: cfg.DataDir, Shared: shared, Conns: 4}
}

// openBeside opens the database whether or not a server runs on it. One that is still empty gets its
// schema; one with the schema of another version is refused, since a server may be using it.
func openBeside(ctx context.Context, cfg *config.Config) (*store.Store, error) {
	st, err := store.Open(ctx, databaseOf(cfg, true))
	if err != nil {
		return nil, err
	}
	stale := st.Current(ctx)
	if stale == nil {
		return st, nil
	}
	_, _, err = st.Keys(ctx, store.Page{Limit: 1})
	st.Close()
	if err == nil || ctx.Err() != nil {
		return nil, stale // there are tables, of another version
	}
	// Now the SQLite file's lock is wanted: a server that starts at this moment migrates too.
	if st, err = store.Open(ctx, databaseOf(cfg, false)); err != nil {
		return nil, err
	}
	if err := st.Migrate(ctx); err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

func beside(err error) error {
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w; rapport serve migrates by itself, so there is nothing to do", err)
	}
	return err
}
