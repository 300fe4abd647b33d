package telegramtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// values are a request's parameters, each given once.
type values url.Values

func (v values) Get(key string) string { return url.Values(v).Get(key) }
func (v values) Has(key string) bool   { return url.Values(v).Has(key) }

func (v values) only(known ...string) *refusal {
	for k, all := range v {
		if !slices.Contains(known, k) {
			return bad("unknown parameter %s", k)
		}
		if len(all) != 1 {
			return bad("parameter %s is given %d times", k, len(all))
		}
		if !utf8.ValidString(all[0]) {
			return bad("strings must be encoded in UTF-8")
		}
	}
	return nil
}

type upload struct {
	field, name string
	data        []byte
}

// parse reads a form, with at most one file. A multipart body that breaks off is an error.
func parse(r *http.Request) (values, *upload, error) {
	if r.URL.RawQuery != "" {
		return nil, nil, errors.New("the fake takes parameters in the body only")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/x-www-form-urlencoded":
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return nil, nil, err
		}
		form, err := url.ParseQuery(string(body))
		return values(form), nil, err
	case "multipart/form-data":
	default:
		return nil, nil, fmt.Errorf("the content type %q is none of the API's", kind)
	}
	mr, err := r.MultipartReader()
	if err != nil {
		return nil, nil, err
	}
	form, file := values{}, (*upload)(nil)
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			return form, file, nil
		}
		if err != nil {
			return nil, nil, err
		}
		data, err := io.ReadAll(io.LimitReader(part, 51<<20))
		if err != nil {
			return nil, nil, err
		}
		switch {
		case part.FileName() == "":
			form[part.FormName()] = append(form[part.FormName()], string(data))
		case file != nil:
			return nil, nil, errors.New("the fake takes one file")
		default:
			file = &upload{part.FormName(), part.FileName(), data}
		}
	}
}

// read checks a message as the API documents it.
func read(method string, form values, file *upload) (m Message, wrong *refusal) {
	text, field, limit := "text", "", 4096
	known := []string{"chat_id", "parse_mode", "reply_markup", "reply_parameters", "text"}
	if method != "sendMessage" {
		text, field, limit = "caption", strings.ToLower(strings.TrimPrefix(method, "send")), 1024
		known[len(known)-1] = "caption"
	}
	if r := form.only(known...); r != nil {
		return m, r
	}
	m = Message{Method: method, Text: form.Get(text), Keyboard: form.Get("reply_markup")}
	var err error
	if m.Chat, err = strconv.ParseInt(form.Get("chat_id"), 10, 64); err != nil || m.Chat == 0 {
		return m, bad("chat_id is empty or not a number")
	}
	switch {
	case method == "sendMessage" && file != nil, file != nil && file.field != field:
		return m, bad("unexpected file")
	case method != "sendMessage" && file == nil:
		return m, bad("there is no %s in the request", field)
	case file != nil && len(file.data) == 0:
		return m, bad("file must be non-empty")
	case file != nil && (len(file.data) > 50<<20 || field == "photo" && len(file.data) > 10<<20):
		return m, &refusal{413, "Request Entity Too Large"}
	case form.Has("parse_mode") && form.Get("parse_mode") != "HTML":
		return m, bad("unsupported parse_mode")
	}
	if file != nil {
		m.FileName, m.File = file.name, file.data
	}
	plain := m.Text
	if form.Get("parse_mode") == "HTML" {
		if plain, wrong = strip(m.Text); wrong != nil {
			return m, wrong
		}
	}
	switch n := len(utf16.Encode([]rune(plain))); {
	case strings.TrimSpace(plain) == "" && method == "sendMessage":
		return m, bad("message text is empty")
	case n > limit && method == "sendMessage":
		return m, bad("message is too long")
	case n > limit:
		return m, bad("message caption is too long")
	}
	if form.Has("reply_parameters") {
		var reply struct {
			ID    int64 `json:"message_id"`
			Allow bool  `json:"allow_sending_without_reply"`
		}
		if err := strict(form.Get("reply_parameters"), &reply); err != nil || reply.ID <= 0 {
			return m, bad("can't parse reply parameters")
		}
		m.ReplyTo = reply.ID
	}
	return m, keyboard(m.Chat, m.Keyboard)
}

