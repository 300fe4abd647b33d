package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/microcosm-cc/bluemonday"

	"rapport"
	"rapport/channels"
)

// maxIncomingFile bounds one attachment of a customer.
const maxIncomingFile = 25 << 20

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
		for i, a := range files {
			if i == 20 {
				break
			}
			if err := g.keepFile(ctx, entry, a); err != nil {
				g.Log.Warn("an attachment could not be fetched", "entry", rapport.KindEntry.Format(entry), "error", err)
			}
		}
	})
}

func (g *Gateway) keepFile(ctx context.Context, entry rapport.ID, a channels.Attachment) error {
	if a.Open == nil {
		return nil
	}
	r, err := a.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	body := io.LimitReader(r, maxIncomingFile+1)
	head := make([]byte, 512)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	name := path.Base(strings.ReplaceAll(a.Name, `\`, "/"))
	if name == "." || name == "/" || name == "" {
		name = "file"
	}
	// The type is what the bytes are, not what the sender says.
	f, err := g.Store.KeepFile(ctx, truncate(name, 200), http.DetectContentType(head[:n]), io.MultiReader(bytes.NewReader(head[:n]), body), maxIncomingFile)
	if err != nil {
		return err
	}
	return g.Store.AttachFile(ctx, entry, f.ID)
}
