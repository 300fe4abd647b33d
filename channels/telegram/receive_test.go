package telegram

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/channels/telegram/telegramtest"
	"rapport/internal/httpx"
)

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func TestReceive_WhatAPersonDid(t *testing.T) {
	t.Parallel()
	fake := telegramtest.New(testToken)
	text := func(s string, more map[string]any) []byte {
		m := map[string]any{"message_id": 7, "date": 1_700_000_000}
		for k, v := range more {
			m[k] = v
		}
		return fake.Update("message", fake.Text(42, s, m))
	}
	date := time.Unix(1_700_000_000, 0).UTC()
	said := func(s string, change func(*channels.Incoming)) *channels.Update {
		m := &channels.Incoming{Channel: rapport.Telegram, From: "42", FromName: "Ilze Kalniņa", Locale: "lv", ProviderID: "42:7", Text: s}
		if change != nil {
			change(m)
		}
		return &channels.Update{At: date, Message: m}
	}
	raw := func(m *channels.Incoming) { m.Raw = []byte("kept") } // that there is one is compared, see below
	cases := []struct {
		name string
		body []byte
		want *channels.Update // nil: none
	}{
		{"a text", text("Да, спасибо 👍", nil), said("Да, спасибо 👍", nil)},
		{"an answer", text("Yes", map[string]any{"reply_to_message": map[string]any{"message_id": 5, "chat": map[string]any{"id": 42}}}),
			said("Yes", func(m *channels.Incoming) { m.InReplyTo = []string{"42:5"} })},
		{"a start", text("/start", nil), said("/start", func(m *channels.Incoming) { m.OptIn = true })},
		{"a start with a token", text("/start abc_DEF-123", nil), said("/start", func(m *channels.Incoming) { m.OptIn, m.Start = true, "abc_DEF-123" })},
		{"a stop", text("/stop", nil), said("/stop", func(m *channels.Incoming) { m.OptOut = true })},
		{"a stop in a group", text("/stop@fake_bot", nil), said("/stop@fake_bot", func(m *channels.Incoming) { m.OptOut = true })},
		{"a word that begins with stop", text("/stopwatch", nil), said("/stopwatch", nil)},
		{"a sticker", text("", map[string]any{"sticker": map[string]any{"emoji": "😀", "file_id": "s"}}), said("😀 (sticker)", nil)},
		{"a place", text("", map[string]any{"location": map[string]any{"latitude": 56.95, "longitude": 24.1}}), said("Location: 56.95, 24.1", nil)},
		{"a venue", text("", map[string]any{"location": map[string]any{"latitude": 56.95, "longitude": 24.1}, "venue": map[string]any{"title": "Café", "address": "Street 1"}}),
			said("Location: 56.95, 24.1, Café, Street 1", nil)},
		{"a poll", text("", map[string]any{"poll": map[string]any{"question": "Tea?"}}), said("Poll: Tea?", nil)},
		{"dice", text("", map[string]any{"dice": map[string]any{"emoji": "🎲", "value": 6}}), said("🎲 6", nil)},
		{"a poll with answers", text("", map[string]any{"poll": map[string]any{"question": "Tea?", "options": []any{map[string]any{"text": "Yes"}, map[string]any{"text": "No"}}}}), said("Poll: Tea?\n- Yes\n- No", nil)},
		{"a picture of an album", text("", map[string]any{"caption": "The blue one", "media_group_id": "13577"}), said("The blue one", func(m *channels.Incoming) { m.Album = "42:13577" })},
		{"an answer to a piece of ours", text("This one", map[string]any{"reply_to_message": map[string]any{"message_id": 5, "chat": map[string]any{"id": 42}}, "quote": map[string]any{"text": "blue or red", "position": 3}}),
			said("This one", func(m *channels.Incoming) { m.InReplyTo, m.Quoted = []string{"42:5"}, "blue or red" })},
		{"forwarded words are no command", text("/stop", map[string]any{"forward_origin": map[string]any{"type": "user", "sender_user": map[string]any{"id": 9, "first_name": "Anna"}}}), said("Forwarded from Anna:\n/stop", nil)},
		{"forwarded from somebody hidden", text("STOP", map[string]any{"forward_origin": map[string]any{"type": "hidden_user", "sender_user_name": "Boris"}}), said("Forwarded from Boris:\nSTOP", nil)},
		{"forwarded from a channel", text("News", map[string]any{"forward_origin": map[string]any{"type": "channel", "chat": map[string]any{"id": -9, "type": "channel", "title": "Fern"}}}), said("Forwarded from Fern:\nNews", nil)},
		{"forwarded from a group", text("News", map[string]any{"forward_origin": map[string]any{"type": "chat", "sender_chat": map[string]any{"id": -9, "type": "group", "title": "Friends"}}}), said("Forwarded from Friends:\nNews", nil)},
		{"in a group", fake.Update("message", fake.Text(-42, "Hi all", nil)), nil},
		{"a stop in somebody's group", fake.Update("message", fake.Text(-42, "/stop@fake_bot", nil)), nil},
		{"a button in a group", fake.Update("callback_query", fake.Press("q3", telegramtest.Message{Chat: -42, ID: 5, Method: "sendMessage", Text: "Tea?"}, "no")), nil},
		{"a pinned message", text("", map[string]any{"pinned_message": map[string]any{"message_id": 5}}), nil},
		{"a video chat", text("", map[string]any{"video_chat_started": map[string]any{}}), nil},
		{"a contact of somebody else", text("", map[string]any{"contact": map[string]any{"phone_number": "+37120000001", "first_name": "Anna", "user_id": 43}}), said("Contact: Anna, +37120000001", raw)},
		{"a contact of somebody without Telegram", text("", map[string]any{"contact": map[string]any{"phone_number": "+37120000001", "first_name": "Anna"}}), said("Contact: Anna, +37120000001", raw)},
		{"their own contact, forwarded", text("", map[string]any{"contact": map[string]any{"phone_number": "+37120000001", "first_name": "Ilze", "user_id": 42}, "forward_origin": map[string]any{"type": "hidden_user", "sender_user_name": "Boris"}}),
			said("Forwarded from Boris:\nContact: Ilze, +37120000001", raw)},
		{"their own contact, as a bot wrote it", text("", map[string]any{"contact": map[string]any{"phone_number": "+37120000001", "first_name": "Ilze", "user_id": 42}, "via_bot": map[string]any{"id": 9, "is_bot": true}}),
			said("Contact: Ilze, +37120000001", raw)},
		{"their own contact", text("", map[string]any{"contact": map[string]any{"phone_number": "37120000001", "first_name": "Ilze", "user_id": 42}}),
			said("Contact: Ilze, 37120000001", func(m *channels.Incoming) { m.OwnPhone = "37120000001"; raw(m) })},
		{"a story", text("", map[string]any{"story": map[string]any{"id": 3, "chat": map[string]any{"id": 9}}}), said("[unsupported: story]", raw)},
		{"paid media", text("", map[string]any{"paid_media": map[string]any{"star_count": 3}}), said("[unsupported: paid media]", raw)},
		{"something of tomorrow", text("", map[string]any{"hologram": map[string]any{"file_id": "h"}}), said("[unsupported: hologram]", raw)},
		{"an edited caption", fake.Update("edited_message", fake.Text(42, "", map[string]any{"message_id": 7, "date": 1_600_000_000, "edit_date": 1_700_000_000, "caption": "The red one", "media_group_id": "13577"})),
			said("The red one", func(m *channels.Incoming) { m.EditOf, m.Album = "42:7", "42:13577" })},
		{"another bot", text("beep", map[string]any{"from": map[string]any{"id": 9, "is_bot": true, "first_name": "R2"}}),
			said("beep", func(m *channels.Incoming) { m.FromName, m.Locale, m.Auto = "R2", "", channels.AutoReply })},
		{"somebody joined", text("", map[string]any{"new_chat_members": []any{}}), nil},
		{"the group moved", fake.Update("message", map[string]any{"message_id": 7, "date": 1_700_000_000, "chat": map[string]any{"id": -42, "type": "group"}, "migrate_to_chat_id": -1001234567890}),
			&channels.Update{At: date, Change: &channels.Change{Channel: rapport.Telegram, Address: "-42", MovedTo: "-1001234567890", Reason: "group_upgraded"}}},
		{"an edit", fake.Update("edited_message", fake.Text(42, "Yes!", map[string]any{"message_id": 7, "date": 1_600_000_000, "edit_date": 1_700_000_000})),
			said("Yes!", func(m *channels.Incoming) { m.EditOf = "42:7" })},
		{"blocked", fake.Update("my_chat_member", member(fake, 42, "kicked")), changed("42", true, "blocked", date)},
		{"unblocked", fake.Update("my_chat_member", member(fake, 42, "member")), changed("42", false, "unblocked", date)},
		{"thrown out of a group", fake.Update("my_chat_member", member(fake, -42, "left")), changed("-42", true, "kicked", date)},
		{"made administrator", fake.Update("my_chat_member", member(fake, -42, "administrator")), changed("-42", false, "unblocked", date)},
		{"a kind of tomorrow", fake.Update("telepathy", map[string]any{"thought": 1}), nil},
		{"a button under our message", fake.Update("callback_query", fake.Press("q1", telegramtest.Message{Chat: 42, ID: 5, Method: "sendMessage", Text: "Tea?",
			Keyboard: `{"inline_keyboard":[[{"text":"Да","callback_data":"yes"},{"text":"Нет","callback_data":"no"}]]}`}, "no")),
			&channels.Update{Message: &channels.Incoming{Channel: rapport.Telegram, From: "42", FromName: "Ilze", Locale: "lv", Text: "Нет", Button: "no", InReplyTo: []string{"42:5"}}}},
		{"a button under a message too old to be shown", fake.Update("callback_query", map[string]any{"id": "q2", "data": "yes", "from": map[string]any{"id": 42, "first_name": "Ilze"}}),
			&channels.Update{Message: &channels.Incoming{Channel: rapport.Telegram, From: "42", FromName: "Ilze", Text: "yes", Button: "yes"}}},
	}
	c := dialHook(t, "https://api.telegram.org")
	events := map[string]bool{}
	for _, k := range cases {
		updates, _, err := c.Receive(t.Context(), called(testHook, testSecret, k.body))
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if k.want == nil {
			if len(updates) != 0 {
				t.Errorf("%s: %+v, want nothing", k.name, updates)
			}
			continue
		}
		if len(updates) != 1 {
			t.Errorf("%s: %d updates", k.name, len(updates))
			continue
		}
		got := updates[0]
		if got.EventID == "" || events[got.EventID] {
			t.Errorf("%s: event id %q is empty or used", k.name, got.EventID)
		}
		events[got.EventID] = true
		got.EventID = ""
		if got.Message != nil && len(got.Message.Raw) > 0 {
			if !bytes.Contains(k.body, got.Message.Raw) {
				t.Errorf("%s: raw is %s", k.name, got.Message.Raw)
			}
			got.Message.Raw = []byte("kept")
		}
		if !reflect.DeepEqual(got, *k.want) {
			t.Errorf("%s:\ngot  %+v %+v %+v\nwant %+v %+v %+v", k.name, got, got.Message, got.Change, *k.want, k.want.Message, k.want.Change)
		}
	}
}

