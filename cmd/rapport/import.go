package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"rapport"
)

func (c *cli) importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import customers from a CSV or NDJSON file",
		Long: `Streams the file to the server, waits until it is imported and prints the rows that were refused, with line and reason.
A file that is broken somewhere (not CSV, not JSON) changes nothing. Exit code 1 when no row at all was imported.

Columns of a CSV: id, external_id, name, locale, timezone, audience; email, sms, whatsapp, telegram, webhook;
consent.<channel>.<topic> (granted or withdrawn), with consent_source, consent_text_version and consent_proof;
attr.<name>. Others are named by --mapping, or left out by "-". A line of NDJSON is a customer as in PUT /v1/customers.`,
		Example: `  rapport import customers.csv
  rapport import crm.csv --mapping E-Mail=email --mapping Mobile=sms --mapping Notes=-
  rapport import newsletter.csv --mapping optin=consent.email.promotions --source "sign-up form" --text-version 2026-03`,
		Args: cobra.ExactArgs(1),
	}
	f := cmd.Flags()
	f.SortFlags = false
	mapping := f.StringToString("mapping", nil, "column=field: what the file's columns are called here; column=- leaves one out")
	format := f.String("format", "", "csv or ndjson, where the file's name does not say")
	source := f.String("source", "", "where consents of the file come from, where its rows do not say")
	textVersion := f.String("text-version", "", "which wording was agreed to")
	proof := f.String("proof", "", "whatever shows it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cl, err := c.client()
		if err != nil {
			return err
		}
		file, err := openTable(args[0], *format)
		if err != nil {
			return err
		}
		defer file.Close()
		q := url.Values{"name": {file.name}}
		if len(*mapping) > 0 {
			text, err := json.Marshal(*mapping)
			if err != nil {
				return err
			}
			q.Set("mapping", string(text))
		}
		for key, value := range map[string]string{"source": *source, "text_version": *textVersion, "proof": *proof} {
			if value != "" {
				q.Set(key, value)
			}
		}
		bar := c.bar(file.size, "sending "+file.name, true)
		var j job
		if err := cl.stream(cmd.Context(), http.MethodPost, "/v1/customers/import?"+q.Encode(), file.contentType, io.TeeReader(file, bar), &j); err != nil {
			return fmt.Errorf("%s: %w", args[0], asMapped(err, *mapping))
		}
		_ = bar.Finish()
		return c.follow(cmd.Context(), cl, &j)
	}
	return cmd
}

// job is what the server says about one.
type job struct {
	ID       string            `json:"id"`
	Status   rapport.JobStatus `json:"status"`
	Total    int64             `json:"total"`
	Done     int64             `json:"done"`
	Rejected int64             `json:"rejected"`
	Error    string            `json:"error"`
}

// follow waits for the end of an import and prints what was refused. Rows that were refused make no error,
// since all others are in, unless there are no others.
func (c *cli) follow(ctx context.Context, cl *client, j *job) error {
	bar := c.bar(-1, "importing", false)
	for j.Status == rapport.JobQueued || j.Status == rapport.JobRunning {
		select {
		case <-ctx.Done():
			fmt.Fprintf(c.err, "The import goes on as %s.\n", j.ID)
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
		if err := cl.call(ctx, http.MethodGet, "/v1/jobs/"+escape(j.ID), nil, j); err != nil {
			return fmt.Errorf("%w (the import is %s)", err, j.ID)
		}
		if j.Total > 0 {
			bar.ChangeMax64(j.Total)
			_ = bar.Set64(min(j.Total, j.Done+j.Rejected))
		}
	}
	_ = bar.Finish()
	if err := c.printRejects(ctx, cl, j); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%d rows imported, %d refused.\n", j.Done, j.Rejected)
	if j.Status == rapport.JobFailed {
		return errors.New(j.Error)
	}
	if j.Done == 0 && j.Rejected > 0 {
		return errors.New("nothing was imported: every row was refused")
	}
	return nil
}

func (c *cli) printRejects(ctx context.Context, cl *client, j *job) error {
	if j.Rejected == 0 {
		return nil
	}
	for cursor := ""; ; {
		var page struct {
			Data []rapport.Reject `json:"data"`
			Next *string          `json:"next_cursor"`
		}
		q := url.Values{"limit": {"1000"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		if err := cl.call(ctx, http.MethodGet, "/v1/jobs/"+escape(j.ID)+"/rejects?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		for _, r := range page.Data {
			fmt.Fprintf(c.out, "line %d: %s\n", r.Line, r.Reason)
		}
		if page.Next == nil || *page.Next == "" {
			return nil
		}
		cursor = *page.Next
	}
}
