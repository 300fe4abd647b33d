package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rapport"
	"rapport/gateway"
)

func (c *cli) campaignCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "campaign",
		Short:   "Send campaigns and see what became of every message",
		Example: "  rapport campaign send --template promotion --purpose marketing --csv examples/customers.csv --wait\n  rapport campaign watch cmp_01hv3x9q8w2ta",
	}
	return family(cmd, c.campaignSend(), c.campaignStatus(), c.campaignWatch(),
		c.campaignMove("pause", "Send nothing more for now; takes hold within a second"),
		c.campaignMove("resume", "Go on where pause stopped"),
		c.campaignMove("cancel", "Close what has not been sent, for good"),
		c.campaignExplain())
}

// campaign is what the server says about one.
type campaign struct {
	ID     string                 `json:"id"`
	Name   string                 `json:"name"`
	Status rapport.CampaignStatus `json:"status"`
	Counts rapport.Counts         `json:"counts"`
	// Refused are the recipients that could not become a message.
	Refused int64           `json:"refused"`
	Notes   *gateway.Notes  `json:"notes"`
	DryRun  *gateway.DryRun `json:"dry_run"`
}

// ended tells whether nothing more happens to the campaign by itself.
func (v *campaign) ended() bool {
	return v.Status == rapport.CampaignFinished || v.Status == rapport.CampaignCancelled && v.Counts.Pending+v.Counts.Sending+v.Counts.Doubtful == 0
}

func (c *cli) campaignSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send --template KEY --purpose marketing|transactional --csv FILE",
		Short: "Send a template to the customers of a file",
		Long: `Makes a draft, streams the file into it and launches it. The file's rows are customers, as for rapport import, with columns
data.<name> for what the template says to each. A row that cannot be right is refused, counted and shown by the ledger;
a file that is broken sends nothing at all. Exit code 1 when no recipient at all was taken.

The id of the campaign is printed on standard output.`,
		Example: `  rapport campaign send --template promotion --purpose marketing --csv customers.csv --dry-run
  rapport campaign send --template order-update --purpose transactional --csv orders.csv --channels sms,email --wait
  rapport campaign send --template win-back --purpose marketing --everyone --send-at 2026-12-01T09:00:00+02:00`,
		Args: cobra.NoArgs,
	}
	f := cmd.Flags()
	f.SortFlags = false
	template := f.String("template", "", "key of the template")
	purpose := f.String("purpose", "", "marketing or transactional; never guessed")
	topic := f.String("topic", "", "what people consent to; empty: the template's")
	name := f.String("name", "", "for people; empty: template and file")
	file := f.String("csv", "", "file of recipients, .csv or .ndjson")
	format := f.String("format", "", "csv or ndjson, where the file's name does not say")
	mapping := f.StringToString("mapping", nil, "column=field: what the file's columns are called here; column=- leaves one out")
	everyone := f.Bool("everyone", false, "every customer, instead of a file")
	channels := f.StringSlice("channels", nil, "allowed channels in order, separated by commas; empty: all that the template has")
	routing := f.String("routing", "", "preferred (the first usable channel), fallback (the next one if undelivered) or all")
	data := f.String("data", "", `variables data.* for everyone, as a JSON object or @FILE`)
	sendAt := f.String("send-at", "", "not before, like 2026-12-01T09:00:00+02:00")
	expires := f.String("expires-at", "", "close what has not been sent by then")
	dryRun := f.Bool("dry-run", false, "decide and render everything, send nothing")
	sandbox := f.Bool("sandbox", false, "send to the simulator instead of the providers")
	wait := f.Bool("wait", false, "watch until it is finished")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case *file == "" && !*everyone:
			return errors.New("name the recipients: --csv FILE, or --everyone")
		case *file != "" && *everyone:
			return errors.New("only one of --csv and --everyone can be the recipients")
		case *file == "" && len(*mapping) > 0:
			return errors.New("--mapping is about the columns of --csv FILE")
		}
		spec := map[string]any{"template": *template, "purpose": *purpose, "topic": *topic, "name": *name}
		if *name == "" {
			spec["name"] = *template + " to everyone"
			if *file != "" {
				spec["name"] = *template + " to " + filepath.Base(*file)
			}
		}
		if len(*channels) > 0 || *routing != "" {
			r := map[string]any{}
			if *routing != "" {
				r["method"] = *routing
			}
			if len(*channels) > 0 {
				r["channels"] = *channels
			}
			spec["routing"] = r
		}
		for field, text := range map[string]string{"send_at": *sendAt, "expires_at": *expires} {
			if text == "" {
				continue
			}
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return fmt.Errorf("--%s: %q is not a time; write it like 2026-12-01T09:00:00+02:00", strings.ReplaceAll(field, "_", "-"), text)
			}
			spec[field] = at
		}
		if *data != "" {
			values, err := objectOf(*data)
			if err != nil {
				return fmt.Errorf("--data: %w", err)
			}
			spec["data"] = values
		}
		if *dryRun || *sandbox {
			spec["settings"] = map[string]bool{"dry_run": *dryRun, "sandbox": *sandbox}
		}
		cl, err := c.client()
		if err != nil {
			return err
		}
		return c.send(cmd.Context(), cl, spec, recipientsFile{*file, *format, *mapping}, *wait || *dryRun)
	}
	return cmd
}

// recipientsFile is what --csv, --format and --mapping say. Path "": everyone.
type recipientsFile struct {
	path, format string
	mapping      map[string]string
}

