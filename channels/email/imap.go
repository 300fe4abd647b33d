package email

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"rapport/channels"
)

const (
	pollFor   = 28 * time.Second // one Poll waits at most so long; a new IDLE each time keeps the connection alive
	pollEvery = 10 * time.Second // where the server knows no IDLE
	pollLimit = 5 * time.Minute  // for a Poll that has mails to fetch
	pageMails = 50               // mails a Poll
	pageBytes = 32 << 20         // and bytes, unless it is one mail
	maxHead   = 256 << 10        // of a mail whose header is all that is fetched
)

// mailbox takes mail in by IMAP (RFC 3501, RFC 9051): it reads folders from where the cursor stands, and waits in IDLE
// (RFC 2177) for more. Nothing but the setting after changes the mailbox; reading leaves no mark.
type mailbox struct {
	in      *inbound
	access  imapAccess
	folders []string
	since   int    // days, for the first start
	after   string // leave, seen, move
	moveTo  string
	life    context.Context // ends with Close
	end     context.CancelFunc

	mu      sync.Mutex // one Poll at a time
	session *imapSession
	acted   map[string]imap.UID // what lies before has been marked or moved; from the cursor after a start
	missing map[string]bool     // folders that were complained about
	fails   int
	retry   time.Time
}

// readMailbox returns nil where no IMAP is configured.
func readMailbox(r *channels.Reader, in *inbound) *mailbox {
	if !r.Has("inbound.imap") {
		return nil
	}
	m := &mailbox{in: in, access: readIMAPAccess(r, in.env), acted: map[string]imap.UID{}, missing: map[string]bool{}}
	m.folders = r.Strings("inbound.imap.folders")
	if len(m.folders) == 0 {
		m.folders = []string{"INBOX"}
	}
	m.since = r.Int("inbound.imap.since", 0, 0, 3650)
	m.after = r.OneOf("inbound.imap.after", "seen", "leave", "seen", "move")
	m.moveTo = r.String("inbound.imap.move_to", "")
	if (m.after == "move") != (m.moveTo != "") {
		r.Fail("inbound.imap.move_to", "and after: move go together")
	}
	seen := map[string]bool{}
	for _, f := range m.folders {
		if f == "" || len(f) > 500 || unsafe(f) || seen[f] || f == m.moveTo {
			r.Fail("inbound.imap.folders", "must be names of different folders, move_to not among them")
			break
		}
		seen[f] = true
	}
	m.life, m.end = context.WithCancel(context.Background())
	return m
}

// Poll returns what has come into the folders since cursor, at most a page; while there is nothing it waits. A kept
// connection that has died is replaced once without a word; one that cannot be made is tried less and less often.
func (m *mailbox) Poll(ctx context.Context, cursor string) ([]channels.Update, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked, quit := context.WithCancel(ctx)
	defer quit()
	defer context.AfterFunc(m.life, quit)()
	ctx, cancel := context.WithTimeout(asked, pollLimit)
	defer cancel()

	if wait := time.Until(m.retry); wait > 0 {
		if sleep(ctx, min(wait, pollFor)); time.Now().Before(m.retry) || ctx.Err() != nil {
			return nil, cursor, nil
		}
	}
	kept := m.session != nil
	updates, next, err := m.turn(ctx, cursor)
	if err != nil && kept && ctx.Err() == nil {
		updates, next, err = m.turn(ctx, cursor)
	}
	switch {
	case err == nil:
		m.fails, m.retry = 0, time.Time{}
		return updates, next, nil
	case asked.Err() != nil:
		return nil, cursor, nil
	}
	m.fails++
	m.retry = time.Now().Add(rest(m.fails, err))
	return nil, cursor, fmt.Errorf("reading mail by IMAP: %w", err)
}

