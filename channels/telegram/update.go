package telegram

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
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
		Quote    *struct {
			Text string `json:"text"`
		} `json:"quote"`
		Forwarded *origin         `json:"forward_origin"`
		ViaBot    json.RawMessage `json:"via_bot"`
		Group     string          `json:"media_group_id"`
		Text      string          `json:"text"`
		Caption   string          `json:"caption"`

		Photo     []file `json:"photo"`
		Document  *file  `json:"document"`
		Animation *file  `json:"animation"` // beside which Document stands, for old programs
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
			User  int64  `json:"user_id"`
		} `json:"contact"`
		Poll *struct {
			Question string `json:"question"`
			Options  []struct {
				Text string `json:"text"`
			} `json:"options"`
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
	// https://core.telegram.org/bots/api#messageorigin
	origin struct {
		User   *user  `json:"sender_user"`
		Hidden string `json:"sender_user_name"`
		Sender *chat  `json:"sender_chat"`
		Chat   *chat  `json:"chat"`
	}
	file struct {
		ID   string `json:"file_id"`
		Name string `json:"file_name"`
		Type string `json:"mime_type"`
		Size int64  `json:"file_size"`

		Width  int64 `json:"width"`
		Height int64 `json:"height"`
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
	if m.Chat.crowd() {
		return nil // people talk to each other there
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
	if m.Quote != nil {
		in.Quoted = m.Quote.Text
	}
	if m.Group != "" {
		in.Album = address(m.Chat.ID) + ":" + m.Group
	}
	if in.Text == "" && len(in.Attachments) == 0 {
		kind := unknown(raw)
		if kind == "" {
			return nil // a pinned message, a change of the chat: nothing was said
		}
		in.Text, in.Raw = "[unsupported: "+strings.ReplaceAll(kind, "_", " ")+"]", raw
	}
	if m.Contact != nil {
		in.Raw = raw // tells whether the contact is the person's own
		if m.From != nil && m.Contact.User != 0 && m.Contact.User == m.From.ID && m.Chat.ID == m.From.ID && m.Forwarded == nil && m.ViaBot == nil {
			in.OwnPhone = m.Contact.Phone
		}
	}
	if m.Forwarded != nil {
		// Somebody else's words: no command, whatever they say.
		in.Text = strings.TrimSpace("Forwarded" + m.Forwarded.from() + ":\n" + in.Text)
		into.Message = in
		return nil
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
	into.Message = in
	return nil
}

// crowd tells whether it is a group or a channel.
func (c *chat) crowd() bool { return c.Type != "" && c.Type != "private" }

// from is " from" and whose words they are, as far as Telegram tells.
func (o *origin) from() string {
	name := o.Hidden
	switch {
	case o.User != nil:
		name = o.User.name()
	case o.Sender != nil:
		name = o.Sender.Title
	case o.Chat != nil:
		name = o.Chat.Title
	}
	if name == "" {
		return ""
	}
	return " from " + name
}

// silent are the fields of a message that say nothing to us: those that every message may have, and those of service
// messages. https://core.telegram.org/bots/api#message
var silent = words(`message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot business_connection_id chat date edit_date
	forward_origin forward_from forward_from_chat forward_from_message_id forward_signature forward_sender_name forward_date is_topic_message is_automatic_forward
	reply_to_message reply_to_story reply_to_checklist_task_id external_reply quote via_bot has_protected_content is_from_offline is_paid_post media_group_id author_signature
	paid_star_count text entities link_preview_options suggested_post_info effect_id caption caption_entities show_caption_above_media has_media_spoiler reply_markup sender_tag
	new_chat_members new_chat_member new_chat_participant left_chat_member left_chat_participant chat_owner_left chat_owner_changed new_chat_title new_chat_photo delete_chat_photo
	group_chat_created supergroup_chat_created channel_chat_created message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id pinned_message
	users_shared user_shared chat_shared connected_website write_access_allowed passport_data proximity_alert_triggered boost_added chat_background_set checklist_tasks_done
	checklist_tasks_added direct_message_price_changed forum_topic_created forum_topic_edited forum_topic_closed forum_topic_reopened general_forum_topic_hidden
	general_forum_topic_unhidden giveaway_created giveaway_completed paid_message_price_changed suggested_post_approved suggested_post_approval_failed suggested_post_declined
	suggested_post_paid suggested_post_refunded video_chat_scheduled video_chat_started video_chat_ended video_chat_participants_invited voice_chat_scheduled voice_chat_started
	voice_chat_ended voice_chat_participants_invited`)

func words(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}

// unknown names what a message holds that we do not read; "": nothing, it is a service message.
func unknown(raw json.RawMessage) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := fields[name]; !silent[name] && string(value) != "null" && kindName.MatchString(name) {
			return name
		}
	}
	return ""
}

var kindName = regexp.MustCompile(`^[a-z][a-z_]{0,60}$`)

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
		text := "Poll: " + m.Poll.Question
		for _, o := range m.Poll.Options {
			text += "\n- " + o.Text
		}
		return text
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
	if len(m.Photo) > 0 {
		largest := slices.MaxFunc(m.Photo, func(a, b file) int {
			return cmp.Or(cmp.Compare(a.Width*a.Height, b.Width*b.Height), cmp.Compare(a.Size, b.Size))
		})
		add(&largest, "photo.jpg", "image/jpeg")
	}
	if m.Animation == nil {
		add(m.Document, "document", "application/octet-stream")
	}
	add(m.Animation, "animation.mp4", "video/mp4")
	add(m.Audio, "audio.mp3", "audio/mpeg")
	add(m.Video, "video.mp4", "video/mp4")
	add(m.VideoNote, "video-note.mp4", "video/mp4")
	add(m.Voice, "voice.ogg", "audio/ogg")
	return out
}

// pressed is the answer of a person who pressed a button under a message of ours.
func pressed(q *callbackQuery, into *channels.Update) {
	in := &channels.Incoming{Channel: rapport.Telegram, From: address(q.From.ID), FromName: q.From.name(), Locale: q.From.Language, Button: q.Data, Text: q.Data}
	if m := q.Message; m != nil && m.Chat.ID != 0 {
		if m.Chat.crowd() {
			return
		}
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
