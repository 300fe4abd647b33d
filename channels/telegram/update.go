package telegram

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rapport"
	"rapport/channels"
)

// The parts of https://core.telegram.org/bots/api#update that we read. tgbotapi's own types stand at
// Bot API 5 and cover everything; an update in which Telegram has since changed a field that we do not
// read would then be lost to us.
type (
	update struct {
		ID       int64           `json:"update_id"`
		Message  json.RawMessage `json:"message"`
		Edited   json.RawMessage `json:"edited_message"`
		Callback *callbackQuery  `json:"callback_query"`
		Member   *memberUpdate   `json:"my_chat_member"`
	}
	chat struct {
		ID    int64  `json:"id"`
		Type  string `json:"type"` // private, group, supergroup, channel
		Title string `json:"title"`
	}
	user struct {
		ID       int64  `json:"id"`
		Bot      bool   `json:"is_bot"`
		First    string `json:"first_name"`
		Last     string `json:"last_name"`
		Language string `json:"language_code"`
	}
	message struct {
		ID       int64    `json:"message_id"`
		From     *user    `json:"from"`
		Chat     chat     `json:"chat"`
		Date     int64    `json:"date"`
		EditDate int64    `json:"edit_date"`
		ReplyTo  *message `json:"reply_to_message"`
		Text     string   `json:"text"`
		Caption  string   `json:"caption"`

		Photo     []file `json:"photo"`
		Document  *file  `json:"document"`
		Audio     *file  `json:"audio"`
		Video     *file  `json:"video"`
		VideoNote *file  `json:"video_note"`
		Voice     *file  `json:"voice"`
		Sticker   *struct {
			Emoji string `json:"emoji"`
		} `json:"sticker"`
		Location *place `json:"location"`
		Venue    *struct {
			Title   string `json:"title"`
			Address string `json:"address"`
		} `json:"venue"`
		Contact *struct {
			Phone string `json:"phone_number"`
			First string `json:"first_name"`
			Last  string `json:"last_name"`
		} `json:"contact"`
		Poll *struct {
			Question string `json:"question"`
		} `json:"poll"`
		Dice *struct {
			Emoji string `json:"emoji"`
			Value int    `json:"value"`
		} `json:"dice"`

		Keyboard *struct {
			Rows [][]struct {
				Text string `json:"text"`
				Data string `json:"callback_data"`
			} `json:"inline_keyboard"`
		} `json:"reply_markup"`

		MigrateTo int64 `json:"migrate_to_chat_id"`
	}
	file struct {
		ID   string `json:"file_id"`
		Name string `json:"file_name"`
		Type string `json:"mime_type"`
		Size int64  `json:"file_size"`
	}
	place struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
	}
	callbackQuery struct {
		ID      string   `json:"id"`
		From    user     `json:"from"`
		Message *message `json:"message"`
		Data    string   `json:"data"`
	}
	memberUpdate struct {
		Chat chat  `json:"chat"`
		Date int64 `json:"date"`
		New  struct {
			Status string `json:"status"`
		} `json:"new_chat_member"`
	}
)

// memberships says for each word of https://core.telegram.org/bots/api#chatmember whether the bot can
// still write to the chat. In a private chat "kicked" means blocked.
var memberships = map[string]bool{
	"creator": true, "administrator": true, "member": true, "restricted": true, "left": false, "kicked": false,
}

// translate brings one update to ours. Kinds that we do not handle give none, and no error.
func (c *conn) translate(raw []byte) (u update, out []channels.Update, err error) {
	if err := json.Unmarshal(raw, &u); err != nil {
		return u, nil, fmt.Errorf("%w: not an update", channels.ErrMalformed)
	}
	if u.ID <= 0 {
		return u, nil, fmt.Errorf("%w: an update without update_id", channels.ErrMalformed)
	}
	one := channels.Update{EventID: strconv.FormatInt(u.ID, 10)}
	switch {
	case u.Message != nil:
		err = c.message(u.Message, &one)
	case u.Edited != nil:
		if err = c.message(u.Edited, &one); err == nil && one.Message != nil {
			one.Message.EditOf = one.Message.ProviderID
		}
	case u.Callback != nil:
		pressed(u.Callback, &one)
	case u.Member != nil:
		err = membership(u.Member, &one)
	}
	if err != nil || one.Message == nil && one.Change == nil {
		return u, nil, err
	}
	return u, []channels.Update{one}, nil
}