// rest grows from a second to five minutes; servers lock out who repeats a wrong password.
func rest(fails int, err error) time.Duration {
	d := min(time.Second<<min(fails-1, 20), 5*time.Minute)
	if v, ok := errors.AsType[*channels.Verdict](err); ok && v.Kind == channels.Misconfigured {
		d = max(d, 30*time.Second)
	}
	return d
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// turn is a Poll over one connection, which is closed if it fails, or if ctx ends: nothing else wakes go-imap.
func (m *mailbox) turn(ctx context.Context, cursor string) (updates []channels.Update, next string, err error) {
	defer func() {
		if err != nil || ctx.Err() != nil {
			m.hangUp()
		}
	}()
	if m.session == nil {
		if m.session, err = m.access.open(ctx); err != nil {
			return nil, cursor, err
		}
	}
	s := m.session
	defer context.AfterFunc(ctx, s.hangUp)()
	for end := time.Now().Add(pollFor); ; {
		at := readCursor(cursor)
		if err := m.act(s, at); err != nil {
			return nil, cursor, err
		}
		before := maps.Clone(at)
		updates, err := m.collect(s, at)
		if err != nil {
			return nil, cursor, err
		}
		if !maps.Equal(before, at) {
			return updates, at.String(), nil
		}
		more, err := m.wait(ctx, s, end)
		if err != nil || !more {
			return nil, cursor, err
		}
	}
}

func (m *mailbox) hangUp() {
	if m.session != nil {
		m.session.hangUp()
		m.session = nil
	}
}

func (m *mailbox) close() {
	m.end()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hangUp()
}

// collect reads a page, and moves at behind it.
func (m *mailbox) collect(s *imapSession, at imapCursor) (updates []channels.Update, err error) {
	room := page{mails: pageMails, bytes: pageBytes}
	seen := 0
	for _, folder := range m.folders {
		if room.mails == 0 {
			seen++ // in the next page
			continue
		}
		state, err := s.look(folder, at[folder], m.after == "leave")
		if refused, ok := errors.AsType[*imap.Error](err); ok && refused.Type == imap.StatusResponseTypeNo {
			if !m.missing[folder] {
				m.missing[folder] = true
				m.in.env.Log.Warn("a folder cannot be opened", "folder", folder, "answer", refused.Text)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		seen++
		m.missing[folder] = false
		if state == nil {
			continue
		}
		some, err := m.read(s, folder, *state, at, &room)
		if err != nil {
			return nil, err
		}
		updates = append(updates, some...)
	}
	if seen == 0 {
		return nil, &channels.Verdict{Kind: channels.Misconfigured, Reason: "imap_folder", Detail: "none of the folders can be opened"}
	}
	return updates, nil
}

// page is what one Poll may still take.
type page struct {
	mails int
	bytes int64
}

// read takes the mails of the selected folder from where at stands.
func (m *mailbox) read(s *imapSession, folder string, is imapState, at imapCursor, room *page) ([]channels.Update, error) {
	pos, known := at[folder]
	if !known || pos.Validity != is.validity {
		if known {
			m.in.env.Log.Warn("a folder was made anew; what came since the first start is read again", "folder", folder)
		} else {
			pos.Since = m.in.env.Now().AddDate(0, 0, -m.since).Unix()
		}
		pos.Validity, pos.Old, pos.Next = is.validity, is.next, is.next
		if known || m.since > 0 {
			// The server compares days of its own zone.
			found, err := s.search(&imap.SearchCriteria{Since: time.Unix(pos.Since, 0).AddDate(0, 0, -1)})
			if err != nil {
				return nil, err
			}
			if len(found) > 0 {
				pos.Next = slices.Min(found)
			}
		}
		pos.First = pos.Next
		at[folder], m.acted[folder] = pos, 0
	}
	var onward imap.UIDSet
	onward.AddRange(pos.Next, 0) // up to *, which is the last mail even if that is before Next
	uids, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{onward}})
	if err != nil {
		return nil, err
	}
	uids = slices.DeleteFunc(uids, func(u imap.UID) bool { return u < pos.Next })
	slices.Sort(uids)
	uids = uids[:min(len(uids), room.mails)]
	if len(uids) == 0 {
		return nil, nil
	}
	mails, next, err := s.fetch(uids, m.in.maxSize, room.bytes, func(x imapMail) bool {
		return x.uid >= pos.Old || x.date.Unix() >= pos.Since
	})
	if err != nil {
		return nil, err
	}
	var updates []channels.Update
	for _, x := range mails {
		room.mails--
		room.bytes -= int64(len(x.raw))
		switch {
		case x.skip:
		case x.large:
			updates = append(updates, m.in.updates(headOnly(x, folder, m.in.maxSize))...)
		default:
			updates = append(updates, m.in.updates(x.raw)...)
		}
	}
	pos.Next = next
	at[folder] = pos
	return updates, nil
}

// wait returns true when there may be something new, false when end has come.
func (m *mailbox) wait(ctx context.Context, s *imapSession, end time.Time) (more bool, err error) {
	if !s.client.Caps().Has(imap.CapIdle) {
		if sleep(ctx, min(pollEvery, time.Until(end))); ctx.Err() != nil {
			return false, nil
		}
		return time.Now().Before(end), s.client.Noop().Wait()
	}
	if _, err := s.sel(m.watched(), m.after == "leave"); err != nil {
		return false, err
	}
	idle, err := s.client.Idle()
	if err != nil {
		return false, err
	}
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	select {
	case <-s.news:
		more = true
	case <-timer.C:
	case <-ctx.Done():
	case <-s.client.Closed():
	}
	if err := idle.Close(); err != nil {
		return false, err
	}
	late := time.AfterFunc(30*time.Second, s.hangUp)
	defer late.Stop()
	return more, idle.Wait()
}

// watched is the folder that IDLE looks at: the first that can be opened.
func (m *mailbox) watched() string {
	for _, f := range m.folders {
		if !m.missing[f] {
			return f
		}
	}
	return m.folders[0]
}

// check logs in over a connection of its own and looks at the folders.
func (m *mailbox) check(ctx context.Context) error {
	s, err := m.access.open(ctx)
	if err != nil {
		return err
	}
	defer s.hangUp()
	defer context.AfterFunc(ctx, s.hangUp)()
	folders := m.folders
	if m.moveTo != "" {
		folders = append(slices.Clone(folders), m.moveTo)
		if caps := s.client.Caps(); !caps.Has(imap.CapMove) && !caps.Has(imap.CapUIDPlus) {
			return &channels.Verdict{Kind: channels.Misconfigured, Reason: "imap_move", Detail: "the server can neither MOVE nor UIDPLUS; use after: seen"}
		}
	}
	for _, f := range folders {
		if _, err := s.status(f); err != nil {
			if _, ok := errors.AsType[*imap.Error](err); ok {
				return &channels.Verdict{Kind: channels.Misconfigured, Reason: "imap_folder", Detail: fmt.Sprintf("the folder %q cannot be opened", f), Err: err}
			}
			return &channels.Verdict{Kind: channels.Temporary, Reason: "imap_unreachable", Err: err}
		}
	}
	_ = s.client.Logout().Wait()
	return nil
}
