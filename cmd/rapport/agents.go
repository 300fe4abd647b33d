package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rapport"
	"rapport/config"
	"rapport/gateway"
	"rapport/store"
)

func (c *cli) agentsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "agents",
		Short: "Invite and list the people who sign in, and let them in again",
		Long: `Works on the database directly, before the first start of a server and beside a running one. Links begin with the server's
public_url.`,
		Example: `  rapport agents create --name Anna --email anna@shop.example --role owner
  rapport agents list
  rapport agents reset anna@shop.example`,
	}
	return family(cmd, c.agentsCreate(), c.agentsList(), c.agentsReset())
}

func (c *cli) agentsCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create --name NAME --email ADDRESS --role ROLE",
		Short: "Invite somebody and print the link alone on standard output",
		Long:  `Prints a link by which they choose a password, on standard output and nothing else. It is good for seven days, once.`,
		Example: `  rapport agents create --name Anna --email anna@shop.example --role owner
  rapport agents create --name Boris --email boris@shop.example --role agent --public-url https://rapport.shop.example`,
		Args: cobra.NoArgs,
	}
	load := c.settings(cmd, "public_url", "data_dir")
	name := cmd.Flags().String("name", "", "how colleagues know them")
	email := cmd.Flags().String("email", "", "what they sign in with")
	role := cmd.Flags().String("role", string(rapport.Member), "owner, admin, agent or viewer")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		st, err := openBeside(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer st.Close()
		_, l, err := agentsOf(st, cfg).Invite(cmd.Context(), operator(), gateway.AgentInput{Name: *name, Email: *email, Role: rapport.AgentRole(*role)})
		if err != nil {
			return asFlags(err)
		}
		_, err = fmt.Fprintln(c.out, l.URL)
		return err
	}
	return cmd
}

func agentsOf(st *store.Store, cfg *config.Config) *gateway.Agents {
	return gateway.NewAgents(st, gateway.Settings{PublicURL: cfg.PublicBase()})
}

func (c *cli) agentsList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the people who sign in", Example: "  rapport agents list", Args: cobra.NoArgs}
	load := c.settings(cmd, where...)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		st, err := openBeside(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer st.Close()
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tE-MAIL\tROLE\tSTATE\tCODES\tLAST SEEN")
		for after := rapport.ID(0); ; {
			agents, next, err := st.Agents(cmd.Context(), store.Page{Limit: 200, After: after})
			if err != nil {
				return err
			}
			for _, a := range agents {
				codes := "no"
				if a.TOTP {
					codes = "yes"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", rapport.KindAgent.Format(a.ID), a.Name, a.Email, a.Role, a.State(), codes, day(a.SeenAt))
			}
			if after = next; next == 0 {
				return w.Flush()
			}
		}
	}
	return cmd
}

func (c *cli) agentsReset() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reset ADDRESS",
		Short: "Print a link by which somebody chooses another password",
		Long: `For who is locked out: prints a link on standard output and nothing else. It is good for 24 hours, once, and no number of wrong
guesses delays it. With --totp it also ends the codes of an authenticator app that is lost.`,
		Example: `  rapport agents reset anna@shop.example
  rapport agents reset anna@shop.example --totp`,
		Args: cobra.ExactArgs(1),
	}
	load := c.settings(cmd, "public_url", "data_dir")
	totp := cmd.Flags().Bool("totp", false, "end the codes too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		st, err := openBeside(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer st.Close()
		a, err := st.AgentByEmail(cmd.Context(), strings.TrimSpace(args[0]))
		if rapport.CodeOf(err) == rapport.CodeNotFound {
			return fmt.Errorf("nobody signs in with %q; see rapport agents list", args[0])
		}
		if err != nil {
			return err
		}
		reset := agentsOf(st, cfg).InviteAgain
		if !a.Invited {
			reset = func(ctx context.Context, by gateway.Caller, id rapport.ID) (rapport.Agent, gateway.Link, error) {
				return agentsOf(st, cfg).Reset(ctx, by, id, *totp)
			}
		}
		_, l, err := reset(cmd.Context(), operator(), a.ID)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.out, l.URL)
		return err
	}
	return cmd
}
