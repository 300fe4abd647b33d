package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jhillyerd/enmime/v2"
)

// wantReport is what stands beside a sample.
type wantReport struct {
	Kind         Kind         `json:"kind"`
	Bounces      []wantBounce `json:"bounces"`
	MessageIDs   []string     `json:"message_ids"`
	Tokens       []string     `json:"tokens"`
	FeedbackType string       `json:"feedback_type,omitempty"`
}

type wantBounce struct {
	Recipient string `json:"recipient"`
	Class     Class  `json:"class"`
	Status    string `json:"status"`
	Reason    string `json:"reason"`
	Original  string `json:"original,omitempty"`
}

func readRaw(t testing.TB, raw []byte) (Report, bool) {
	t.Helper()
	e, err := enmime.NewParser(enmime.SkipMalformedParts(true), enmime.MaxMIMEParts(1000)).ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return Read(e.Root, e.Text)
}

func TestRead_Samples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/reports/*.eml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".eml"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(strings.TrimSuffix(f, ".eml") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want wantReport
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			for name, raw := range map[string][]byte{"LF": raw, "CRLF": bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))} {
				r, ok := readRaw(t, raw)
				if !ok {
					t.Fatalf("%s: not known as a report", name)
				}
				got := wantReport{Kind: r.Kind, MessageIDs: r.MessageIDs, Tokens: r.Tokens, FeedbackType: r.FeedbackType}
				for _, b := range r.Bounces {
					got.Bounces = append(got.Bounces, wantBounce{b.Recipient, b.Class, b.Status, b.Reason, b.Original})
					if strings.Contains(b.Detail, "@") {
						t.Errorf("%s: the detail holds an address: %s", name, b.Detail)
					}
				}
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("%s (-want +got):\n%s\n%+v", name, d, r.Bounces)
				}
			}
		})
	}
}

func TestRead_LeavesOtherMailAlone(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/others/*")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if r, ok := readRaw(t, raw); ok {
				t.Errorf("taken for %+v", r)
			}
		})
	}
}

// A notice repeats the subject of our mail, which may say anything.
func TestRead_SubjectOfOurMailDecidesNothing(t *testing.T) {
	t.Parallel()
	for _, ours := range []string{"Your order is delayed", "Your vacation awaits", "Delivered: your parcel", "No spam", "Out of office chairs", "Fwd: Re: mailbox full", "(automatic reply)"} {
		for _, notice := range []string{"Undeliverable: ", "Undelivered Mail Returned to Sender: ", "Не удалось доставить: "} {
			header := map[string]string{"From": daemon["From"], "Return-Path": "<>", "Subject": notice + ours}
			words := "Your message did not reach the following recipient:\n\nanna@customers.example\n    550 User unknown\n\nSubject: " + ours + "\n"
			r, ok := Read(delivered(part("text/plain", words), header), "")
			if !ok || r.Kind != Bounced || len(r.Bounces) != 1 || r.Bounces[0].Reason != "hard_bounce" {
				t.Errorf("%s%s: %v %+v", notice, ours, ok, r)
			}
		}
	}
	for _, subject := range []string{"Automatic reply: Undelivered Mail Returned to Sender", "Out of office: could not be delivered"} {
		header := map[string]string{"From": daemon["From"], "Return-Path": "<>", "Subject": subject}
		if r, ok := Read(delivered(part("text/plain", "I am away. Your mail to anna@customers.example was not delivered."), header), ""); ok {
			t.Errorf("%s: %+v", subject, r)
		}
	}
}
