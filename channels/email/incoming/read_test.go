package incoming

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rapport/channels"
)

// mails are the files of testdata: what is expected of each. A file that is not here fails the test.
var mails = map[string]struct {
	kind    Kind
	subject string
	text    string
}{
	"reply-koi8-r":                  {Reply, "Re: Ваш заказ", "Здравствуйте! Размер подошёл, спасибо."},
	"reply-windows-1251-quoted":     {Reply, "Re: скидка", "Пришлите, пожалуйста, красные носки — синие закончились?"},
	"reply-gb18030":                 {Reply, "回复：您的订单", "您好，请问什么时候发货？镕基"},
	"reply-iso-2022-jp":             {Reply, "Re: ご注文", "いつ届きますか。"},
	"reply-utf-7":                   {Reply, "Re: price", "Сколько стоит? 1 + 1 = 2"},
	"reply-mislabelled-utf-8":       {Reply, "Re: cafe", "Das Café schließt früher, größere Tüten bitte."},
	"reply-unknown-charset":         {Reply, "Re: x", "Добрый день, хочу вернуть товар и получить деньги."},
	"reply-utf-8-that-is-not":       {Reply, "Re: x", "Подскажите, пожалуйста, адрес магазина."},
	"reply-8bit-headers":            {Reply, "Вопрос о доставке", "Когда привезут?"},
	"reply-words-split":             {Reply, "Re: Заказ № 5", "Da."},
	"reply-shift-jis-utf-16":        {Reply, "Re: a", "ありがとう\n\nGrüße"},
	"reply-alternative-lf":          {Reply, "Re: Which?", "The blue one, please."},
	"reply-html-only":               {Reply, "Re: Which?", "Ich nehme zwei Paar.\n\nDanke & Gruß"},
	"reply-attachments":             {Reply, "Re: broken", "It came broken, see the picture."},
	"reply-apple-text-image-text":   {Reply, "Re: broken", "Look at this:\n\nCan I have another?"},
	"reply-flowed":                  {Reply, "Re: long", "This sentence was folded by the program that wrote it.\n stuffed with a space"},
	"reply-no-boundary-parameter":   {Reply, "Re: x", "No boundary told."},
	"reply-boundary-not-there":      {Reply, "Re: x", "The parts were lost but not my words."},
	"reply-never-closed":            {Reply, "Re: x", "Cut off in the mid"},
	"reply-part-without-header":     {Reply, "Re: x", "Dear shop: the size is wrong.\nPlease change it."},
	"reply-base64-with-list-footer": {Reply, "Re: x", "Мне нравится, беру.\n_______________________________________________\ncustomers mailing list"},
	"reply-not-base64-at-all":       {Reply, "Re: x", "I just wrote this, what is base64?"},
	"reply-nul-and-bidi":            {Reply, "Re: invoice ⟪RLO⟫fdp.exe", "Pay to ⟪RLO⟫etar⟪PDF⟫ now."},
	"reply-folded-badly":            {Reply, "Re: a very long subject that was folded without a blank", "Hi."},
	"reply-no-empty-line":           {Reply, "hello", "I forgot the empty line.\nSorry for that."},
	"reply-empty":                   {Reply, "Re: x", ""},
	"reply-several-in-reply-to":     {Reply, "Re: x", "Yes."},
	"reply-leaked-cc":               {Reply, "Fwd: offer", "Anna, shall we?"},
	"reply-delivered-to-only":       {Reply, "question", "Hello?"},
	"reply-winmail":                 {Reply, "Re: report", "The figures you asked for."},
	"reply-preamble-only":           {Reply, "Re: x", "I answer above the parts, which are empty."},

	"reply-carriage-returns":      {Reply, "Re: x", "Lines end as on an old Mac.\nTwo of them."},
	"reply-line-ends-doubled":     {Reply, "Re: x", "One line."},
	"reply-body-with-a-file-name": {Reply, "Re: x", "Беру две пары."},
	"reply-file-only":             {Reply, "Re: x", ""},
	"reply-without-from":          {Reply, "x", "Who am I?"},

	// People, though something about them looks like a machine.
	"reply-automatic-reply-rules":   {Reply, "Re: Automatic reply rules", "Where do I switch the automatic reply on?"},
	"reply-out-of-office-person":    {Reply, "Re: Your parcel", "I am out of the office until Monday, please deliver it then."},
	"reply-through-list":            {Reply, "Re: [customers] socks", "I like the red ones better."},
	"reply-confirm-address-trouble": {Reply, "Re: Please confirm your email address", "I click on the link to confirm my address but nothing happens."},

	"other-fresh":                       {Other, "Do you ship to Riga?", "Hello, do you ship to Riga?"},
	"other-no-message-id":               {Other, "No id", "My program writes no Message-ID."},
	"other-no-message-id-by-imap":       {Other, "No id", "My program writes no Message-ID."},
	"auto-exchange":                     {AutoReply, "Automatic reply: Your order", "I am away until Monday."},
	"auto-gmail":                        {AutoReply, "Re: Your order", "On holiday, back on the 5th."},
	"auto-zimbra":                       {AutoReply, "Re: Your order", "Not here."},
	"auto-outlook-ru":                   {AutoReply, "Автоматический ответ: Ваш заказ", "Буду 30 ноября."},
	"auto-yandex-subject-only":          {AutoReply, "Автоответ: Re: скидка", "Спасибо за письмо, отвечу позже."},
	"auto-vacation-program":             {AutoReply, "away from my mail", "I will not be reading my mail for a while."},
	"auto-suppress-all-and-words":       {AutoReply, "Re: Your order", "I am currently out of the office with limited access to email."},
	"auto-null-sender":                  {AutoReply, "Re: Your order", "Thank you, we got your mail (ticket 551)."},
	"auto-to-bounce-address":            {AutoReply, "Vacation", "Back on Monday."},
	"auto-german":                       {AutoReply, "Abwesenheitsnotiz: Ihre Bestellung", "Ich bin nicht im Büro."},
	"auto-french":                       {AutoReply, "Réponse automatique : commande", "Je suis absent."},
	"auto-chinese":                      {AutoReply, "自动回复: 订单", "我不在。"},
	"auto-read-receipt":                 {AutoReply, "Read: Your order", "Your message was displayed."},
	"challenge-boxbe":                   {Challenge, "Re: Your order (Action Required)", "Hello, your message about \"Your order\" was waitlisted. Please click the link below to be added to my Guest List."},
	"challenge-tmda":                    {Challenge, "Please confirm your message", "This message was created automatically by mail delivery software (TMDA). Your message is being held because the address could not be verified. Reply to it to release it."},
	"challenge-boxtrapper":              {Challenge, "Your email requires verification verify#Ab12Cd34Ef56", "The message you sent requires that you verify that you are a real live human being. To complete this verification, simply reply to this message."},
	"challenge-service-without-headers": {Challenge, "Re: Your order (verification required)", "Just this once, click the link below so I can receive your emails."},
	"challenge-words":                   {Challenge, "Re: Your order", "To control spam I only take mail from people I know. Please click https://spam.example/c/1 to have your message delivered."},
	"challenge-russian":                 {Challenge, "Подтвердите отправку письма", "Перейдите по ссылке https://spam.example/c/1, чтобы ваше письмо было доставлено."},
	"bounce-hard":                       {Bounce, "Undelivered Mail Returned to Sender", "I'm sorry to have to inform you that your message could not be delivered."},
	"complaint":                         {Complaint, "Abuse report", "This is an abuse report."},
}

