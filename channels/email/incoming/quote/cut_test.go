package quote

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"rapport/internal/fuzzing"
)

// pieces are what mails are made of, in any order and number.
var pieces = []string{
	"Thanks, that works.", "Да, размер подходит.", "Ja, gerne.", "好的，谢谢。", "", "", " ", "> quoted", "> Which size?", "> ", ">> deeper", ">", ">From here on", "-- ", "--", "—", "P.S. one more thing", "PS:", "?", ":", "a:", "wrote:",
	"On Tue, Mar 5, 2024 at 12:30 PM Ann <support@shop.example> wrote:", "On Tue, Mar 5, 2024 at 12:30 PM Ann <", "support@shop.example> wrote:", "вт, 5 мар. 2024 г. в 12:30, Магазин <support@shop.example>:", "Ann wrote:", "Ann <ann@shop.example> wrote:", "On Monday, I wrote to you:",
	"From: Ann <support@shop.example>", "Sent: Tuesday, March 5, 2024 12:30 PM", "To: Mary", "Subject: Order", "От: Магазин", "Дата: 05.03.2024", "Кому: Мария", "Тема: Заказ", "________________________________", "----------------", "-----Original Message-----",
	"---------- Forwarded message ---------", "Begin forwarded message:", "> Begin forwarded message:", "Sent from my iPhone", "Отправлено с iPhone", "Get Outlook for iOS<https://aka.ms/o0ukef>", "See my answers below.", "Best regards,", "> Regards",
	"This email is confidential and intended solely for the addressee. If you are not the intended recipient, notify the sender and delete this message. Any disclosure is unauthorised. We mean what we say here, at length.",
}

func body(t *rapid.T) string {
	piece := rapid.OneOf(rapid.SampledFrom(pieces), rapid.SampledFrom(pieces), rapid.StringN(0, 20, 60))
	return strings.Join(rapid.SliceOfN(piece, 0, 25).Draw(t, "lines"), rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "break"))
}

func TestCut_KeepsEveryLineOnceAndInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := body(t)
		conserved(t, text, Cut(text, ""))
	})
}

func conserved(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string, p Parts) {
	t.Helper()
	var rest [3][]string
	for k, part := range []string{p.Said, p.Quoted, p.Signature} {
		rest[k] = full(part)
	}
	all := slices.Concat(rest[:]...)
	lines := full(text)
	for _, one := range rest {
		k := 0
		for _, l := range lines {
			if k < len(one) && one[k] == l {
				k++
			}
		}
		if k < len(one) {
			t.Fatalf("%q is not of the body, or stands in another order", one[k])
		}
	}
	slices.Sort(all)
	slices.Sort(lines)
	if !slices.Equal(all, lines) {
		t.Fatalf("the parts hold %q, the body %q", all, lines)
	}
}

// full are the lines of a text that are not blank.
func full(text string) []string {
	lines := []string{}
	for l := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n") {
		if !empty(l) {
			lines = append(lines, l)
		}
	}
	return lines
}

func TestCut_WhereNothingWasQuotedCuttingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := Cut(body(t), "")
		if first.Quoted != "" {
			return
		}
		if again := Cut(first.Said, ""); again.Said != first.Said {
			t.Fatalf("%q became %q, quoted %q, signature %q", first.Said, again.Said, again.Quoted, again.Signature)
		}
	})
}

