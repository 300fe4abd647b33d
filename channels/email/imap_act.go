package email

import (
	"errors"
	"slices"

	"github.com/emersion/go-imap/v2"
)

// act does with mails what after asks for, once the cursor says that they are stored. What a crash has left undone is done
// after the next start, since nothing but the cursor is needed for it.
func (m *mailbox) act(s *imapSession, at imapCursor) error {
	if m.after == "leave" {
		return nil
	}
	for _, folder := range m.folders {
		pos, known := at[folder]
		if !known || pos.First >= pos.Next || m.acted[folder] >= pos.Next || m.missing[folder] {
			continue
		}
		err := m.actOn(s, folder, pos)
		if refused, ok := errors.AsType[*imap.Error](err); ok && refused.Type == imap.StatusResponseTypeNo {
			m.in.env.Log.Warn("mails that were taken could not be marked or moved", "folder", folder, "answer", refused.Text)
			err = nil
		}
		if err != nil {
			return err
		}
		m.acted[folder] = pos.Next
	}
	return nil
}

func (m *mailbox) actOn(s *imapSession, folder string, pos position) error {
	is, err := s.sel(folder, false)
	if err != nil || is.validity != pos.Validity {
		return err
	}
	var taken imap.UIDSet
	taken.AddRange(max(pos.First, m.acted[folder]), pos.Next-1)
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{taken}}
	if m.after == "seen" {
		criteria.NotFlag = []imap.Flag{imap.FlagSeen}
	}
	uids, err := s.search(criteria)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(uids, 500) { // a command line has its limits
		set := imap.UIDSetNum(some...)
		if m.after == "seen" {
			err = s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
		} else {
			_, err = s.client.Move(set, m.moveTo).Wait()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
