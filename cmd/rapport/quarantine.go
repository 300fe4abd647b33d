package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rapport/config"
	"rapport/gateway"
	"rapport/store"
)

func (c *cli) quarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "After a restore: see what is held, and decide what becomes of it",
		Long: `A restored database does not know what went out after the backup. Whatever was open then is held until somebody decides; what is
accepted since goes out as always. Three decisions, for one campaign, for the single messages, or for all:

  release  sends what is pending. What went out between the backup and the crash goes out AGAIN. Right when the server was
           down since the backup, or when twice is better than never.
  close    sends nothing that may have been sent already: webhooks are repeated under the same id, the SMS provider is
           asked, marketing by email and Telegram ends as unknown. Right when in doubt.
  cancel   sends nothing more of it.`,
		Example: `  rapport quarantine list
  rapport quarantine close --all --yes
  rapport quarantine release cmp_01hv3x9q8w2ta --yes`,
	}
	return family(cmd, c.quarantineList(),
		c.quarantineDecide(gateway.Release, "Send what is held; what went out since the backup goes out again"),
		c.quarantineDecide(gateway.Close, "Send nothing held that may have been sent; settle it as doubt"),
		c.quarantineDecide(gateway.Drop, "Send nothing of it any more"),
		c.quarantineBegin())
}

func (c *cli) quarantineList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List what is held, with the counts of the backup", Example: "  rapport quarantine list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var q gateway.Quarantine
			if err := cl.call(cmd.Context(), http.MethodGet, "/v1/quarantine", nil, &q); err != nil {
				return err
			}
			return c.printQuarantine(&q)
		},
	}
}