func member(fake *telegramtest.Fake, chat int64, status string) map[string]any {
	m := fake.Member(chat, status)
	m["date"] = 1_700_000_000
	return m
}

func changed(address string, off bool, reason string, at time.Time) *channels.Update {
	return &channels.Update{At: at, Change: &channels.Change{Channel: rapport.Telegram, Address: address, Off: off, Reason: reason}}
}

func TestReceive_AContactKeepsWhoseItIs(t *testing.T) {
	t.Parallel()
	fake := telegramtest.New(testToken)
	body := fake.Update("message", fake.Text(42, "", map[string]any{"contact": map[string]any{"phone_number": "+37120000001", "first_name": "Ilze", "user_id": 42}}))
	updates, _, err := dialHook(t, "https://api.telegram.org").Receive(t.Context(), called(testHook, testSecret, body))
	if err != nil || len(updates) != 1 {
		t.Fatal(updates, err)
	}
	m := updates[0].Message
	if m.Text != "Contact: Ilze, +37120000001" || !bytes.Contains(m.Raw, []byte(`"user_id":42`)) {
		t.Errorf("text %q, raw %s", m.Text, m.Raw)
	}
}

func TestReceive_OnlyTheHolderOfTheSecretIsHeard(t *testing.T) {
	t.Parallel()
	fake := telegramtest.New(testToken)
	body := fake.Update("message", fake.Text(42, "Hi", nil))
	c := dialHook(t, "https://api.telegram.org")
	for _, secret := range []string{"", "x", testSecret + "x", testSecret[:len(testSecret)-1], strings.ToUpper(testSecret), testToken} {
		if updates, _, err := c.Receive(t.Context(), called(testHook, secret, body)); !errors.Is(err, channels.ErrSignature) || updates != nil {
			t.Errorf("%q: %v, %v", secret, updates, err)
		}
	}
	cb := called(testHook, testSecret, body)
	cb.Method = http.MethodGet
	if _, _, err := c.Receive(t.Context(), cb); !errors.Is(err, channels.ErrMalformed) {
		t.Errorf("a GET: %v", err)
	}
}

