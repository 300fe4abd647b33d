package email

import (
	"bufio"
	"strings"
	"testing"
	"unicode/utf8"

	"rapport/channels"
	"rapport/channels/email/smtpreply"
	"rapport/internal/fuzzing"
)

func TestReadReply_Refuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"no code":           "hello\r\n",
		"letters":           "2x0 ok\r\n",
		"out of range":      "999 what\r\n",
		"codes that differ": "250-one\r\n550 two\r\n",
		"no separator":      "2500\r\n",
		"endless line":      "550 " + strings.Repeat("a", 8000) + "\r\n",
		"endless lines":     strings.Repeat("550-"+strings.Repeat("a", 100)+"\r\n", 1000),
		"cut off":           "250-one\r\n",
		"empty":             "",
	} {
		if r, err := readReply(bufio.NewReader(strings.NewReader(s))); err == nil {
			t.Errorf("%s: read as %+v", name, r)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add("550 5.1.1 User unknown\r\n", 2)
	f.Add("550-5.7.1 a\r\n550 5.7.1 b\r\n", 4)
	f.Add("421 4.7.0 \xff\x00[TSS04]\r\n", 3)
	f.Add("354 go\r\n", 3)
	f.Add("250\r\n", 4)
	f.Add("554 5.999999999999999999.1 +1.-2.x\r\n", 0)
	f.Fuzz(func(t *testing.T, s string, at int) {
		defer fuzzing.Budget(t)()
		r, err := readReply(bufio.NewReader(strings.NewReader(s)))
		if err != nil {
			return
		}
		if r.Code < 200 || r.Code > 599 {
			t.Fatalf("code %d", r.Code)
		}
		where := smtpreply.Stage(((at % 5) + 5) % 5)
		v := r.Verdict(where)
		if v.Kind == "" || v.Reason == "" || v.Code == "" {
			t.Errorf("an empty verdict: %+v", v)
		}
		if v.Kind == channels.Ambiguous && where != smtpreply.AtDot {
			t.Errorf("doubt at stage %d", where)
		}
		if r.Code >= 400 && r.Code < 500 && v.Kind != channels.Temporary && v.Kind != channels.Throttled {
			t.Errorf("%d is not for good, but %s", r.Code, v.Kind)
		}
		if strings.HasPrefix(r.Enhanced, "5.7.") && v.Kind == channels.AddressDead && !strings.Contains(strings.ToLower(r.Text), "no such user") && r.Code != 556 {
			t.Errorf("policy suppressed an address: %s", v)
		}
		if !utf8.ValidString(v.Detail) || len(v.Detail) > 1200 || unsafe(v.Detail) || strings.Contains(v.Detail, "@") {
			t.Errorf("detail %q", v.Detail)
		}
	})
}
