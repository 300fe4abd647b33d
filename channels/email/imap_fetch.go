package email

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// imapMail is one mail as fetched.
type imapMail struct {
	uid   imap.UID
	date  time.Time // when it came into the folder
	size  int64
	large bool // raw is its header
	skip  bool
	raw   []byte
}

// fetch reads mails in the order of their UIDs, as many as fit into budget, at least one; next is the UID to go on with.
// Those that wanted refuses come without content, those that are gone not at all.
func (s *imapSession) fetch(uids []imap.UID, limit, budget int64, wanted func(imapMail) bool) (mails []imapMail, next imap.UID, err error) {
	infos, err := s.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true}).Collect()
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(infos, func(a, b *imapclient.FetchMessageBuffer) int { return cmp.Compare(a.UID, b.UID) })
	next = uids[len(uids)-1] + 1
	var full, heads imap.UIDSet
	index := map[imap.UID]int{}
	for _, i := range infos {
		x := imapMail{uid: i.UID, date: i.InternalDate, size: i.RFC822Size, large: i.RFC822Size > limit}
		if !slices.Contains(uids, x.uid) {
			continue // news about another one
		}
		x.skip = !wanted(x)
		if !x.skip && !x.large {
			if budget -= x.size; budget < 0 && len(mails) > 0 {
				next = x.uid
				break
			}
			full.AddNum(x.uid)
		} else if !x.skip {
			heads.AddNum(x.uid)
		}
		index[x.uid] = len(mails)
		mails = append(mails, x)
	}
	err = s.bodies(full, imap.PartSpecifierNone, limit, mails, index)
	if err == nil {
		err = s.bodies(heads, imap.PartSpecifierHeader, maxHead, mails, index)
	}
	return slices.DeleteFunc(mails, func(x imapMail) bool { return !x.skip && x.raw == nil }), next, err
}

// whole reads a literal to its end, and keeps limit of it. A connection that breaks within looks like an end.
func whole(lit imap.LiteralReader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(lit, limit))
	n := int64(len(b))
	if err == nil && n == limit {
		var more int64
		more, err = io.Copy(io.Discard, lit)
		n += more
	}
	if err == nil && n != lit.Size() {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// bodies reads a section of each mail of a set. What is longer than limit, whatever the server said before, is cut off.
func (s *imapSession) bodies(set imap.UIDSet, part imap.PartSpecifier, limit int64, mails []imapMail, index map[imap.UID]int) error {
	if len(set) == 0 {
		return nil
	}
	cmd := s.client.Fetch(set, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Specifier: part, Peek: true}}})
	for msg := cmd.Next(); msg != nil; msg = cmd.Next() {
		var uid imap.UID
		var raw []byte
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = item.UID
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				b, err := whole(item.Literal, limit)
				if err != nil { // go-imap reads on by itself now: cmd must not be touched any more
					s.hangUp()
					return err
				}
				raw = b
			}
		}
		if i, ok := index[uid]; ok && raw != nil {
			mails[i].raw = raw
		}
	}
	return cmd.Close()
}

// headOnly makes of a mail that is too large one that says so: with its header, as far as that is not about the body.
func headOnly(x imapMail, folder string, limit int64) []byte {
	var b bytes.Buffer
	skip := false
	for line := range bytes.Lines(x.raw) {
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := bytes.Cut(line, []byte(":"))
			n := strings.ToLower(string(name))
			skip = strings.HasPrefix(n, "content-") || n == "mime-version"
		}
		if !skip {
			b.Write(bytes.TrimRight(line, "\r\n"))
			b.WriteString("\r\n")
		}
	}
	fmt.Fprintf(&b, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+
		"This mail is %d MiB large. Mails of more than %d MiB are not fetched; it is in the folder %q of the mailbox.\r\n", x.size>>20, limit>>20, folder)
	return b.Bytes()
}
