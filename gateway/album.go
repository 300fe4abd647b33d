package gateway

import (
	"context"
	"encoding/json"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// albumWithin is how long the pictures of an album may be apart: a provider brings each by itself.
const albumWithin = time.Minute

// album finds the entry of the first picture of an album, and adds the words that came with this one. 0: this is the
// first, or no album.
func (g *Gateway) album(ctx context.Context, s *store.Store, in *channels.Incoming, w *writer) (rapport.ID, error) {
	if in.Album == "" || w.address.ID == 0 {
		return 0, nil
	}
	recent, err := s.RecentInbound(ctx, w.address, g.now().Add(-albumWithin))
	if err != nil {
		return 0, err
	}
	for _, e := range recent {
		var m struct{ Album string }
		if json.Unmarshal(e.Meta, &m) != nil || m.Album != in.Album {
			continue
		}
		switch {
		case in.Text == "":
			return e.ID, nil
		case e.Text != "":
			in.Text = e.Text + "\n" + in.Text
		}
		return e.ID, s.EditEntry(ctx, e.ID, in.Text, e.HTML)
	}
	return 0, nil
}