func TestReceive_AnUnknownMembershipListsTheKnownOnes(t *testing.T) {
	t.Parallel()
	fake := telegramtest.New(testToken)
	_, _, err := dialHook(t, "https://api.telegram.org").Receive(t.Context(), called(testHook, testSecret, fake.Update("my_chat_member", fake.Member(42, "ascended"))))
	if !errors.Is(err, channels.ErrMalformed) || !strings.Contains(err.Error(), "ascended") || !strings.Contains(err.Error(), "kicked") {
		t.Errorf("error is %v", err)
	}
}

func TestReceive_TheReplyStopsTheButtonSpinning(t *testing.T) {
	t.Parallel()
	fake := telegramtest.New(testToken)
	c := dialHook(t, "https://api.telegram.org")
	_, reply, err := c.Receive(t.Context(), called(testHook, testSecret, fake.Update("callback_query", fake.Press("query-1", telegramtest.Message{Chat: 42, ID: 5}, "yes"))))
	if err != nil || reply.ContentType != "application/json" {
		t.Fatalf("%+v, %v", reply, err)
	}
	if err := fake.Reply(reply.Body); err != nil || len(fake.Answered()) != 1 || fake.Answered()[0] != "query-1" {
		t.Errorf("answered %v, %v", fake.Answered(), err)
	}
}