func (c *cli) printQuarantine(q *gateway.Quarantine) error {
	if !q.Active {
		fmt.Fprintln(c.out, "Nothing is held.")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if q.Since != nil && q.BeganAt != nil {
		fmt.Fprintf(w, "Backup of %s, restored %s. What went out in between is not known here.\n\n", q.Since.Local().Format(time.DateTime), q.BeganAt.Local().Format(time.DateTime))
	}
	fmt.Fprintln(w, "ID\tNAME\tWAS\tRECIPIENTS\tPENDING\tDOUBTFUL\tSENT\tSINCE")
	for _, v := range q.Campaigns {
		since := v.CreatedAt
		if v.LaunchedAt != nil {
			since = *v.LaunchedAt
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", v.ID, v.Name, v.Was, v.Counts.Audience, v.Counts.Pending, v.Counts.Doubtful+v.Counts.Sending, v.Counts.Sent+v.Counts.Delivered, day(since))
	}
	if m := q.Messages; m.Pending+m.Doubtful > 0 {
		oldest := time.Time{}
		if m.Oldest != nil {
			oldest = *m.Oldest
		}
		fmt.Fprintf(w, "messages\t(single messages and answers)\t\t\t%d\t%d\t\t%s\n", m.Pending, m.Doubtful, day(oldest))
	}
	fmt.Fprint(w, "\nDecide: rapport quarantine release|close|cancel ID... | --messages | --all (see rapport quarantine --help)\n")
	return w.Flush()
}

func (c *cli) quarantineDecide(what gateway.Decision, short string) *cobra.Command {
	verb := string(what)
	cmd := &cobra.Command{
		Use: verb + " [ID...]", Short: short,
		Example: fmt.Sprintf("  rapport quarantine %s cmp_01hv3x9q8w2ta --yes\n  rapport quarantine %s --all --yes", verb, verb),
	}
	messages := cmd.Flags().Bool("messages", false, "the single messages and answers")
	all := cmd.Flags().Bool("all", false, "everything that is held")
	yes := cmd.Flags().Bool("yes", false, "really do it; without it, only say what would happen")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && !*messages && !*all {
			return fmt.Errorf("name campaigns, or say --messages or --all; see rapport quarantine list")
		}
		cl, err := c.client()
		if err != nil {
			return err
		}
		return c.decide(cmd.Context(), cl, what, gateway.QuarantineInput{Campaigns: args, Messages: *messages, All: *all}, *yes)
	}
	return cmd
}

func (c *cli) decide(ctx context.Context, cl *client, what gateway.Decision, in gateway.QuarantineInput, yes bool) error {
	var q gateway.Quarantine
	if !yes {
		if err := cl.call(ctx, http.MethodGet, "/v1/quarantine", nil, &q); err != nil {
			return err
		}
		if err := c.printQuarantine(&q); err != nil || !q.Active {
			return err
		}
		fmt.Fprintln(c.err, map[gateway.Decision]string{
			gateway.Release: "Release sends what is pending. Whoever got it between the backup and the restore gets it AGAIN.",
			gateway.Close:   "Close sends nothing that may have been sent. What nobody can prove ends as unknown, also where it was never sent; a draft is cancelled.",
			gateway.Drop:    "Cancel sends nothing more of it, also not to whom it never went.",
		}[what])
		return errors.New("nothing was done; say --yes to do it")
	}
	for {
		if err := cl.call(ctx, http.MethodPost, "/v1/quarantine/"+string(what), in, &q); err != nil {
			return err
		}
		if !q.More {
			return c.printQuarantine(&q)
		}
		fmt.Fprintln(c.err, "a large campaign; going on ...")
		q = gateway.Quarantine{}
	}
}

func (c *cli) quarantineBegin() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "begin --since TIME",
		Short: "Hold everything that is open, on a database restored by other means",
		Long: `For a database that was not restored with rapport restore: PostgreSQL's point-in-time recovery, a snapshot of the disk, a replica that
was behind. Works on the database directly, before any server is started on it. --since is the moment that the data stands at; rather
too early than too late.`,
		Example: "  rapport quarantine begin --since 2026-11-22T02:00:00Z",
		Args:    cobra.NoArgs,
	}
	load := c.settings(cmd, where...)
	since := sinceFlag(cmd, "the moment that the data stands at")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		at, err := since()
		if err == nil && at.IsZero() {
			err = errors.New("--since is needed: the moment that the data stands at, like 2026-11-22T02:00:00Z")
		}
		if err != nil {
			return err
		}
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		begin := time.Now()
		st, err := store.Open(cmd.Context(), databaseOf(cfg, false))
		if errors.Is(err, store.ErrLocked) {
			return fmt.Errorf("%w; stop the server first", err)
		}
		if err != nil {
			return err
		}
		defer st.Close()
		if err := st.Current(cmd.Context()); err != nil {
			return err
		}
		// The lock of a SQLite file says that nobody is there; PostgreSQL's servers show it by their heartbeat.
		if cfg.DatabaseURL != "" {
			idle, err := st.Idle(cmd.Context())
			if err != nil {
				return err
			}
			if !idle {
				return errors.New("a server is running on this database: stop every api and worker first")
			}
		}
		if _, err := st.BeginQuarantine(cmd.Context(), at); err != nil {
			return err
		}
		return c.restored(cmd.Context(), st, begin)
	}
	return cmd
}

// warnOfQuarantine says at the start that something waits for a person.
func (a *App) warnOfQuarantine(ctx context.Context) {
	text, err := heldIn(ctx, a.Store)
	if err != nil {
		a.Log.Warn("what is in quarantine could not be read", "error", err)
	} else if text != "" {
		a.Log.Warn("held in quarantine after a restore until somebody decides: rapport quarantine list", "held", text)
	}
}

// examineQuarantine is the doctor's line.
func examineQuarantine(ctx context.Context, st *store.Store) []finding {
	text, err := heldIn(ctx, st)
	if err != nil || text == "" {
		return nil // the database's own line has told of an error
	}
	return []finding{{doubtful, "quarantine", text + " wait since a restore", "see rapport quarantine list, and decide: release, close or cancel"}}
}
