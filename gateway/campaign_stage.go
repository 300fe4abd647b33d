package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// stageInline checks and stores each customer of the body, and counts those without consent.
func (g *Gateway) stageInline(ctx context.Context, c *rapport.Campaign, text *splitter, notes *Notes) error {
	set, err := g.rules(ctx, g.Store, c)
	if err != nil {
		return err
	}
	channels := map[rapport.Channel]bool{}
	for _, ch := range c.Routing.Channels {
		channels[ch] = true
	}
	if len(channels) == 0 {
		channels = set.variants
	}
	var wrong []rapport.FieldError
	var page []store.Recipient
	var first int
	flush := func() error {
		dup, err := g.Store.Stage(ctx, c.ID, page)
		for _, i := range dup {
			wrong = append(wrong, rapport.FieldError{Path: fmt.Sprintf("audience.customers[%d]", first+i), Message: "is there twice"})
		}
		first += len(page)
		page = page[:0]
		return err
	}
	given := map[string]any{}
	_, _, err = campaignBody(text, func(i int, raw []byte) error {
		path := "audience.customers[" + strconv.Itoa(i) + "]"
		var in RecipientInput
		if err := Decode(raw, path, &in); err != nil {
			return err
		}
		patch, bad := g.patch(in.CustomerInput, path)
		given["data"], given["customer"], given["campaign"] = merged(set.content.data, in.Data), in.Data, in.Data
		for _, name := range set.template.Missing(given, channels) {
			if strings.HasPrefix(name, "data.") {
				bad = append(bad, rapport.FieldError{Path: path + "." + name, Message: "the template needs it"})
			}
		}
		if wrong = append(wrong, bad...); len(wrong) >= 20 {
			return invalid(wrong)
		}
		if !granted(patch.Consents, c.Topic) {
			notes.WillSkip++
		}
		c.Audience++
		payload, err := payloadOf(raw, &in)
		if err != nil {
			return err
		}
		page = append(page, store.Recipient{Seq: c.Audience, Dedupe: store.WhoKey(patch), Payload: payload})
		if len(page) == store.MaxRows {
			return flush()
		}
		return nil
	})
	if err == nil && len(page) > 0 {
		err = flush()
	}
	if err == nil && len(wrong) > 0 {
		err = invalid(wrong)
	}
	return err
}

// payloadOf is what the stage keeps of a recipient: raw as it came, unless something in it is escaped. An
// erasure looks for names and addresses in the form in which encoding/json writes them.
func payloadOf(raw []byte, in any) (json.RawMessage, error) {
	if bytes.ContainsAny(raw, `\<>&`) {
		return json.Marshal(in)
	}
	return bytes.Clone(raw), nil
}

// discard takes a stage back in pieces: the first at once, so that a draft is one again when the caller hears
// that nothing was taken; the others in the background. It goes on until the database has done it, because
// sweepers look only at what the dead have left.
func (g *Gateway) discard(id rapport.ID) {
	first, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if done, err := g.Store.DiscardStage(first, id); err == nil && done {
		g.staging.Delete(id)
		return
	}
	g.spawn(func() {
		defer g.staging.Delete(id)
		for !g.engine.closed.Load() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			done, err := g.Store.DiscardStage(ctx, id)
			cancel()
			if err != nil {
				g.Log.Warn("a refused audience is not gone yet; trying again", "campaign", rapport.KindCampaign.Format(id), "error", err)
				time.Sleep(2 * time.Second)
			} else if done {
				return
			}
		}
	})
}

// unstage takes back a draft of which nobody told us whether it became ours: the answer was lost, but perhaps not
// the update. No other request of this process is at it, since staging has it.
func (g *Gateway) unstage(id, worker rapport.ID) {
	for !g.engine.closed.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		ours, err := g.Store.Staging(ctx, id, worker)
		cancel()
		switch {
		case err != nil:
			g.Log.Warn("a draft could not be given back; trying again", "campaign", rapport.KindCampaign.Format(id), "error", err)
			time.Sleep(time.Second)
		case ours:
			g.discard(id)
			return
		default:
			g.staging.Delete(id)
			return
		}
	}
}

// AddRecipients streams rows into a draft. A row that cannot be right is refused, kept and counted; a
// stream that breaks adds nothing.
func (g *Gateway) AddRecipients(ctx context.Context, _ Caller, id rapport.ID, rows *Rows) (added, refused int64, err error) {
	if err := rows.Consent.complete(); err != nil {
		return 0, 0, err
	}
	c, err := g.Store.Campaign(ctx, id)
	if err != nil {
		return 0, 0, err
	}
	conflict := rapport.Errorf(rapport.CodeConflict, "Recipients can be added to a draft only, by one request at a time.")
	if c.Drawn() {
		return 0, 0, conflict
	}
	if _, taken := g.staging.LoadOrStore(id, true); taken {
		return 0, 0, conflict
	}
	worker := g.Worker()
	ok, err := g.Store.BeginStage(ctx, id, worker)
	if err != nil {
		g.spawn(func() { g.unstage(id, worker) })
		return 0, 0, err
	}
	if !ok {
		g.staging.Delete(id)
		return 0, 0, conflict
	}
	seq := c.Audience
	rows.Keep = true
	columns, err := g.Store.RowColumns(ctx, id)
	var places []int // of the columns of this file among those of all
	var page []store.Recipient
	flush := func() error {
		dup, err := g.Store.Stage(ctx, id, page)
		refused += int64(len(dup))
		added -= int64(len(dup))
		page = page[:0]
		return err
	}
	for err == nil {
		var row Row
		if row, err = rows.Next(); err != nil {
			break
		}
		seq++
		if places == nil {
			columns, places = joinColumns(columns, rows.columnNames())
		}
		r := store.Recipient{Seq: seq, Line: row.Line, Payload: json.RawMessage("{}"), Cells: inPlace(row.cells, places)}
		var patch store.CustomerPatch
		var bad []rapport.FieldError
		if row.Err == nil {
			patch, bad = g.patch(row.Patch.CustomerInput, "")
		}
		switch {
		case row.Err != nil:
			r.Refusal = rapport.ReasonInvalid + ": " + row.Err.Error()
			refused++
		case len(bad) > 0:
			r.Refusal = fmt.Sprintf("%s: %s %s", rapport.ReasonInvalid, bad[0].Path, bad[0].Message)
			refused++
		default:
			r.Dedupe = store.WhoKey(patch)
			if r.Payload, err = row.payload(); err != nil {
				break
			}
			added++
		}
		if page = append(page, r); len(page) == store.MaxRows {
			err = flush()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
		if len(page) > 0 {
			err = flush()
		}
		if err == nil {
			err = g.Store.SetRowColumns(ctx, id, columns)
		}
		if err == nil {
			err = g.Store.EndStage(ctx, id, seq)
		}
	}
	if err != nil {
		g.discard(id)
		return 0, 0, err
	}
	g.staging.Delete(id)
	return added, refused, nil
}