// send makes the draft, fills it and launches it. A draft that is not launched is cancelled, so that a
// mistake leaves nothing that could be sent later.
func (c *cli) send(ctx context.Context, cl *client, spec map[string]any, file recipientsFile, wait bool) (err error) {
	var recipients *table
	if file.path == "" {
		spec["audience"] = map[string]bool{"everyone": true}
	} else if recipients, err = openTable(file.path, file.format); err != nil {
		return err
	} else {
		defer recipients.Close()
	}
	spec["status"] = "draft"
	var v campaign
	if err := cl.call(ctx, http.MethodPost, "/v1/campaigns", spec, &v); err != nil {
		return err
	}
	at := "/v1/campaigns/" + v.ID
	launched := false
	defer func() {
		if !launched {
			_ = cl.call(context.WithoutCancel(ctx), http.MethodPost, at+"/cancel", nil, nil) // the first error is the one to tell
		}
	}()
	if recipients != nil {
		if err := c.fill(ctx, cl, &v, recipients, file.mapping); err != nil {
			return fmt.Errorf("%s: %w", file.path, err)
		}
	}
	if err := cl.call(ctx, http.MethodPost, at+"/launch", nil, &v); err != nil {
		return err
	}
	launched = true
	if v.Notes != nil && v.Notes.Message != "" {
		fmt.Fprintln(c.err, v.Notes.Message)
	}
	fmt.Fprintln(c.out, v.ID)
	if !wait {
		fmt.Fprintf(c.err, "It is on its way; see rapport campaign watch %s\n", v.ID)
		return nil
	}
	return c.watch(ctx, cl, v.ID)
}

// fill streams recipients into the draft v. None that was taken is an error.
func (c *cli) fill(ctx context.Context, cl *client, v *campaign, recipients *table, mapping map[string]string) error {
	bar := c.bar(recipients.size, "sending "+recipients.name, true)
	body := io.TeeReader(recipients, bar)
	contentType := recipients.contentType
	if len(mapping) > 0 {
		text, err := json.Marshal(mapping)
		if err != nil {
			return err
		}
		if body, contentType, err = recipients.form(body, map[string]string{"mapping": string(text)}); err != nil {
			return err
		}
	}
	var got struct{ Added, Refused int64 }
	if err := cl.stream(ctx, http.MethodPost, "/v1/campaigns/"+v.ID+"/recipients", contentType, body, &got); err != nil {
		return asMapped(err, mapping)
	}
	_ = bar.Finish()
	fmt.Fprintf(c.err, "%d recipients taken, %d refused.\n", got.Added, got.Refused)
	if got.Added > 0 || got.Refused == 0 {
		return nil
	}
	v.Refused = got.Refused
	if err := c.printRefusals(ctx, cl, v); err != nil {
		return err
	}
	return errors.New("nothing was sent: every row was refused")
}

func objectOf(text string) (map[string]any, error) {
	raw := []byte(text)
	if path, ok := strings.CutPrefix(text, "@"); ok {
		var err error
		if raw, err = readText(path); err != nil {
			return nil, err
		}
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("is not a JSON object: %w", err)
	}
	return out, nil
}

func (c *cli) campaignStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use: "status ID", Short: "Print where a campaign stands, and its ledger", Example: "  rapport campaign status cmp_01hv3x9q8w2ta --json", Args: cobra.ExactArgs(1),
	}
	asJSON := cmd.Flags().Bool("json", false, "as the server says it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cl, err := c.client()
		if err != nil {
			return err
		}
		var raw json.RawMessage
		if err := cl.call(cmd.Context(), http.MethodGet, "/v1/campaigns/"+escape(args[0]), nil, &raw); err != nil {
			return err
		}
		if *asJSON {
			return c.printJSON(raw)
		}
		var v campaign
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		return c.printLedger(cmd.Context(), cl, &v)
	}
	return cmd
}

func (c *cli) campaignWatch() *cobra.Command {
	return &cobra.Command{
		Use:     "watch ID",
		Short:   "Follow a campaign until every message has settled",
		Long:    `Shows a progress bar and ends with the ledger. Ctrl-C ends the watching, not the campaign.`,
		Example: "  rapport campaign watch cmp_01hv3x9q8w2ta",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			return c.watch(cmd.Context(), cl, args[0])
		},
	}
}

func (c *cli) campaignMove(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " ID", Short: short, Example: "  rapport campaign " + verb + " cmp_01hv3x9q8w2ta", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var v campaign
			if err := cl.call(cmd.Context(), http.MethodPost, "/v1/campaigns/"+escape(args[0])+"/"+verb, nil, &v); err != nil {
				return err
			}
			return c.printLedger(cmd.Context(), cl, &v)
		},
	}
}

func (c *cli) campaignExplain() *cobra.Command {
	return &cobra.Command{
		Use:     "explain CAMPAIGN CUSTOMER",
		Short:   "Say why a customer got a campaign's message, or did not",
		Long:    `Prints what the ledger holds, and each rule in order with the facts that it sees now. CUSTOMER is cus_..., or ext: and your own id.`,
		Example: `  rapport campaign explain cmp_01hv3x9q8w2ta ext:crm-1017`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			var x gateway.Explanation
			if err := cl.call(cmd.Context(), http.MethodGet, "/v1/campaigns/"+escape(args[0])+"/explain?customer="+url.QueryEscape(args[1]), nil, &x); err != nil {
				return err
			}
			return c.printExplanation(&x)
		},
	}
}