func load(t testing.TB, name string) *Mail {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(raw)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

func TestRead_KnowsKindSubjectAndText(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) != len(mails) {
		t.Fatalf("%d files and %d expectations: %v", len(files), len(mails), err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".eml")
		want, ok := mails[name]
		if !ok {
			t.Errorf("nobody says what %s is", name)
			continue
		}
		m := load(t, name)
		if m.Kind != want.kind || m.Subject != want.subject || strings.TrimRight(m.Text, " \n") != want.text {
			t.Errorf("%s:\n got %s %q %q\nwant %s %q %q", name, m.Kind, m.Subject, m.Text, want.kind, want.subject, want.text)
		}
		if auto := m.Kind != Reply && m.Kind != Other; auto && !m.NoAnswer {
			t.Errorf("%s might be answered by a machine", name)
		}
	}
}

func TestRead_PeopleAndReferences(t *testing.T) {
	t.Parallel()
	m := load(t, "reply-koi8-r")
	want := channels.Person{Name: "Anna Petrova", Address: "anna@customers.example"}
	if m.From != want || m.MessageID != "CA+1@mail.customers.example" || m.NoID || m.Hops != 1 {
		t.Errorf("from %v, id %q, %d hops", m.From, m.MessageID, m.Hops)
	}
	if d := time.Date(2026, 11, 22, 7, 15, 2, 0, time.UTC); !m.Arrived.Equal(d) || !m.Date.Equal(d.Add(-2*time.Second)) {
		t.Errorf("arrived %v, written %v", m.Arrived, m.Date)
	}
	if diff := cmp.Diff([]string{"msg_01hv3x9q8w2ta@shop.example", "first@shop.example"}, m.References); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"0dh3kq7m2v9x"}, m.Tokens); diff != "" {
		t.Error(diff)
	}

	m = load(t, "reply-several-in-reply-to")
	if diff := cmp.Diff([]string{"msg_01hv3x9q8w2ta@shop.example", "second@shop.example", "third@shop.example"}, m.InReplyTo); diff != "" {
		t.Error(diff)
	}

	m = load(t, "reply-leaked-cc")
	if diff := cmp.Diff([]channels.Person{{Name: "Shop, orders", Address: "Reply+0DH3KQ7M2V9X@reply.shop.example"}, {Address: "hidden@x.example"}, {Address: "two@x.example"}}, m.Cc); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(m.Tokens, []string{"0dh3kq7m2v9x"}) {
		t.Errorf("tokens %v", m.Tokens)
	}
	if m = load(t, "reply-delivered-to-only"); !slices.Equal(m.Tokens, []string{"0dh3kq7m2v9x"}) {
		t.Errorf("tokens %v", m.Tokens)
	}
	if m = load(t, "reply-folded-badly"); !slices.Equal(m.References, []string{"msg_01hv3x9q8w2ta@shop.example"}) {
		t.Errorf("references %v", m.References)
	}
}

