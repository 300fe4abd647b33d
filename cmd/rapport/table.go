package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// table is a CSV or NDJSON file on its way to the server.
type table struct {
	*os.File
	size        int64
	name        string
	contentType string
}

// openTable opens a file; format "" goes by the name's ending.
func openTable(path, format string) (*table, error) {
	if format == "" {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".csv", ".tsv":
			format = "csv"
		case ".ndjson", ".jsonl":
			format = "ndjson"
		default:
			return nil, fmt.Errorf("%s: neither .csv nor .ndjson; say --format csv or --format ndjson", path)
		}
	}
	contentType, ok := map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson"}[format]
	if !ok {
		return nil, fmt.Errorf("--format is csv or ndjson, not %q", format)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &table{File: f, size: info.Size(), name: filepath.Base(path), contentType: contentType}, nil
}

// form is the file with what the server needs to know about it, as multipart/form-data (RFC 7578), fields
// first, and its content type.
func (t *table) form(body io.Reader, fields map[string]string) (io.Reader, string, error) {
	var head, tail bytes.Buffer
	w := multipart.NewWriter(&head)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			return nil, "", err
		}
	}
	_, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {t.contentType},
		"Content-Disposition": {mime.FormatMediaType("form-data", map[string]string{"name": "file", "filename": t.name})}})
	if err != nil {
		return nil, "", err
	}
	fmt.Fprintf(&tail, "\r\n--%s--\r\n", w.Boundary())
	return io.MultiReader(&head, body, &tail), w.FormDataContentType(), nil
}

// asMapped tells, in a refusal that names columns, which name the mapping gave them.
func asMapped(err error, mapping map[string]string) error {
	r, ok := errors.AsType[*refused](err)
	if !ok {
		return err
	}
	text := r.text
	for column, field := range mapping {
		text = strings.ReplaceAll(text, "\n"+column+": ", fmt.Sprintf("\n%s (mapped to %q): ", column, field))
	}
	return &refused{r.status, text}
}

// bar is a progress bar for people; where nobody looks at a terminal it is silent.
func (c *cli) bar(total int64, what string, bytes bool) *progressbar.ProgressBar {
	to, visible := c.terminal()
	options := []progressbar.Option{
		progressbar.OptionSetWriter(to), progressbar.OptionSetVisibility(visible), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionFullWidth(), progressbar.OptionThrottle(65e6), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░", BarStart: " ", BarEnd: " "}),
	}
	if bytes {
		options = append(options, progressbar.OptionShowBytes(true))
	}
	return progressbar.NewOptions64(total, options...)
}

func (c *cli) terminal() (to io.Writer, ok bool) {
	f, ok := c.err.(*os.File)
	return c.err, ok && term.IsTerminal(int(f.Fd()))
}