func (c *conn) message(raw json.RawMessage, into *channels.Update) error {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil || m.Chat.ID == 0 || m.ID == 0 {
		return fmt.Errorf("%w: not a message", channels.ErrMalformed)
	}
	into.At = at(max(m.Date, m.EditDate))
	if m.MigrateTo != 0 {
		into.Change = &channels.Change{Channel: rapport.Telegram, Address: address(m.Chat.ID), MovedTo: address(m.MigrateTo), Reason: "group_upgraded"}
		return nil
	}
	in := &channels.Incoming{
		Channel:     rapport.Telegram,
		From:        address(m.Chat.ID),
		FromName:    m.Chat.Title,
		ProviderID:  providerID(m.Chat.ID, m.ID),
		Text:        m.words(),
		Attachments: c.attachments(&m),
	}
	if m.From != nil {
		in.FromName, in.Locale = m.From.name(), m.From.Language
		if m.From.Bot {
			in.Auto = channels.AutoReply
		}
	}
	if m.ReplyTo != nil && m.ReplyTo.ID != 0 {
		in.InReplyTo = []string{providerID(m.Chat.ID, m.ReplyTo.ID)}
	}
	if m.Contact != nil {
		in.Raw = raw // tells whether the contact is the person's own
	}
	command, rest, _ := strings.Cut(m.Text, " ")
	command, _, _ = strings.Cut(command, "@") // in a group: /stop@name_of_bot
	switch command {
	case "/start":
		// https://core.telegram.org/bots/features#deep-linking. The payload may be a one-time token: not shown.
		in.Start, in.OptIn, in.Text = strings.TrimSpace(rest), true, command
	case "/stop":
		in.OptOut = true
	}
	if in.Text == "" && len(in.Attachments) == 0 {
		return nil // somebody joined, a title changed: nothing was said
	}
	into.Message = in
	return nil
}

// words is what a message says, in words also where it has none.
func (m *message) words() string {
	switch {
	case m.Text != "":
		return m.Text
	case m.Caption != "":
		return m.Caption
	case m.Sticker != nil:
		return strings.TrimSpace(m.Sticker.Emoji + " (sticker)")
	case m.Venue != nil && m.Location != nil:
		return "Location: " + m.Location.String() + ", " + m.Venue.Title + ", " + m.Venue.Address
	case m.Location != nil:
		return "Location: " + m.Location.String()
	case m.Contact != nil:
		return "Contact: " + strings.TrimSpace(m.Contact.First+" "+m.Contact.Last) + ", " + m.Contact.Phone
	case m.Poll != nil:
		return "Poll: " + m.Poll.Question
	case m.Dice != nil:
		return m.Dice.Emoji + " " + strconv.Itoa(m.Dice.Value)
	}
	return ""
}

// attachments lists the files of m, to be fetched when they are opened.
func (c *conn) attachments(m *message) []channels.Attachment {
	var out []channels.Attachment
	add := func(f *file, name, kind string) {
		if f == nil || f.ID == "" {
			return
		}
		if f.Name != "" {
			name = f.Name
		}
		if f.Type != "" {
			kind = f.Type
		}
		id := f.ID
		out = append(out, channels.Attachment{Name: name, ContentType: kind, Size: f.Size,
			Open: func() (io.ReadCloser, error) { return c.fetch(id) }})
	}
	if n := len(m.Photo); n > 0 {
		add(&m.Photo[n-1], "photo.jpg", "image/jpeg") // sizes ascend
	}
	add(m.Document, "document", "application/octet-stream")
	add(m.Audio, "audio.mp3", "audio/mpeg")
	add(m.Video, "video.mp4", "video/mp4")
	add(m.VideoNote, "video.mp4", "video/mp4")
	add(m.Voice, "voice.ogg", "audio/ogg")
	return out
}

// pressed is the answer of a person who pressed a button under a message of ours.
func pressed(q *callbackQuery, into *channels.Update) {
	in := &channels.Incoming{Channel: rapport.Telegram, From: address(q.From.ID), FromName: q.From.name(), Locale: q.From.Language, Button: q.Data, Text: q.Data}
	if m := q.Message; m != nil && m.Chat.ID != 0 {
		in.From = address(m.Chat.ID)
		in.InReplyTo = []string{providerID(m.Chat.ID, m.ID)}
		if m.Keyboard != nil {
			for _, row := range m.Keyboard.Rows {
				for _, b := range row {
					if b.Data == q.Data && b.Data != "" {
						in.Text = b.Text
					}
				}
			}
		}
	}
	if q.From.ID == 0 || q.Data == "" {
		return // a game, which we do not send
	}
	into.Message = in
}

func membership(m *memberUpdate, into *channels.Update) error {
	reachable, ok := memberships[m.New.Status]
	if !ok {
		return channels.UnknownWord("telegram", m.New.Status, slices.Sorted(maps.Keys(memberships)))
	}
	if m.Chat.ID == 0 {
		return fmt.Errorf("%w: a membership without chat", channels.ErrMalformed)
	}
	into.At = at(m.Date)
	into.Change = &channels.Change{Channel: rapport.Telegram, Address: address(m.Chat.ID), Off: !reachable, Reason: "unblocked"}
	switch {
	case !reachable && m.Chat.Type == "private":
		into.Change.Reason = "blocked"
	case !reachable:
		into.Change.Reason = "kicked"
	}
	return nil
}

func (u *user) name() string { return strings.TrimSpace(u.First + " " + u.Last) }

func (p *place) String() string {
	return strconv.FormatFloat(p.Latitude, 'f', -1, 64) + ", " + strconv.FormatFloat(p.Longitude, 'f', -1, 64)
}

func address(chat int64) string { return strconv.FormatInt(chat, 10) }

func at(unix int64) time.Time {
	if unix <= 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}