// templates are what the programs put around an answer, ANSWER.
var templates = map[string]string{
	"gmail":            "ANSWER\n\nOn Tue, Mar 5, 2024 at 12:30 PM Ann <support@shop.example> wrote:\n\n> Hello,\n>\n> which one?\n",
	"gmail ru":         "ANSWER\n\nвт, 5 мар. 2024 г. в 12:30, Магазин «Ромашка и сыновья, подарки» <\nsupport@shop.example>:\n\n> Здравствуйте!\n>\n> Какой?\n",
	"gmail below":      "On Tue, Mar 5, 2024 at 12:30 PM Ann <support@shop.example> wrote:\n> Hello,\n>\n> which one?\n\nANSWER\n",
	"apple":            "ANSWER\n\nSent from my iPhone\n\n> On 5 Mar 2024, at 12:30, Ann <support@shop.example> wrote:\n> \n> Which one?\n",
	"apple ru":         "ANSWER\n\nОтправлено с iPhone\n\n> 5 марта 2024 г., в 12:30, Магазин <support@shop.example> написал(а):\n> \n> Какой?\n",
	"outlook":          "ANSWER\n\nFrom: Ann <support@shop.example>\nSent: Tuesday, March 5, 2024 12:30 PM\nTo: Mary <mary@example.com>\nSubject: Order\n\nWhich one?\n",
	"outlook ru":       "ANSWER\n\nОт: Магазин <support@shop.example>\nОтправлено: 5 марта 2024 г. 12:30\nКому: Мария\nТема: Заказ\n\nКакой?\n",
	"outlook phone":    "ANSWER\n\nGet Outlook for Android<https://aka.ms/AAb9ysg>\n________________________________\nFrom: Ann <support@shop.example>\nSent: Tuesday, March 5, 2024 12:30:00 PM\nTo: Mary <mary@example.com>\nSubject: Order\n\nWhich one?\n",
	"original message": "ANSWER\n\n-----Original Message-----\nFrom: Ann\nSent: Tuesday, March 5, 2024 12:30 PM\nTo: Mary\nSubject: Order\n\nWhich one?\n",
	"thunderbird":      "ANSWER\n\nAm 05.03.24 um 12:30 schrieb Shop:\n> Hallo,\n>\n> welches?\n\n-- \nJonas\n",
	"mail.ru":          "ANSWER\n \n--\nИван\n \n>Вторник, 5 марта 2024, 12:30 +03:00 от Магазин <support@shop.example>:\n> \n>Какой?\n",
	"yandex":           "ANSWER\n \n05.03.2024, 12:30, \"Магазин\" <support@shop.example>:\n> Добрый день!\n>\n> Какой?\n \n-- \nИван\n",
	"yahoo":            "ANSWER\n\n    On Tuesday, March 5, 2024 at 12:30:00 PM GMT+1, Ann <support@shop.example> wrote:  \n \n Which one?\n",
	"samsung":          "ANSWER\n\nSent from my Galaxy\n\n-------- Original message --------\nFrom: Ann <support@shop.example>\nDate: 05/03/2024 12:30 (GMT+01:00)\nTo: mary@example.com\nSubject: Order\n\nWhich one?\n",
	"proton":           "ANSWER\n\nSent with Proton Mail secure email.\n\nOn Tuesday, March 5th, 2024 at 12:30 PM, Ann <support@shop.example> wrote:\n\n> Which one?\n",
	"zoho":             "ANSWER\n\n---- On Tue, 05 Mar 2024 12:30:00 +0100 Ann <support@shop.example> wrote ---\n\nWhich one?\n",
	"qq":               "ANSWER\n\n------------------ 原始邮件 ------------------\n发件人: \"商店\" <support@shop.example>;\n发送时间: 2024年3月5日(星期二) 中午12:30\n收件人: \"李明\"<liming@example.com>;\n主题: 订单\n\n哪一个?\n",
	"lotus":            "ANSWER\n\n-----Ann <support@shop.example> wrote: -----\nTo: mary@example.com\nFrom: Ann <support@shop.example>\nDate: 03/05/2024 12:30PM\nSubject: Order\n\nWhich one?\n",
	"gmail html":       "<div dir=\"ltr\">ANSWER</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Tue, Mar 5, 2024 at 12:30 PM Ann &lt;support@shop.example&gt; wrote:<br></div><blockquote class=\"gmail_quote\"><p>Hello,</p><p>which one?</p></blockquote></div>",
	"outlook html":     "<div>ANSWER</div><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>Von:</b> Shop<br><b>Gesendet:</b> Dienstag, 5. März 2024 12:30<br><b>An:</b> Jonas<br><b>Betreff:</b> Frage</div><p>Welches?</p>",
	"yahoo html":       "<div>ANSWER</div><div class=\"yahoo_quoted\"><div>On Tuesday, Ann wrote:</div><div>Which one?</div></div>",
	"thunderbird html": "<div class=\"moz-cite-prefix\">05.03.2024 12:30, Магазин пишет:<br></div><blockquote type=\"cite\"><p>Здравствуйте!</p><p>Какой?</p></blockquote><div>ANSWER</div>",
}

