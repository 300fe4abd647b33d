package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testMails = "../../channels/email/incoming/testdata/"

// inspectLines runs mail inspect and decodes its lines.
func inspectLines(t *testing.T, code int, args ...string) (lines []inspected, errs string) {
	t.Helper()
	out, errs, got := newShell(t).run(append([]string{"mail", "inspect"}, args...)...)
	if got != code {
		t.Fatalf("exit code %d, want %d: %s", got, code, errs)
	}
	for l := range strings.Lines(out) {
		var i inspected
		if err := json.Unmarshal([]byte(l), &i); err != nil {
			t.Fatalf("%q: %v", l, err)
		}
		lines = append(lines, i)
	}
	return lines, errs
}

func TestMailInspect_OneLineAMail(t *testing.T) {
	t.Parallel()
	lines, _ := inspectLines(t, 0, testMails+"reply-koi8-r.eml", testMails+"bounce-hard.eml", testMails+"challenge-tmda.eml")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	reply, bounce := lines[0], lines[1]
	if reply.File != testMails+"reply-koi8-r.eml" || reply.Kind != "reply" || reply.From != "anna@customers.example" || reply.Subject != "Re: Ваш заказ" ||
		reply.Text != "Здравствуйте! Размер подошёл, спасибо." || fmt.Sprint(reply.MessageIDs) != "[msg_01hv3x9q8w2ta@shop.example first@shop.example]" || reply.Bounces == nil || len(reply.Bounces) != 0 {
		t.Errorf("the reply is %+v", reply)
	}
	if bounce.Kind != "bounce" || fmt.Sprint(bounce.MessageIDs) != "[msg_01hv3x9q8w2ta@shop.example]" || len(bounce.Bounces) != 1 || fmt.Sprint(bounce.Tokens) != "[0dh3kq7m2v9x]" {
		t.Fatalf("the bounce is %+v", bounce)
	}
	if b := bounce.Bounces[0]; b.Recipient != "anna@customers.example" || b.Class != "hard" || b.Status != "5.1.1" || b.Reason != "hard_bounce" {
		t.Errorf("it says %+v", b)
	}
	out := newShell(t).must("mail", "inspect", testMails+"other-fresh.eml")
	if !strings.HasPrefix(out, `{"file":"`+testMails+`other-fresh.eml","kind":"other","from":"new@customers.example","subject":"Do you ship to Riga?","message_ids":[],"text":"Hello, do you ship to Riga?","quoted":"","signature":"","bounces":[],`) {
		t.Errorf("the line is %s", out)
	}
}

func TestMailInspect_ADelayIsToldFromAFailure(t *testing.T) {
	t.Parallel()
	lines, _ := inspectLines(t, 0, testMails+"bounce-hard.eml", "../../channels/email/incoming/report/testdata/reports/postfix-delayed.eml", testMails+"complaint.eml")
	for i, want := range []string{"failed", "delayed", "complained"} {
		if b := lines[i].Bounces; len(b) != 1 || b[0].Action != want {
			t.Errorf("%s: %+v, want %s", lines[i].File, b, want)
		}
	}
}

func TestMailInspect_OneBadFileStopsNoOther(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	none := s.file("picture.png", "\x89PNG\r\n")
	lines, errs := inspectLines(t, 1, none, filepath.Join(t.TempDir(), "gone.eml"), s.t.TempDir(), testMails+"other-fresh.eml")
	if len(lines) != 1 || lines[0].Kind != "other" {
		t.Errorf("%+v", lines)
	}
	for _, want := range []string{"picture.png: it has no header, so it is no mail\n", "gone.eml: no such file", ": is a directory\n"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q does not say %q", errs, want)
		}
	}
}

func TestMailInspect_AnMboxHoldsSeveral(t *testing.T) {
	t.Parallel()
	one, err := os.ReadFile(testMails + "reply-alternative-lf.eml")
	if err != nil {
		t.Fatal(err)
	}
	mbox := "From anna@customers.example Sun Nov 22 10:15:00 2026\n" + string(one) + "\n" +
		"From MAILER-DAEMON Sun Nov 22 10:16:00 2026\nFrom: b@customers.example\nSubject: two\n\nFrom me to you:\n\n>From now on I am Anna.\nFrom the start.\n\n" +
		"From b@customers.example Sun Nov 22 10:17:00 2026\n\nFrom b@customers.example Sun Nov 22 10:18:00 2026\nFrom: b@customers.example\n\nlast"
	file := newShell(t).file("box", mbox)
	lines, errs := inspectLines(t, 1, file)
	if len(lines) != 3 || !strings.Contains(errs, file+"#3: ") {
		t.Fatalf("%d lines, %q", len(lines), errs)
	}
	if lines[0].File != file+"#1" || lines[0].Text != "The blue one, please." || lines[2].Text != "last" || lines[2].File != file+"#4" {
		t.Errorf("%+v", lines)
	}
	if want := "From me to you:\n\nFrom now on I am Anna.\nFrom the start."; lines[1].Text != want {
		t.Errorf("%q, want %q", lines[1].Text, want)
	}
}