func TestPeople_AddressesWrittenAgainstTheRules(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]channels.Person{
		"Anna anna@c.example":                       {{Name: "Anna", Address: "anna@c.example"}},
		"\"Anna, P.\" anna@c.example":               {{Name: "Anna, P.", Address: "anna@c.example"}},
		"Anna [anna@c.example]":                     {{Name: "Anna", Address: "anna@c.example"}},
		"[anna@c.example]":                          {{Address: "anna@c.example"}},
		"<mailto:anna@c.example>":                   {{Address: "anna@c.example"}},
		"Anna <mailto:anna@c.example?subject=x>":    {{Name: "Anna", Address: "anna@c.example"}},
		"mailto:anna@c.example":                     {{Address: "anna@c.example"}},
		"Anna [mailto:anna@c.example]":              {{Name: "Anna", Address: "anna@c.example"}},
		"anna@c.example, Boris boris@c.example":     {{Address: "anna@c.example"}, {Name: "Boris", Address: "boris@c.example"}},
		"\"eve@evil.example\" <anna@c.example>":     {{Name: "eve@evil.example", Address: "anna@c.example"}},
		"eve@evil.example anna@c.example":           nil,
		"Anna at home":                              nil,
		"Anna @home":                                nil,
		"friends: anna@c.example, boris@c.example;": {{Address: "anna@c.example"}, {Address: "boris@c.example"}},
	} {
		if diff := cmp.Diff(want, people(in)); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
}

