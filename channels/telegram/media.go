package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"rapport/internal/httpx"
)

// fetch reads a file that a person sent: https://core.telegram.org/bots/api#getfile. The link that
// tgbotapi makes leads to api.telegram.org whatever api_url says, so the address is made here.
func (c *conn) fetch(id string) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*c.timeout) // Attachment.Open has no context to end with
	r, err := c.download(ctx, id)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("fetching a file from Telegram: %w", err)
	}
	return &fetched{r, cancel}, nil
}

func (c *conn) download(ctx context.Context, id string) (io.ReadCloser, error) {
	result, v := c.ask(ctx, c.timeout, "getFile", tg.Params{"file_id": id})
	if v != nil {
		return nil, v
	}
	var f struct {
		Path string `json:"file_path"`
	}
	if err := json.Unmarshal(result, &f); err != nil || f.Path == "" {
		return nil, fmt.Errorf("the answer names no file")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.api.JoinPath("file", "bot"+c.token, f.Path).String(), nil)
	if err != nil {
		return nil, httpx.Redact(err, c.token)
	}
	resp, err := c.http.Transport.RoundTrip(req)
	if err != nil {
		return nil, httpx.Redact(err, c.token)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return resp.Body, nil
}

type fetched struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (f *fetched) Close() error {
	defer f.cancel()
	return f.ReadCloser.Close()
}
