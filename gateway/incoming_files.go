package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/microcosm-cc/bluemonday"

	"rapport"
	"rapport/channels"
)

// maxIncomingFiles bounds the attachments of one message together.
const maxIncomingFiles = maxAttachments

// htmlPolicy keeps text and structure of a stranger's HTML and nothing that runs, loads or hides.
var htmlPolicy = bluemonday.UGCPolicy()

func cleanHTML(html string) string {
	if html == "" {
		return ""
	}
	return htmlPolicy.Sanitize(html)
}

// fetchAttachments stores the files of an incoming message, after the message itself is safe: a slow or
// missing file must not make the provider repeat the message.
func (g *Gateway) fetchAttachments(entry rapport.ID, files []channels.Attachment) {
	g.spawn(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		left := int64(maxIncomingFiles)
		for i, a := range files {
			if i == 20 {
				break
			}
			size, err := g.keepFile(ctx, entry, a, left)
			left -= size
			if err != nil {
				g.Log.Warn("an attachment could not be fetched", "entry", rapport.KindEntry.Format(entry), "error", err)
			}
		}
	})
}

// keepFile stores one attachment of at most limit bytes, and returns how many it has.
func (g *Gateway) keepFile(ctx context.Context, entry rapport.ID, a channels.Attachment, limit int64) (int64, error) {
	if a.Open == nil {
		return 0, nil
	}
	r, err := a.Open()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	body := io.LimitReader(r, limit+1)
	head := make([]byte, 512)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	// The type is what the bytes are, not what the sender says.
	f, err := g.Store.KeepFile(ctx, fileName(a.Name), sniff(head[:n]), io.MultiReader(bytes.NewReader(head[:n]), body), limit)
	if err != nil {
		return 0, err
	}
	return f.Size, g.Store.AttachFile(ctx, entry, f.ID)
}