func TestReceive_FilesAreFetchedWhenAsked(t *testing.T) {
	t.Parallel()
	fake, base, stop := start(t)
	photo := bytes.Repeat([]byte("pixel"), 50_000)
	small, large := fake.AddFile("photos/small.jpg", []byte("s")), fake.AddFile("photos/large one.jpg", photo)
	huge, voice := fake.AddFile("documents/huge.zip", make([]byte, maxDownload+1)), fake.AddFile("voice/1.oga", []byte("Ogg"))
	files := func(more map[string]any) []channels.Attachment {
		t.Helper()
		updates, _, err := dialHook(t, base).Receive(t.Context(), called(testHook, testSecret, fake.Update("message", fake.Text(42, "", more))))
		if err != nil || len(updates) != 1 || len(updates[0].Message.Attachments) != 1 {
			t.Fatalf("%+v, %v", updates, err)
		}
		return updates[0].Message.Attachments
	}
	a := files(map[string]any{"caption": "Look", "photo": []any{map[string]any{"file_id": small, "file_size": 1}, map[string]any{"file_id": large, "file_size": len(photo)}}})[0]
	if a.Name != "photo.jpg" || a.ContentType != "image/jpeg" || a.Size != int64(len(photo)) {
		t.Errorf("the photo is %+v", a)
	}
	for range 2 { // Open may be called again
		r, err := a.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, photo) {
			t.Errorf("%d bytes of %d, %v", len(got), len(photo), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	unsorted := files(map[string]any{"photo": []any{map[string]any{"file_id": large, "width": 1280, "height": 960}, map[string]any{"file_id": small, "width": 90, "height": 67}}})[0]
	if r, err := unsorted.Open(); err != nil {
		t.Error(err)
	} else if got, err := io.ReadAll(r); r.Close() != nil || err != nil || !bytes.Equal(got, photo) {
		t.Errorf("the largest size is not the one taken: %d bytes, %v", len(got), err)
	}
	moving := files(map[string]any{"animation": map[string]any{"file_id": voice, "file_name": "wave.mp4", "mime_type": "video/mp4"}, "document": map[string]any{"file_id": voice, "file_name": "wave.mp4"}})[0]
	if moving.Name != "wave.mp4" || moving.ContentType != "video/mp4" {
		t.Errorf("the animation is %+v", moving)
	}
	if n := files(map[string]any{"video_note": map[string]any{"file_id": voice}})[0].Name; n != "video-note.mp4" {
		t.Errorf("the video note is called %q", n)
	}
	if n := files(map[string]any{"audio": map[string]any{"file_id": voice, "file_name": "song.mp3"}})[0].Name; n != "song.mp3" {
		t.Errorf("the song is called %q", n)
	}
	v := files(map[string]any{"voice": map[string]any{"file_id": voice, "mime_type": "audio/ogg", "file_size": 3}})[0]
	if v.Name != "voice.ogg" || v.ContentType != "audio/ogg" {
		t.Errorf("the voice message is %+v", v)
	}
	d := files(map[string]any{"document": map[string]any{"file_id": huge, "file_name": "huge.zip", "mime_type": "application/zip"}})[0]
	r, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, httpx.ErrBodyTooLarge) || n > maxDownload {
		t.Errorf("a file over the limit: %d bytes, %v", n, err)
	}
	if _, err := files(map[string]any{"video": map[string]any{"file_id": "gone"}})[0].Open(); err == nil {
		t.Error("a file that is gone was opened")
	}
	stop()
	if _, err := a.Open(); err == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("with Telegram down: %v", err)
	}
}