func TestRead_Base64WithStrayCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, text, signature string }{
		{"in a line", "SGVsbG8g!!d29y\nbGQgcGxlYXNl\n", "Hello world please", ""},
		{"a list's footer behind it", "SGVsbG8g!!d29y\nbGQgcGxlYXNl\n-- \nlist footer added by a mailing list\n", "Hello world please", "-- \nlist footer added by a mailing list"},
		{"a list's footer of one word", "SGVsbG8gd29ybGQgcGxlYXNl\n_______________________________________________\nUnsubscribe:\nhttps://lists.example/u/Ab1Cd2\n", "Hello world please\n_______________________________________________\nUnsubscribe:\nhttps://lists.example/u/Ab1Cd2", ""},
		{"not encoded at all", "Please call me.\nToday!\n", "Please call me.\nToday!", ""},
		{"not encoded, one word", "Tomorrow!\n", "Tomorrow!", ""},
	} {
		m, err := Read([]byte("From: a@b.example\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + c.body))
		if err != nil {
			t.Fatal(err)
		}
		if m.Text != c.text || m.Signature != c.signature {
			t.Errorf("%s: %q, signature %q", c.name, m.Text, m.Signature)
		}
	}
}

func TestRead_FilesKeepTheirBytesAndLoseTheirPaths(t *testing.T) {
	t.Parallel()
	m := load(t, "reply-attachments")
	type kept struct{ Name, Type, ID, Content string }
	var got []kept
	for _, a := range m.Attachments {
		r, err := a.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || int64(len(b)) != a.Size {
			t.Errorf("%s: %d bytes of %d: %v", a.Name, len(b), a.Size, err)
		}
		got = append(got, kept{a.Name, a.ContentType, a.ContentID, string(b[:min(len(b), 9)])})
	}
	want := []kept{
		{"crack.png", "image/png", "pic1@x", "\x89PNG\r\n\x1a\n "},
		{"Счёт.pdf", "application/pdf", "", "%PDF-1.4 "},
		{"part-3.ics", "text/calendar; charset=utf-8", "", "BEGIN:VCA"},
		{"what I got.eml", "message/rfc822", "", "From: fri"},
		{"notes.txt", "text/plain; charset=utf-8", "", "a note"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(m.HTML, `src="cid:pic1@x"`) {
		t.Errorf("the HTML is %q", m.HTML)
	}

	m = load(t, "reply-winmail")
	if len(m.Attachments) != 1 || m.Attachments[0].Name != "Отчёт за год.txt" || m.Attachments[0].Size != 11 {
		t.Errorf("winmail.dat holds %+v", m.Attachments)
	}
}

func TestRead_RefusesOnlyWhatIsNoMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"nothing", nil, ErrEmpty},
		{"too much", make([]byte, MaxSize+1), ErrTooLarge},
		{"prose", []byte("Dear shop,\nthis is no mail\n"), ErrNoHeader},
		{"line ends", []byte("\r\n\r\n"), ErrNoHeader},
		{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00:\x00"), ErrNoHeader},
		{"one field", []byte("Subject: x"), nil},
		{"a byte order mark and empty lines before it", []byte("\xef\xbb\xbf\r\n\r\nSubject: x\r\n\r\ny"), nil},
		{"a line of an mbox before it", []byte("From anna@example.com Sun Nov 22 10:15:00 2026\nSubject: x\n\ny"), nil},
	} {
		m, err := Read(c.raw)
		if !errors.Is(err, c.want) || (err == nil) != (m != nil) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// What strangers send to find out how much it costs.
func TestRead_HoldsItsBounds(t *testing.T) {
	t.Parallel()
	const head = "From: a@b.example\nReferences: <x@y.example>\n"
	nested := func(n int) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			boundary := strings.Repeat("b", 1) + string(rune('a'+i%26)) + strings.Repeat("x", i%7) + "-" + strings.Repeat("i", i%50) + "."
			b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\n\n--" + boundary + "\n")
		}
		b.WriteString("\nthe kernel\n")
		return b.String()
	}
	for _, c := range []struct{ name, raw, word string }{
		{"1000 nested parts", nested(1000), "kernel"},
		{"a field of 200 KB", head + "Subject: " + strings.Repeat("long ", 40<<10) + "\n\nshort\n", "short"},
		{"a field of 200 KB without a blank", head + "X: " + strings.Repeat("x", 200<<10) + "\n\nshort\n", "short"},
		{"a field folded 100,000 times", head + "X: y" + strings.Repeat("\n z", 100_000) + "\n\nshort\n", "short"},
		{"50,000 fields", head + strings.Repeat("X: y\n", 50_000) + "\nshort\n", "short"},
		{"50,000 addresses", head + "To: " + strings.Repeat("a@b.example,", 50_000) + "\n\nshort\n", "short"},
		{"50,000 unclosed brackets", head + "To: " + strings.Repeat("<\"(", 50_000) + "\n\nshort\n", "short"},
		{"50,000 ids", head + "References: " + strings.Repeat("<a@b>", 50_000) + "\n\nshort\n", "short"},
		{"20,000 parts", head + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 20_000) + "--b\n\nshort\n--b--\n", "short"},
		{"a boundary of 8 KB", head + "Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 5000) + "\n\n--" + strings.Repeat("b", 5000) + "\n\nshort\n", "short"},
		{"encoded words without end", head + "Subject: " + strings.Repeat("=?a?q?", 20_000) + "\n\nshort\n", "short"},
		{"padding in base64", head + "Content-Transfer-Encoding: base64\n\n" + strings.Repeat("A=", 100_000) + "\nshort!\n", "short"},
		{"equal signs in quoted-printable", head + "Content-Transfer-Encoding: quoted-printable\n\n" + strings.Repeat("=  ", 100_000) + "short\n", "short"},
		{"parameters", head + "Content-Type: text/plain" + strings.Repeat("; a*1=\"", 20_000) + "\n\nshort\n", "short"},
		{"comments in comments", head + "Authentication-Results: x" + strings.Repeat("(", 90_000) + "\n\nshort\n", "short"},
		{"plus signs in UTF-7", head + "Content-Type: text/plain; charset=utf-7\n\n" + strings.Repeat("+", 100_000) + " short\n", "short"},
	} {
		begin := time.Now()
		m, err := Read([]byte(c.raw))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !strings.Contains(m.Text+m.Quoted+m.Signature, c.word) {
			t.Errorf("%s: %q is not in it", c.name, c.word)
		}
		if took := time.Since(begin); took > 5*time.Second { // a bound that holds on a busy machine; what is square takes minutes
			t.Errorf("%s took %v", c.name, took)
		}
		if len(m.Recipients) > 2*maxPeople || len(m.References) > maxIDs || len(m.Subject) > 2000 || len(m.Attachments) > maxParts {
			t.Errorf("%s is not bounded", c.name)
		}
	}
}

func TestRead_ABodyThatNobodyReadsToItsEndBecomesAFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Beginning of a very long story. ", 100_000)
	for _, c := range []struct{ kind, name string }{{"plain", "message.txt"}, {"html", "message.html"}} {
		m, err := Read([]byte("From: a@b.example\nContent-Type: text/" + c.kind + "\n\n" + long + "the end"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(m.Text, "Beginning of") || len(m.Text) > 2<<20 || m.HTML != "" || len(m.Attachments) != 1 || m.Attachments[0].Name != c.name || m.Attachments[0].Size != int64(len(long)+7) {
			t.Errorf("%s: %d bytes of text, %d of HTML, %+v", c.kind, len(m.Text), len(m.HTML), m.Attachments)
		}
	}
}

func TestRead_SameMailSameIDHoweverItCame(t *testing.T) {
	t.Parallel()
	one, other := load(t, "other-no-message-id"), load(t, "other-no-message-id-by-imap")
	if !one.NoID || one.MessageID != other.MessageID {
		t.Errorf("%q and %q", one.MessageID, other.MessageID)
	}
	if a, b := one.Updates(Box{})[0].EventID, other.Updates(Box{})[0].EventID; a == "" || a != b {
		t.Errorf("%q and %q", a, b)
	}
	changed, err := Read(bytes.Replace(one.Raw, []byte("writes no"), []byte("writes a"), 1))
	if err != nil || changed.MessageID == one.MessageID {
		t.Errorf("another mail has the same id: %v", err)
	}
}

func TestUpdates_OneMailIsOneEventAndTwoWithOneMessageIDAreTwo(t *testing.T) {
	t.Parallel()
	const (
		head = "From: Anna <anna@customers.example>\nTo: support@shop.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nDate: Sun, 22 Nov 2026 10:15:00 +0300\nMessage-ID: <20261122.1@localhost>\n"
		mime = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: "
		file = "\n--b\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n"
		one  = head + mime + "8bit\n\nschöne Grüße\n" + file
	)
	event := func(raw string) string {
		m, err := Read([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		u := m.Updates(Box{})
		if len(u) != 1 || u[0].Message.ProviderID != "20261122.1@localhost" {
			t.Fatalf("%+v", u)
		}
		return u[0].EventID
	}
	first := event(one)
	for name, same := range map[string]string{
		"another way":       "Return-Path: <anna@customers.example>\nDelivered-To: b@shop.example\nReceived: from y by mx2.shop.example; Sun, 22 Nov 2026 10:15:09 +0300\nX-Spam-Score: 0\n" + one + "\n",
		"with CRLF":         strings.ReplaceAll(one, "\n", "\r\n"),
		"recoded":           head + mime + "quoted-printable\n\nsch=C3=B6ne Gr=C3=BC=\n=C3=9Fe\n" + file,
		"in base64":         head + mime + "base64\n\nc2Now7ZuZSBHcsO8w59l\n" + file,
		"folded anew":       strings.Replace(one, "Subject: ", "Subject:\n ", 1),
		"in another zone":   strings.Replace(one, "10:15:00 +0300", "07:15:00 +0000 (UTC)", 1),
		"spelled otherwise": strings.Replace(one, "Anna <anna@customers.example>", "\"Anna\" <Anna@Customers.example>", 1),
	} {
		if got := event(same); got != first {
			t.Errorf("%s: %q, want %q", name, got, first)
		}
	}
	seen := map[string]string{first: "the first"}
	for name, other := range map[string]string{
		"another person":   strings.Replace(one, "anna@", "boris@", 1),
		"other words":      strings.Replace(one, "schöne", "liebe", 1),
		"another subject":  strings.Replace(one, "Subject: ", "Subject: Re: ", 1),
		"another minute":   strings.Replace(one, "10:15:00", "10:16:00", 1),
		"another picture":  strings.Replace(one, "iVBORw0KGgo=", "iVBORw0KGgs=", 1),
		"answers another":  "In-Reply-To: <x@shop.example>\n" + one,
		"to another token": strings.Replace(one, "support@", "reply+0dh3kq7m2v9x@", 1),
	} {
		got := event(other)
		if old, ok := seen[got]; ok {
			t.Errorf("%s is the same event as %s", name, old)
		}
		seen[got] = name
	}
}