func answer(t *rapid.T) string {
	word := rapid.OneOf(rapid.StringOfN(rapid.RuneFrom([]rune("abcdefghijklmnoprstuvwyz")), 1, 9, -1), rapid.StringOfN(rapid.RuneFrom([]rune("абвгдежзийклмнопрстуфхцчшщыьэюяё")), 1, 9, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune("äöüßéèñçłş")), 1, 4, -1), rapid.StringOfN(rapid.RuneFrom([]rune("退款谢谢好的お願い감사")), 1, 5, -1), rapid.SampledFrom([]string{"12", "3.5", "2024", "12:30", "Ann", "mary@example.com", "5 кг"}))
	line := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(word, 1, 9).Draw(t, "words"), " ") + rapid.SampledFrom([]string{"", ".", "!", "?", ",", ";"}).Draw(t, "stop")
	})
	return strings.Join(rapid.SliceOfN(line, 1, 6).Draw(t, "answer"), rapid.SampledFrom([]string{"\n", "\n\n"}).Draw(t, "break"))
}

func TestCut_GivesTheAnswerBackWhateverTheProgramPutAroundIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		said := answer(t)
		for name, template := range templates {
			var p Parts
			if strings.HasSuffix(name, "html") {
				p = Cut("", strings.ReplaceAll(template, "ANSWER", strings.ReplaceAll(said, "\n", "<br>")))
			} else {
				p = Cut(strings.ReplaceAll(template, "ANSWER", said), "")
			}
			if !slices.Equal(full(p.Said), full(said)) {
				t.Fatalf("%s: %q became %q", name, said, p.Said)
			}
		}
	})
}

