package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"rapport/channels/email/incoming"
	"rapport/channels/email/incoming/report"
)

func (c *cli) mailCommand() *cobra.Command {
	return family(&cobra.Command{
		Use:     "mail",
		Short:   "See what Rapport makes of mails that came in",
		Example: "  rapport mail inspect astray.eml",
	}, c.mailInspect())
}

func (c *cli) mailInspect() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Print what Rapport makes of mails, one JSON line each",
		Long: `Each FILE is a mail as it came (.eml), or an mbox of several; - reads standard input. Nothing is sent or stored: neither a server
nor a configuration is needed.

kind is reply, bounce, complaint, auto_reply, challenge, or other for a mail that answers nothing. message_ids are the mails that a
bounce or complaint is about, of others those that they refer to. text, quoted and signature hold the body, as a thread shows it. A file
that is no mail is told on standard error, the others are printed, and the exit code is 1.`,
		Example: `  rapport mail inspect astray.eml
  rapport mail inspect ~/Mail/new/* | jq -r 'select(.kind == "bounce") | .bounces[].recipient'
  ssh mx cat /var/mail/news | rapport mail inspect -`,
		Args: cobra.MinimumNArgs(1),
	}
	authserv := cmd.Flags().String("authserv-id", "", "name of the server whose Authentication-Results are believed")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		failed := false
		out := json.NewEncoder(c.out)
		out.SetEscapeHTML(false)
		for _, file := range args {
			err := eachMail(file, func(name string, raw []byte) error {
				m, err := incoming.Read(raw)
				if err != nil {
					failed = true
					fmt.Fprintf(c.err, "rapport: %s: %v\n", name, err)
					return nil
				}
				return out.Encode(inspect(name, m, *authserv))
			})
			if err != nil {
				failed = true
				fmt.Fprintf(c.err, "rapport: %v\n", err)
			}
		}
		if failed {
			return errQuiet
		}
		return nil
	}
	return cmd
}

// inspected is a line of mail inspect.
type inspected struct {
	File        string            `json:"file"`
	Kind        incoming.Kind     `json:"kind"`
	From        string            `json:"from"`
	Subject     string            `json:"subject"`
	MessageIDs  []string          `json:"message_ids"`
	Text        string            `json:"text"`
	Quoted      string            `json:"quoted"`
	Signature   string            `json:"signature"`
	Bounces     []inspectedBounce `json:"bounces"`
	FromName    string            `json:"from_name"`
	MessageID   string            `json:"message_id"`
	To          []string          `json:"to"`
	Tokens      []string          `json:"tokens"`
	Checks      map[string]string `json:"checks"`
	Attachments []inspectedFile   `json:"attachments"`
	Hops        int               `json:"hops"`
	NoAnswer    bool              `json:"no_answer"`
}

type inspectedBounce struct {
	Recipient string       `json:"recipient"`
	Action    string       `json:"action"`
	Class     report.Class `json:"class"`
	Status    string       `json:"status"`
	Reason    string       `json:"reason"`
	Detail    string       `json:"detail"`
	Original  string       `json:"original,omitempty"`
}

// actions are what became of the mail, in the words of RFC 3464 §2.3.3, and one of ours.
var actions = map[report.Kind]string{report.Bounced: "failed", report.Delayed: "delayed", report.Delivered: "delivered", report.Complained: "complained"}

type inspectedFile struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`
	ContentID   string `json:"content_id,omitempty"`
}

func inspect(file string, m *incoming.Mail, authserv string) inspected {
	i := inspected{File: file, Kind: m.Kind, From: m.From.Address, FromName: m.From.Name, Subject: m.Subject, Text: m.Text, Quoted: m.Quoted, Signature: m.Signature,
		MessageIDs: append([]string{}, m.About()...), Bounces: []inspectedBounce{}, MessageID: m.MessageID, To: append([]string{}, m.Recipients...),
		Tokens: append(append([]string{}, m.Tokens...), m.BounceTokens...), Checks: map[string]string{}, Attachments: []inspectedFile{}, Hops: m.Hops, NoAnswer: m.NoAnswer}
	maps.Copy(i.Checks, m.ChecksBy(authserv))
	if m.Report != nil {
		for _, b := range m.Report.Bounces {
			i.Bounces = append(i.Bounces, inspectedBounce{Recipient: b.Recipient, Action: actions[m.Report.Kind], Class: b.Class, Status: b.Status, Reason: b.Reason, Detail: b.Detail, Original: b.Original})
		}
		for _, t := range m.Report.Tokens {
			if !slices.Contains(i.Tokens, t) {
				i.Tokens = append(i.Tokens, t)
			}
		}
	}
	for _, a := range m.Attachments {
		i.Attachments = append(i.Attachments, inspectedFile{Name: a.Name, ContentType: a.ContentType, Size: a.Size, ContentID: a.ContentID})
	}
	return i
}

// eachMail hands over the mails of a file, which is one mail or an mbox; - is standard input. Those of an mbox of several
// are named file#1, file#2 and so on. No more than one mail is held at a time, and none is read further than it takes to see that it is
// too large.
func eachMail(file string, do func(name string, raw []byte) error) error {
	var in io.Reader = os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	r := bufio.NewReaderSize(in, 64<<10)
	if start, _ := r.Peek(5); string(start) != "From " {
		raw, err := io.ReadAll(io.LimitReader(r, incoming.MaxSize+1))
		if err != nil {
			return fmt.Errorf("%s: %w", file, plainError(err))
		}
		return do(file, raw)
	}
	var raw []byte
	n, blank := 0, true // an mbox has an empty line before each "From "
	for {
		line, err := r.ReadSlice('\n')
		if blank && postmark.Match(line) {
			if n++; n > 1 {
				if err := do(fmt.Sprintf("%s#%d", file, n-1), raw); err != nil {
					return err
				}
			}
			raw = nil
		} else if len(raw) <= incoming.MaxSize {
			if quoted := bytes.TrimLeft(line, ">"); len(quoted) < len(line) && bytes.HasPrefix(quoted, []byte("From ")) && (blank || bytes.HasSuffix(raw, []byte("\n"))) {
				line = line[1:]
			}
			raw = append(raw, line...)
		}
		blank = len(bytes.TrimRight(line, "\r\n")) == 0
		if err == io.EOF && n <= 1 {
			return do(file, raw)
		}
		if err == io.EOF {
			return do(fmt.Sprintf("%s#%d", file, n), raw)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("%s: %w", file, plainError(err))
		}
	}
}

// postmark is the line that begins a mail in an mbox: From, who, when.
var postmark = regexp.MustCompile(`^From .*\b\d{1,2}:\d\d`)

// plainError is an error of a file without the file's name, which stands before it already.
func plainError(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
