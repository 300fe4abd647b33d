package incoming

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	xunicode "golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

func encode(t testing.TB, e encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecode_Labels(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		label string
		in    encoding.Encoding
		text  string
	}{
		{"koi8-r", charmap.KOI8R, "Привет"}, {"KOI8-U", charmap.KOI8U, "Привіт"}, {"windows-1251", charmap.Windows1251, "Привет"}, {"cp1251", charmap.Windows1251, "Привет"},
		{"win-1251", charmap.Windows1251, "Привет"}, {"CP-1251", charmap.Windows1251, "Привет"}, {"ibm866", charmap.CodePage866, "Привет"}, {"cp866", charmap.CodePage866, "Привет"},
		{"cp850", charmap.CodePage850, "Grüße"}, {"ISO-8859-1", charmap.Windows1252, "Grüße"}, {"iso8859-15", charmap.ISO8859_15, "5 €"}, {"ISO_8859-5", charmap.ISO8859_5, "Привет"},
		{"windows-1257", charmap.Windows1257, "Paldies, ļoti labi"}, {"iso-8859-13", charmap.ISO8859_13, "Paldies, ļoti labi"}, {"gb2312", simplifiedchinese.GB18030, "发货 镕"},
		{"gb18030", simplifiedchinese.GB18030, "发货😀"}, {"x-gbk", simplifiedchinese.GBK, "发货"}, {"hz-gb-2312", simplifiedchinese.HZGB2312, "发货"}, {"big5", traditionalchinese.Big5, "發貨"},
		{"iso-2022-jp", japanese.ISO2022JP, "ありがとう"}, {"shift_jis", japanese.ShiftJIS, "ありがとう"}, {"cp932", japanese.ShiftJIS, "ありがとう"}, {"euc-jp", japanese.EUCJP, "ありがとう"},
		{"ks_c_5601-1987", korean.EUCKR, "감사합니다"}, {"utf-16le", xunicode.UTF16(xunicode.LittleEndian, xunicode.IgnoreBOM), "Привет"}, {`"utf-8"`, encoding.Nop, "Привет"},
		{"mac-cyrillic", charmap.MacintoshCyrillic, "Привет, когда привезёте диван?"}, {"x-mac-cyrillic", charmap.MacintoshCyrillic, "Привет"},
		{"charset=koi8-r", charmap.KOI8R, "Привет"},
	} {
		if got := decode(encode(t, c.in, c.text), c.label); got != c.text {
			t.Errorf("%s: %q, want %q", c.label, got, c.text)
		}
	}
}

func TestDecode_WhereTheLabelIsWrongOrMissing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, label string
		in          encoding.Encoding
		text        string
	}{
		{"UTF-8 called Latin-1", "iso-8859-1", encoding.Nop, "schöne Grüße"},
		{"UTF-8 called KOI8-R", "koi8-r", encoding.Nop, "Спасибо"},
		{"UTF-8 called GB2312", "gb2312", encoding.Nop, "Спасибо, всё хорошо"},
		{"UTF-8 called ASCII", "us-ascii", encoding.Nop, "Спасибо"},
		{"windows-1251 called UTF-8", "utf-8", charmap.Windows1251, "Спасибо, всё хорошо"},
		{"KOI8-R called UTF-8", "utf-8", charmap.KOI8R, "Спасибо, всё хорошо"},
		{"one word in windows-1251", "", charmap.Windows1251, "Вопрос"},
		{"one word in KOI8-R", "", charmap.KOI8R, "Вопрос"},
		{"Russian with dashes and quotes", "", charmap.Windows1251, "«Вопрос» — какой?"},
		{"Latin-1 by itself", "", charmap.Windows1252, "schöne Grüße, señor – déjà vu"},
		{"a German name", "", charmap.Windows1252, `"Müller, Jürgen" <jm@example.com>`},
		{"a French line", "", charmap.Windows1252, "Hélène créée à l'été où naît le goût"},
		{"GB2312 by itself", "", simplifiedchinese.GBK, "您好，请问什么时候发货？谢谢"},
		{"Big5 by itself", "", traditionalchinese.Big5, "您好，請問什麼時候可以出貨呢？謝謝"},
		{"Shift_JIS by itself", "x-unknown", japanese.ShiftJIS, "お世話になります。いつ届きますか。"},
		{"EUC-JP by itself", "", japanese.EUCJP, "お世話になります。いつ届きますか。"},
		{"EUC-KR by itself", "", korean.EUCKR, "안녕하세요 언제 도착하나요"},
		{"ISO-2022-JP by itself", "", japanese.ISO2022JP, "お世話になります"},
	} {
		b := encode(t, c.in, c.text)
		if got := decode(b, c.label); got != c.text {
			t.Errorf("%s: %q, want %q", c.name, got, c.text)
		}
	}
	for _, c := range []struct{ in, label, want string }{
		{"Hi Mom +Jjo-!", "utf-7", "Hi Mom ☺!"},
		{"1 +- 1", "utf-7", "1 + 1"},
		{"a+b=c +/v", "utf-7", "a+b=c +/v"},
		{"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0", "utf-8", "Привет \ufffd"}, // cut within a letter
	} {
		if got := decode([]byte(c.in), c.label); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// Russian without a label is read right whatever it says, as long as it is a sentence.
func TestUnlabelled_Russian(t *testing.T) {
	t.Parallel()
	words := []string{"здравствуйте", "когда", "мой", "заказ", "придёт", "Анна", "я", "не", "получила", "носки", "спасибо", "Рига", "5", "—", "и"}
	rapid.Check(t, func(t *rapid.T) {
		sentence := "Здравствуйте, "
		for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 1, 30).Draw(t, "words") {
			sentence += w + " "
		}
		b, err := charmap.Windows1251.NewEncoder().Bytes([]byte(sentence))
		if err != nil {
			t.Fatal(err)
		}
		if got := unlabelled(b); got != sentence {
			t.Errorf("%q", got)
		}
	})
}

func TestDecodeWords_AlsoAgainstTheRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"=?utf-8?Q?caf=C3=A9?=", "café"},
		{"=?utf-8?q?a_b?= c", "a b c"},
		{"=?utf-8?B?0J/RgNC40LLQtdGC?= =?utf-8?B?IQ==?=", "Привет!"},
		{"=?utf-8?B?0J/R?=\t=?utf-8?B?gNC40LI=?=", "Прив"}, // a letter parted
		{"=?utf-8?B?0J/RgNC40LI?=", "Прив"},                // no padding
		{"=?koi8-r?B?8NLJ18XU?= =?utf-8?Q?!?=", "Привет!"},
		{"=?utf-8*ru?Q?=D0=AF?=", "Я"},
		{"=?utf-8?Q?two words?= x", "two words x"},
		{"=?no-such-charset?Q?abc?=", "abc"},
		{"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
		{"=?utf-8?Q?open", "=?utf-8?Q?open"},
		{"=?=?utf-8?Q?a?=", "=?a"},
		{"a =?utf-8?Q?b?= c =?utf-8?Q?d?=", "a b c d"},
	} {
		if got := decodeWords(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}