func TestCut_TakesTheAlternativeThatSaysMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, html, want string }{
		{"the text is a stopgap", "Your program shows no HTML.", "<p>Please cancel my order, and the one of my wife too.</p>", "Please cancel my order, and the one of my wife too."},
		{"the HTML lacks a sentence", "Please cancel my order.\nAnd call me.", "<p>Please cancel my order.</p>", "Please cancel my order.\nAnd call me."},
		{"both say the same, HTML marks the quote", "Yes.\n\nOld words\nof ours\nin five\nplain\nlines", "<p>Yes.</p><div class=yahoo_quoted>Old words<br>of ours<br>in five<br>plain<br>lines</div>", "Yes."},
		{"both say the same, nothing is marked", "Yes,\n  please.", "<p>Yes, please.</p>", "Yes,\n  please."},
		{"nothing at all", "", "", ""},
		{"blank text", " \n", "<p>Yes.</p>", "Yes."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Cut(c.text, c.html).Said; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestCut_APersonsOnlyWordsAreNotFoldedAway(t *testing.T) {
	t.Parallel()
	quote := "On Tue, Mar 5, 2024 at 12:30 PM Ann <support@shop.example> wrote:\n> Which one?\n> The blue one, that is my answer\n"
	for _, c := range []struct{ name, text, html, want string }{
		{"on the program's line", "Sent from my iPhone please call me\n", "", "Sent from my iPhone please call me"},
		{"on a line with a quote mark", quote, "", strings.TrimSuffix(quote, "\n")},
		{"in what HTML calls a signature", "", "<div class=gmail_signature>Mary, size L</div><p>Sent from my iPhone</p>", "Mary, size L"},
		{"none, below HTML's quote", "", strings.ReplaceAll(templates["gmail html"], "ANSWER", ""), ""},
	} {
		if got := Cut(c.text, c.html); got.Said != c.want {
			t.Errorf("%s: said %q, quoted %q, signature %q", c.name, got.Said, got.Quoted, got.Signature)
		}
	}
}

func TestHostileBodiesTakeLittleTime(t *testing.T) {
	t.Parallel()
	const size = 128 << 10 // enough to show what grows with the square, so little that the race detector has done soon
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, c := range map[string]struct{ text, html string }{
		"one line of quote marks":   {text: strings.Repeat(">", 1<<20)},
		"lines of quote marks":      {text: fill(">\n")},
		"interleaved":               {text: fill("> a\nb\n")},
		"blank lines":               {text: fill("\n")},
		"colons":                    {text: fill(":\n")},
		"attributions":              {text: fill("On Tue, Mar 5, 2024 at 12:30 Ann <a@b.example> wrote:\n\n")},
		"almost attributions":       {text: fill("On Tue, Mar 5, 2024 at 12:30 Ann\n")},
		"quoted attributions":       {text: fill("> Ann <a@b.example> wrote:\nyes\n")},
		"verbs":                     {text: fill("wrote wrote: ")},
		"headers":                   {text: fill("From: a@b\n")},
		"all headers":               {text: fill("From: a\nDate: b\n\n")},
		"dashes":                    {text: fill("--\n")},
		"signatures":                {text: fill("-- \na\n")},
		"postscripts":               {text: fill("-- \nP.S.\n")},
		"devices":                   {text: "a\n" + fill("Sent from my iPhone\n")},
		"legal":                     {text: "a\n" + fill("confidential ")},
		"legal lines":               {text: "a\n" + fill("confidential privileged disclosure\n")},
		"at signs":                  {text: fill("@") + ":"},
		"digits":                    {text: fill("2024.")},
		"links":                     {text: fill("Sent from my <http ")},
		"nested tags":               {html: strings.Repeat("<div>", 100_000) + "x" + strings.Repeat("</div>", 100_000)},
		"nested quotes":             {html: strings.Repeat("<blockquote>x", 20_000)},
		"quotes left open and shut": {html: strings.Repeat("<div><blockquote>", 20_000) + strings.Repeat("</div>", 100_000)},
		"stray ends":                {html: strings.Repeat("<span>", 20_000) + fill("</font></b></p>")[:size/2]},
		"bold and italic":           {html: strings.Repeat("<b>", 30_000) + strings.Repeat("</i>", 40_000)},
		"paragraphs":                {html: fill("<p>a")},
		"attributes":                {html: "<div " + fill("a=b ") + ">x</div>"},
		"colours":                   {html: fill("<p style=color:red>a")},
		"coloured quote":            {html: "<p>a<div id=divRplyFwdMsg>From: b</div>" + fill("<p style=color:red>a")},
		"entities":                  {html: fill("&gt;")},
		"cells":                     {html: fill("<td>")},
		"links of HTML":             {html: fill("<a href=http://a>b")},
		"signed lines":              {html: "<p>a<div class=gmail_signature>" + fill("confidential<br>") + "</div>"},
		"signed runs":               {html: "<p>a" + fill("<div class=gmail_signature>confidential a b</div><p>b</p>")},
		"both":                      {text: fill("a b ")[:size/2], html: fill("c d ")[:size/2]},
	} {
		t.Run(name, func(t *testing.T) {
			const limit = 5 * time.Second // some milliseconds alone; a machine may be busy and the race detector on
			begin := time.Now()
			Cut(c.text, c.html)
			if c.html != "" {
				Text(c.html)
			}
			if took := time.Since(begin); took > limit {
				t.Errorf("took %v", took)
			}
		})
	}
}

func FuzzCut(f *testing.F) {
	f.Add("", "")
	for _, p := range pieces {
		f.Add(p, "")
	}
	for name, template := range templates {
		if strings.HasSuffix(name, "html") {
			f.Add("", template)
		} else {
			f.Add(template, "<p>ANSWER</p>")
		}
	}
	f.Fuzz(func(t *testing.T, text, html string) {
		end := fuzzing.Budget(t)
		p := Cut(text, html)
		plain := Cut(text, "")
		end()
		if utf8.ValidString(text) {
			conserved(t, text, plain)
		}
		if !empty(text) && empty(html) && p != plain {
			t.Error("blank HTML makes a difference")
		}
	})
}

func FuzzText(f *testing.F) {
	for name, template := range templates {
		if strings.HasSuffix(name, "html") {
			f.Add(template)
		}
	}
	f.Add("<p>a</p><blockquote type=cite>b</blockquote><ol><li>c</ol><pre>\n d</pre><img alt=e><a href=https://example.com>f</a>")
	f.Add("<div id=Signature>&gt; a</div><table><td>b<td>c")
	f.Fuzz(func(t *testing.T, html string) {
		end := fuzzing.Budget(t)
		text := Text(html)
		p := Cut(text, "")
		end()
		conserved(t, text, p)
		if strings.Contains(text, "\n\n\n") {
			t.Error("two blank lines in a row")
		}
	})
}

func BenchmarkCut(b *testing.B) {
	for name, c := range map[string]struct{ text, html string }{
		"hostile": {text: strings.Repeat("> a\nb\n", 1<<20/6)},
		"nested":  {html: strings.Repeat("<div>", 100_000) + "x" + strings.Repeat("</div>", 100_000)},
		"text":    {text: strings.ReplaceAll(templates["gmail ru"], "ANSWER", strings.Repeat("Да, размер 42 подходит, когда привезёте?\n", 10)) + strings.Repeat("> Здравствуйте, Мария! Остался только один размер.\n", 100)},
		"html":    {html: strings.ReplaceAll(templates["gmail html"], "ANSWER", strings.Repeat("Yes, the blue one in size L please.<br>", 10)) + strings.Repeat("<p style=\"color:#333\">Hello Mary</p>", 100)},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text) + len(c.html)))
			b.ReportAllocs()
			for b.Loop() {
				Cut(c.text, c.html)
			}
		})
	}
}
