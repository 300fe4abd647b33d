package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"rapport"
	"rapport/gateway"
)

// watch follows a campaign until it has ended. A server that restarts meanwhile is waited for.
func (c *cli) watch(ctx context.Context, cl *client, id string) error {
	bar := c.bar(-1, "", false)
	_, seen := c.terminal()
	var said rapport.CampaignStatus
	var away time.Time
	for {
		var v campaign
		err := cl.call(ctx, http.MethodGet, "/v1/campaigns/"+escape(id), nil, &v)
		switch refused, answered := errors.AsType[*refused](err); {
		case ctx.Err() != nil:
			_ = bar.Exit()
			return ctx.Err()
		case err == nil:
			away = time.Time{}
		case answered && refused.status < 500:
			return err
		case away.IsZero():
			away = time.Now()
		case time.Since(away) > time.Minute:
			return err
		}
		if err == nil {
			n := v.Counts
			total := max(n.Audience, n.Planned, 1)
			bar.ChangeMax64(total)
			bar.Describe(fmt.Sprintf("%s: %s", v.Status, inMotion(n)))
			_ = bar.Set64(min(total, total-n.Pending-n.Sending-n.Doubtful))
			if !seen && v.Status != said { // a log wants a line a change, not a bar
				fmt.Fprintf(c.err, "%s: %s\n", v.Status, inMotion(n))
				said = v.Status
			}
			if v.ended() {
				_ = bar.Finish()
				return c.printLedger(ctx, cl, &v)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(400 * time.Millisecond):
		}
	}
}

func inMotion(n rapport.Counts) string {
	text := fmt.Sprintf("%d sent, %d delivered, %d skipped, %d failed", n.Sent, n.Delivered, n.Skipped, n.Failed)
	if n.Doubtful > 0 {
		text += fmt.Sprintf(", %d in doubt", n.Doubtful)
	}
	return text
}

// ledger are the states whose counts sum up to planned, with what each one means to people.
var ledger = []struct {
	state   rapport.State
	meaning string
	reasons bool // the reasons of the messages say more
}{
	{rapport.Pending, "waits for its hour or a free place", false},
	{rapport.Sending, "is being handed over", false},
	{rapport.Doubtful, "was handed over and not answered; being settled", false},
	{rapport.Sent, "taken by the provider", false},
	{rapport.Delivered, "confirmed to be delivered", false},
	{rapport.Skipped, "not to be sent: consent, preferences, no address, ...", true},
	{rapport.Failed, "refused for good", true},
	{rapport.Expired, "too late", true},
	{rapport.Cancelled, "closed before it was sent", false},
	{rapport.Unknown, "may have arrived; nobody can tell", true},
}

// printLedger writes where a campaign stands, why its messages ended as they did, and which rows were
// refused.
func (c *cli) printLedger(ctx context.Context, cl *client, v *campaign) error {
	n := v.Counts
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if v.Name != "" {
		fmt.Fprintln(w, v.Name)
	}
	fmt.Fprintf(w, "%s is %s\n\n  recipients\t%d\n", v.ID, v.Status, n.Audience)
	if v.Refused > 0 {
		fmt.Fprintf(w, "    refused\t%d\trows that cannot be right, see below\n", v.Refused)
	}
	fmt.Fprintf(w, "  messages\t%d\n", n.Planned)
	for _, l := range ledger {
		count := *n.Of(l.state)
		if count == 0 {
			continue
		}
		meaning := l.meaning
		if l.reasons {
			why, err := reasons(ctx, cl, v.ID, l.state)
			if err != nil {
				return err
			}
			meaning = why
		}
		fmt.Fprintf(w, "    %s\t%d\t%s\n", l.state, count, meaning)
	}
	var did []string
	for _, e := range []rapport.Engagement{rapport.Opened, rapport.Clicked, rapport.Replied, rapport.Converted, rapport.Unsubscribed, rapport.Complained} {
		if count := *n.Engaged(e); count > 0 {
			did = append(did, fmt.Sprintf("%s %d", e, count))
		}
	}
	if len(did) > 0 {
		fmt.Fprintf(w, "  %s\n", strings.Join(did, ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := c.printRefusals(ctx, cl, v); err != nil {
		return err
	}
	return c.printDryRun(v.DryRun)
}

// reasons counts why messages are in a state, looking at a thousand of them at most.
func reasons(ctx context.Context, cl *client, id string, state rapport.State) (string, error) {
	var page struct {
		Data []struct{ Reason string } `json:"data"`
		Next *string                   `json:"next_cursor"`
	}
	if err := cl.call(ctx, http.MethodGet, "/v1/campaigns/"+escape(id)+"/messages?limit=1000&state="+state.String(), nil, &page); err != nil {
		return "", err
	}
	count := map[string]int64{}
	for _, m := range page.Data {
		count[m.Reason]++
	}
	text := tally(count)
	if page.Next != nil && *page.Next != "" {
		text += " (of the newest 1000)"
	}
	return text, nil
}

// tally writes counts by word, the largest first.
func tally(count map[string]int64) string {
	words := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	for i, word := range words {
		words[i] = fmt.Sprintf("%s %d", cmp.Or(word, "no reason given"), count[word])
	}
	return strings.Join(words, ", ")
}

// printRefusals shows the first rows that could not become a message.
func (c *cli) printRefusals(ctx context.Context, cl *client, v *campaign) error {
	const shown = 20
	if v.Refused == 0 {
		return nil
	}
	var page struct {
		Data []struct {
			Recipient int64
			Line      int64
			Reason    string
		} `json:"data"`
	}
	at := "/v1/campaigns/" + escape(v.ID) + "/refusals"
	if err := cl.call(ctx, http.MethodGet, at+fmt.Sprintf("?limit=%d", shown), nil, &page); err != nil {
		return err
	}
	fmt.Fprintln(c.out)
	for _, r := range page.Data {
		place := fmt.Sprintf("line %d", r.Line)
		if r.Line == 0 {
			place = fmt.Sprintf("recipient %d", r.Recipient)
		}
		fmt.Fprintf(c.out, "  %s: %s\n", place, r.Reason)
	}
	if v.Refused > shown && len(page.Data) > 0 { // a finished campaign may have forgotten its rows
		fmt.Fprintf(c.out, "  ... all of them: GET %s\n", at)
	}
	return nil
}

func (c *cli) printDryRun(d *gateway.DryRun) error {
	if d == nil {
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nA dry run: nothing was sent. It would be:\n\n")
	byChannel := map[string]int64{}
	for ch, n := range d.Channels {
		byChannel[string(ch)] = n
	}
	for _, row := range []struct{ what, how string }{{"send", tally(byChannel)}, {"skip", tally(d.Skipped)}} {
		if row.how != "" {
			fmt.Fprintf(w, "  %s\t%s\n", row.what, row.how)
		}
	}
	for _, row := range []struct {
		what string
		n    int64
	}{{"refuse", d.Refused}, {"of the sent, later", d.Later}, {"SMS segments", d.Segments}} {
		if row.n > 0 {
			fmt.Fprintf(w, "  %s\t%d\n", row.what, row.n)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range d.Samples {
		fmt.Fprintf(c.out, "\n--- %s to %s ---\n", s.Channel, s.To)
		for _, text := range []string{s.Subject, s.Text, s.Body, s.Error} {
			if text = strings.TrimSpace(text); text != "" {
				fmt.Fprintln(c.out, text)
			}
		}
	}
	return nil
}

func (c *cli) printJSON(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := c.out.Write(b.Bytes())
	return err
}

func (c *cli) printExplanation(x *gateway.Explanation) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if len(x.Messages) == 0 {
		fmt.Fprintln(w, "The ledger has no message of this campaign to this customer.")
	}
	for _, m := range x.Messages {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.ID, m.Channel, m.State, m.Reason)
	}
	fmt.Fprintln(w, "\nThe rules, with the facts of now:")
	for _, r := range x.Rules {
		mark := "stops"
		if r.Passed {
			mark = "passes"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", mark, r.Rule, r.Channel, r.Detail)
	}
	fmt.Fprintln(w, "\nWhat would be decided now:")
	for _, o := range x.Outcome {
		what := "skip: " + o.Reason
		if o.Send {
			if what = "send"; o.DueAt != nil && time.Until(*o.DueAt) > time.Minute {
				what += " at " + o.DueAt.Format(time.RFC3339)
			}
		}
		fmt.Fprintf(w, "  %s\t%s\n", o.Channel, what)
	}
	return w.Flush()
}
