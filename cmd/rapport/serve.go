package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rapport"
	"rapport/config"
	"rapport/gateway"
	"rapport/store"
)

func (c *cli) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run everything in one process",
		Long: `Runs the API, the workers and, unless RAPPORT_DATABASE_URL and RAPPORT_REDIS_URL name others, the database and the
queue too, in one process. It brings the database's schema up to date by itself.

Ctrl-C or SIGTERM takes no more work, waits for messages on the wire (shutdown.timeout) and ends; a second one kills.

With --demo the sandbox stands in for every channel that has no provider, nothing has to be configured, and an empty
database is filled with a small shop's data.

While there is no API key, a start makes one that may do everything and prints it, once, on standard output. It does not
with log.format json outside demo mode, since logs are kept: make one with rapport keys create.

While nobody can sign in, each start prints a link by which somebody becomes the owner, once; the link of the start before is
worth nothing any more. rapport api prints one, too. With log.format json it is a line of JSON.`,
		Example: `  rapport serve --demo
  rapport serve --config rapport.yaml
  RAPPORT_SECRET_KEY=$(openssl rand -base64 32) rapport serve --http.addr :8080 --public-url https://rapport.example.com`,
		Args: cobra.NoArgs,
	}
	load := c.settings(cmd)
	empty := cmd.Flags().Bool("empty", false, "demo mode without the demo's data")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(config.RoleServe)
		if err != nil {
			return err
		}
		return c.serve(cmd.Context(), cfg, config.RoleServe, cfg.Demo && !*empty)
	}
	return cmd
}

func (c *cli) apiCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Run the API alone; workers are other processes",
		Long: `Runs the API and the providers' callbacks. Messages are sent by rapport worker, in as many processes as are needed. Both need
PostgreSQL and Redis, and a schema that rapport migrate has brought up to date.`,
		Example: `  rapport migrate && rapport api --config rapport.yaml`,
		Args:    cobra.NoArgs,
	}
	c.roleOf(cmd, config.RoleAPI)
	return cmd
}

func (c *cli) workerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Run deliveries alone; the API is another process",
		Long: `Plans campaigns, sends messages, asks the providers that must be asked, and watches over the other workers. Start as many as you
like; they share providers' rates. Needs PostgreSQL and Redis.`,
		Example: `  rapport worker --config rapport.yaml --delivery.bulk-workers 16`,
		Args:    cobra.NoArgs,
	}
	c.roleOf(cmd, config.RoleWorker)
	return cmd
}

func (c *cli) roleOf(cmd *cobra.Command, role config.Role) {
	load := c.settings(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(role)
		if err != nil {
			return err
		}
		return c.serve(cmd.Context(), cfg, role, cfg.Demo && role == config.RoleAPI)
	}
}

// serve runs a process until ctx ends.
func (c *cli) serve(ctx context.Context, cfg *config.Config, role config.Role, seed bool) error {
	log := newLog(c.err, cfg.Log)
	if cfg.Demo && cfg.Company == (config.Company{}) {
		cfg.Company = config.Company{Name: "Fern & Friends", PostalAddress: "12 Example Lane, Riga LV-1010, Latvia"}
	}
	night := cfg.Demo && cfg.QuietHours == config.Default().QuietHours
	if night {
		cfg.QuietHours.SMSMarketing = config.Hours{} // whoever tries it out at night wants to see it sent
	}
	log.Debug("the configuration", "settings", cfg)
	app, err := Open(ctx, cfg, role, log)
	if err != nil {
		return err
	}
	if err := app.Start(ctx); err != nil {
		app.Stop()
		return err
	}
	log.Info("started", "version", version, "role", string(role), "database", app.Store.Engine(), "demo", cfg.Demo)
	if seed {
		if err := app.seed(ctx); err != nil && ctx.Err() == nil {
			log.Error("the demo's data could not be stored", "error", err)
		}
	}
	if role != config.RoleWorker && ctx.Err() == nil {
		if err := c.greet(ctx, app, role, night); err != nil {
			log.Error("what a first start says could not be made", "error", err)
		}
	}
	<-ctx.Done()
	log.Info("draining; a second signal kills", "within", cfg.Shutdown.Timeout.String())
	begin := time.Now()
	app.Stop()
	log.Info("stopped", "after", time.Since(begin).Round(time.Millisecond).String())
	return nil
}

// greet says on standard output, once a start and while there is no owner, how somebody becomes it: whoever started the
// server has no other way in. Beside logs in JSON it is a line of JSON. People at a terminal are told more.
func (c *cli) greet(ctx context.Context, app *App, role config.Role, night bool) error {
	setup, err := app.Gateway.Agents.OpenSetup(ctx)
	if err != nil {
		return err
	}
	people := app.Config.Demo || app.Config.Log.Format == "text"
	switch {
	case role == config.RoleServe && people:
		return c.welcome(ctx, app, night, setup)
	case setup == "":
		return nil
	case people:
		_, err = fmt.Fprintf(c.out, "\n  Nobody can sign in yet. Make yourself the owner:\n\n    %s\n\n", setup)
	default:
		err = json.NewEncoder(c.out).Encode(map[string]string{"msg": "nobody can sign in yet: this link makes the owner, once", "setup": setup})
	}
	return err
}

// welcome tells people where everything is. A database without keys gets its first one, which is shown now
// and never again.
func (c *cli) welcome(ctx context.Context, app *App, night bool, setup string) error {
	keys, _, err := app.Store.Keys(ctx, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Rapport %s is ready.\n\n    API      %s/v1\n    Manual   %s/docs\n", version, app.URL, app.URL)
	if addr := app.Config.Metrics.Addr; addr != "" {
		fmt.Fprintf(&b, "    Metrics  http://%s/metrics\n", reachable(addr))
	}
	if app.Config.DatabaseURL == "" {
		fmt.Fprintf(&b, "    Data     %s\n", app.Config.DataDir)
	}
	if app.Config.Demo {
		b.WriteString("\n  Demo mode: channels without a provider go to the sandbox, which reaches nobody.\n")
		if night {
			b.WriteString("  SMS go out at any hour; otherwise marketing waits from 21:00 to 08:00 of the customer's day.\n")
		}
	}
	if len(keys) == 0 {
		_, text, err := gateway.NewKeyring(app.Store).Create(ctx, operator(), gateway.KeyInput{Name: "first run", Scopes: []string{"*"}})
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n  Your API key, shown this once:\n\n    export RAPPORT_URL=%s RAPPORT_API_KEY=%s\n", app.URL, text)
	}
	if setup != "" {
		fmt.Fprintf(&b, "\n  Nobody can sign in yet. Make yourself the owner:\n\n    %s\n", setup)
	}
	b.WriteString("\n  Ctrl-C stops.\n\n")
	_, err = fmt.Fprint(c.out, b.String())
	return err
}

// operator is the caller of commands that work on the database: whoever can open it may do everything.
func operator() gateway.Caller {
	return gateway.Caller{Scopes: []string{"*"}, Name: "operator", Role: rapport.Owner}
}

// reachable is an address to listen on as one to connect to from this machine.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
