package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rapport"
	"rapport/config"
	"rapport/gateway"
	"rapport/store"
)

func (c *cli) keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Make, list and revoke API keys",
		Long:  `Works on the database directly, before the first start of a server and beside a running one.`,
		Example: `  export RAPPORT_API_KEY=$(rapport keys create --name shop --scopes read:*,write:messages)
  rapport keys list
  rapport keys revoke key_01hv3x9q8w2ta`,
	}
	return family(cmd, c.keysCreate(), c.keysList(), c.keysRevoke())
}

func (c *cli) keysCreate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create --name NAME --scopes SCOPES",
		Short: "Make a key and print it alone on standard output",
		Long: `Prints the key on standard output and nothing else, so that it can be kept in a variable. It is shown this once.

Scopes: ` + strings.Join(gateway.Scopes(), ", "),
		Example: `  rapport keys create --name me --scopes '*'
  rapport keys create --name reports --scopes read:* --expires-in 720h`,
		Args: cobra.NoArgs,
	}
	load := c.settings(cmd, where...)
	name := cmd.Flags().String("name", "", "whose it is, for people")
	scopes := cmd.Flags().StringSlice("scopes", nil, "what it may do, separated by commas; * is everything")
	expires := cmd.Flags().Duration("expires-in", 0, "after which it is not valid any more; 0: never")
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
		in := gateway.KeyInput{Name: *name, Scopes: *scopes}
		if *expires != 0 {
			at := time.Now().Add(*expires)
			in.ExpiresAt = &at
		}
		_, text, err := gateway.NewKeyring(st).Create(cmd.Context(), operator(), in)
		if err != nil {
			return asFlags(err)
		}
		_, err = fmt.Fprintln(c.out, text)
		return err
	}
	return cmd
}

func (c *cli) keysList() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the keys, newest first, without what is secret", Example: "  rapport keys list", Args: cobra.NoArgs}
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
		fmt.Fprintln(w, "ID\tBEGINS\tNAME\tSCOPES\tSTATE\tLAST USED\tMADE")
		for after := rapport.ID(0); ; {
			keys, next, err := st.Keys(cmd.Context(), store.Page{Limit: 200, After: after})
			if err != nil {
				return err
			}
			for _, k := range keys {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", rapport.KindKey.Format(k.ID), k.Hint, k.Name, strings.Join(k.Scopes, ","), stateOf(k), day(k.UsedAt), day(k.CreatedAt))
			}
			if after = next; next == 0 {
				return w.Flush()
			}
		}
	}
	return cmd
}

func stateOf(k rapport.Key) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.Valid(time.Now()):
		return "expired"
	case !k.ExpiresAt.IsZero():
		return "valid until " + day(k.ExpiresAt)
	}
	return "valid"
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func (c *cli) keysRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "revoke ID",
		Short:   "Close a key for good; servers know within two seconds",
		Example: "  rapport keys revoke key_01hv3x9q8w2ta",
		Args:    cobra.ExactArgs(1),
	}
	load := c.settings(cmd, where...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := rapport.KindKey.Parse(args[0])
		if err != nil {
			return fmt.Errorf("%q is not the id of a key (key_...); see rapport keys list", args[0])
		}
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		st, err := openBeside(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		defer st.Close()
		if err := gateway.NewKeyring(st).Revoke(cmd.Context(), operator(), id); err != nil {
			return err
		}
		fmt.Fprintln(c.err, "Revoked.")
		return nil
	}
	return cmd
}

// asFlags names the flags instead of the fields of a request that was refused.
func asFlags(err error) error {
	refusal, ok := errors.AsType[*rapport.Error](err)
	if !ok || len(refusal.Fields) == 0 {
		return err
	}
	lines := make([]string, len(refusal.Fields))
	for i, f := range refusal.Fields {
		lines[i] = "--" + strings.Replace(f.Path, "expires_at", "expires-in", 1) + " " + f.Message
	}
	return fmt.Errorf("%s", strings.Join(lines, "\n"))
}