func TestPoll_NothingIsForgottenBeforeItIsStored(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	c := dial[*polling](t, settings(base))
	for i := range 250 {
		if err := fake.Push("message", fake.Text(int64(1+i), "Hi", nil)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	cursor := ""
	for i := 0; len(seen) < 250 && i < 20; i++ {
		updates, next, err := c.Poll(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			continue // we crash before the updates are stored, and ask again from the old cursor
		}
		for _, u := range updates {
			seen[u.EventID]++
		}
		cursor = next
	}
	if len(seen) != 250 {
		t.Fatalf("%d of 250 updates were stored", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("update %s was stored %d times", id, n)
		}
	}
}

func TestPoll_APressIsAnsweredOnceItIsStored(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	c := dial[*polling](t, settings(base))
	if err := fake.Push("callback_query", fake.Press("q1", telegramtest.Message{Chat: 42, ID: 5}, "yes")); err != nil {
		t.Fatal(err)
	}
	short := func(cursor string) ([]channels.Update, string) {
		t.Helper()
		ctx, cancel := contextWithin(t, 1500*time.Millisecond)
		defer cancel()
		updates, next, err := c.Poll(ctx, cursor)
		if err != nil {
			t.Fatal(err)
		}
		return updates, next
	}
	updates, next := short("")
	if len(updates) != 1 || updates[0].Message.Button != "yes" || len(fake.Answered()) != 0 {
		t.Fatalf("%+v, answered %v", updates, fake.Answered())
	}
	short("") // not stored: asked again
	if n := len(fake.Answered()); n != 0 {
		t.Errorf("answered %d times before it was stored", n)
	}
	short(next)
	short(next)
	if got := fake.Answered(); len(got) != 1 || got[0] != "q1" {
		t.Errorf("answered %v", got)
	}
}

func TestPoll_OnePollerAtATime(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t)
	first, second := dial[*polling](t, settings(base)), dial[*polling](t, settings(base))
	errs := make(chan error, 1)
	ctx, cancel := contextWithin(t, 20*time.Second)
	defer cancel()
	go func() {
		_, _, err := first.Poll(ctx, "")
		errs <- err
	}()
	for {
		short, done := contextWithin(t, 1100*time.Millisecond)
		_, _, _ = second.Poll(short, "")
		done()
		select {
		case err := <-errs:
			if err == nil || !strings.Contains(err.Error(), "another process polls with this token") {
				t.Errorf("error is %v", err)
			}
			return
		default:
			if ctx.Err() != nil {
				t.Fatal("the first poller was never told")
			}
		}
	}
}

func TestPoll_AnUpdateNobodyUnderstandsIsPassedOver(t *testing.T) {
	t.Parallel()
	fake, base, _ := start(t)
	c := dial[*polling](t, settings(base))
	for _, content := range []map[string]any{{"message_id": "seven"}, fake.Text(42, "Hi", nil)} {
		if err := fake.Push("message", content); err != nil {
			t.Fatal(err)
		}
	}
	updates, next, err := c.Poll(t.Context(), "")
	if err != nil || len(updates) != 1 || updates[0].Message.Text != "Hi" || next != "1003" {
		t.Errorf("%+v, cursor %q, %v", updates, next, err)
	}
	if _, _, err := c.Poll(t.Context(), "yesterday"); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

func TestPoll_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t)
	c := dial[*polling](t, settings(base))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	begin := time.Now()
	updates, next, err := c.Poll(ctx, "7")
	if err != nil || updates != nil || next != "7" || time.Since(begin) > 20*time.Second {
		t.Errorf("%v, %q, %v after %v", updates, next, err, time.Since(begin))
	}
}
