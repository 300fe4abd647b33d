package email

import (
	"encoding/json"

	"github.com/emersion/go-imap/v2"
)

// imapCursor is how far each folder has been read. It is stored with what was read, so it alone says what is still to do.
type imapCursor map[string]position

// position is a place in one folder.
type position struct {
	Validity uint32   `json:"uidvalidity"` // what follows holds only while the folder has this
	Next     imap.UID `json:"uidnext"`     // all before is stored
	First    imap.UID `json:"first"`       // where we began: what lies before is not ours to mark or move
	Since    int64    `json:"since"`       // Unix seconds: mails that came into the mailbox before are not wanted,
	Old      imap.UID `json:"old"`         // as long as their UIDs are below this
}

// readCursor reads a cursor. What is none (another driver's, of an entry of the same name) is the beginning.
func readCursor(s string) imapCursor {
	c := imapCursor{}
	if len(s) > 64<<10 || json.Unmarshal([]byte(s), &c) != nil || c == nil {
		return imapCursor{}
	}
	for folder, p := range c {
		if p.Validity == 0 || p.Next == 0 || p.First == 0 || p.First > p.Next {
			delete(c, folder)
		}
	}
	return c
}

func (c imapCursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers under texts
	}
	return string(b)
}
