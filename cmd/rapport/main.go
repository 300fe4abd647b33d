// Command rapport is the whole product in one binary: the server, its workers, and the commands of the
// people who run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // campaigns follow their customers' zones on any machine

	"github.com/spf13/cobra"
)

var version = "dev" // set by the linker: -X main.version=

func main() {
	collectRarely()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal ends the work in order, a second one kills
	c := &cli{out: os.Stdout, err: os.Stderr, env: os.Environ()}
	os.Exit(c.run(ctx, os.Args[1:]))
}

// cli is what commands see of the process that they run in.
type cli struct {
	out, err io.Writer
	env      []string // NAME=value
}

// errQuiet ends a command with exit code 1 when everything has been said already.
var errQuiet = errors.New("")

// run executes one command line and returns the exit code: 0, or 1 with the reason on c.err, or 130 without
// one when the person ended it (Ctrl-C), as shells do.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return 130
	}
	if !errors.Is(err, errQuiet) {
		fmt.Fprintln(c.err, "rapport: "+strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "\n  "))
	}
	return 1
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rapport",
		Short: "Omnichannel messaging gateway for relationship marketing",
		Long: `Rapport sends campaigns to each customer on the channel, in the language and at the hour that suit them,
keeps account of every message, and brings the answers back into threads.

Settings come from a file (--config), RAPPORT_ variables and flags, the later before the earlier. Commands that
talk to a running server find it by RAPPORT_URL (http://127.0.0.1:8080 unless set) and RAPPORT_API_KEY.`,
		Example: `  RAPPORT_DEMO=true rapport serve
  rapport keys create --name me --scopes '*'
  rapport campaign send --template promotion --purpose marketing --csv examples/customers.csv --wait`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "operate", Title: "Operate:"}, &cobra.Group{ID: "send", Title: "Work with a running server:"})
	add := func(group string, commands ...*cobra.Command) {
		for _, cmd := range commands {
			cmd.GroupID = group
			root.AddCommand(cmd)
		}
	}
	add("run", c.serveCommand(), c.apiCommand(), c.workerCommand())
	add("operate", c.migrateCommand(), c.keysCommand(), c.agentsCommand(), c.backupCommand(), c.restoreCommand(), c.quarantineCommand(), c.doctorCommand(), c.healthcheckCommand(), c.mailCommand())
	add("send", c.importCommand(), c.campaignCommand(), c.templateCommand())
	root.AddCommand(&cobra.Command{Use: "version", Short: "Print the version", Example: "  rapport version", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) {
		fmt.Fprintln(c.out, version)
	}})
	return root
}

// family makes a command of its members: alone it prints its help, and a word that is none of them is a
// mistake.
func family(cmd *cobra.Command, members ...*cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(members...)
	return cmd
}

// lookup reads one variable of the environment.
func (c *cli) lookup(name string) string {
	for _, entry := range c.env {
		if n, v, ok := strings.Cut(entry, "="); ok && n == name {
			return v
		}
	}
	return ""
}