func strict(s string, into any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// keyboard checks an inline keyboard (https://core.telegram.org/bots/api#inlinekeyboardbutton) or one of the person's
// (https://core.telegram.org/bots/api#replykeyboardmarkup).
func keyboard(chat int64, s string) *refusal {
	if s == "" {
		return nil
	}
	var reply struct {
		Rows [][]struct {
			Text    string `json:"text"`
			Contact bool   `json:"request_contact"`
		} `json:"keyboard"`
		Once   bool `json:"one_time_keyboard"`
		Resize bool `json:"resize_keyboard"`
	}
	if strict(s, &reply) == nil {
		for _, row := range reply.Rows {
			for _, b := range row {
				if b.Text == "" {
					return bad("can't parse keyboard button: text must be non-empty")
				}
				if b.Contact && chat < 0 {
					return bad("phone number can be requested in private chats only")
				}
			}
			if len(row) == 0 {
				return bad("a row of the keyboard is empty")
			}
		}
		if len(reply.Rows) == 0 {
			return bad("object expected as reply markup")
		}
		return nil
	}
	var k struct {
		Rows [][]struct {
			Text string `json:"text"`
			URL  string `json:"url"`
			Data string `json:"callback_data"`
		} `json:"inline_keyboard"`
	}
	if err := strict(s, &k); err != nil {
		return bad("can't parse reply keyboard markup JSON object")
	}
	count := 0
	for _, row := range k.Rows {
		if len(row) == 0 {
			return bad("a row of the inline keyboard is empty")
		}
		for _, b := range row {
			count++
			u, err := url.Parse(b.URL)
			switch {
			case b.Text == "":
				return bad("can't parse inline keyboard button: text must be non-empty")
			case (b.URL == "") == (b.Data == ""):
				return bad("can't parse inline keyboard button: exactly one action")
			case len(b.Data) > 64:
				return bad("BUTTON_DATA_INVALID")
			case b.URL != "" && (err != nil || u.Host == ""):
				return bad("BUTTON_URL_INVALID")
			}
		}
	}
	if count == 0 || count > 100 {
		return bad("REPLY_MARKUP_INVALID")
	}
	return nil
}

var (
	tag   = regexp.MustCompile(`<(/?)([a-zA-Z-]+)((?:\s+[a-z-]+(?:=(?:"[^"]*"|'[^']*'|[a-zA-Z0-9.-]+))?)*)\s*>`)
	names = []string{"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre", "blockquote"}
)

// strip takes Telegram's HTML out of s: https://core.telegram.org/bots/api#html-style
func strip(s string) (string, *refusal) {
	var plain strings.Builder
	var open []string
	for s != "" {
		at := tag.FindStringSubmatchIndex(s)
		text := s
		if at != nil {
			text = s[:at[0]]
		}
		if strings.Contains(text, "<") {
			return "", bad("can't parse entities: Unsupported start tag")
		}
		plain.WriteString(html.UnescapeString(text))
		if at == nil {
			break
		}
		closing, name, attributes := at[2] != at[3], strings.ToLower(s[at[4]:at[5]]), s[at[6]:at[7]]
		s = s[at[1]:]
		switch {
		case !slices.Contains(names, name):
			return "", bad("can't parse entities: Unsupported start tag %q", name)
		case name == "span" && !closing && !strings.Contains(attributes, "tg-spoiler"):
			return "", bad("can't parse entities: Tag \"span\" must have class \"tg-spoiler\"")
		case !closing:
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			return "", bad("can't parse entities: Unmatched end tag %q", name)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		return "", bad("can't parse entities: Can't find end tag corresponding to start tag %q", open[len(open)-1])
	}
	return plain.String(), nil
}
