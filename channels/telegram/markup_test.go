package telegram

import (
	"strings"
	"testing"

	"rapport/channels"
)

func TestReadMarkup(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text  string
		units int
		wrong string // part of the error; "": right
	}{
		{"", 0, ""},
		{"Hello", 5, ""},
		{"Привет", 6, ""},
		{"🎁", 2, ""},
		{"a &amp; b &lt;c&gt; &quot;", 11, ""},
		{"&#8364;&#x20AC;&#x1F381;", 4, ""},
		{"&nbsp;&#0;&#xFFFFFFFFF; & &;", 28, ""}, // Telegram shows them as they stand
		{"<b>a</b><strong>b</strong><i>c</i><em>d</em><u>e</u><ins>f</ins><s>g</s><strike>h</strike><del>i</del>", 9, ""},
		{"<code>a</code><pre>b</pre><pre><code class=\"language-go\">c</code></pre>", 3, ""},
		{"<tg-spoiler>a</tg-spoiler><span class='tg-spoiler'>b</span>", 2, ""},
		{"<blockquote>a</blockquote><blockquote expandable>b</blockquote>", 2, ""},
		{`<a href="https://shop.test/?a=1&amp;b=>2">shop</a>`, 4, ""},
		{"<B>a</b >", 1, ""},
		{"<p>a</p>", 0, "<p>"},
		{"<script>a</script>", 0, "<script>"},
		{"<b>a", 1, "not closed"},
		{"<b><i>a</b></i>", 1, "</i> is due"},
		{"a</b>", 1, "closes nothing"},
		{"1 < 2", 2, "&lt;"},
		{"<", 0, "&lt;"},
		{"<>", 0, "&lt;"},
		{"<b", 0, "no end"},
		{`<a href="x`, 0, "attribute"},
		{`<a href=>x</a>`, 0, "attribute"},
		{`<b onclick="x">a</b>`, 0, "attribute"},
		{`<a href="x" target="_blank">a</a>`, 0, "attribute"},
		{`<span>a</span>`, 0, "tg-spoiler"},
		{`<span class="red">a</span>`, 0, "tg-spoiler"},
		{`<b expandable>a</b>`, 0, "attribute"},
		{`<b>a</b class="x">`, 1, "attributes"},
	}
	for _, k := range cases {
		m, err := readMarkup(k.text)
		if m.units != k.units {
			t.Errorf("%q measures %d, want %d", k.text, m.units, k.units)
		}
		if k.wrong == "" && err != nil || k.wrong != "" && (err == nil || !strings.Contains(err.Error(), k.wrong)) {
			t.Errorf("%q: error is %v, want %q", k.text, err, k.wrong)
		}
	}
	if n := measure(channels.Part{{Bytes: []byte("<b>He")}, {Bytes: []byte("llo</b>")}}); n != 5 {
		t.Errorf("a text in two segments measures %d", n)
	}
}
