package incoming

import (
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestDecode_RussianUnderAWrongLabel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		label string
		in    encoding.Encoding
		texts []string
	}{
		{"iso-8859-1", charmap.Windows1251, []string{"Привет", "Привет, Анна! Где мой заказ?", "ПРИВЕТ", "Добрый день, размер L подошёл", "<p>Спасибо</p>"}},
		{"us-ascii", charmap.Windows1251, []string{"Привет", "Нет", "Спасибо, всё хорошо"}},
		{"windows-1252", charmap.KOI8R, []string{"Привет", "Когда придёт мой заказ?"}},
		{"iso-8859-15", charmap.CodePage866, []string{"Привет", "Когда придёт мой заказ?"}},
		{"windows-1251", charmap.KOI8R, []string{"Привет", "Здравствуйте, где мой заказ?", "когда придёт мой заказ"}},
		{"koi8-r", charmap.Windows1251, []string{"Привет", "Здравствуйте, где мой заказ?", "когда придёт мой заказ"}},
		{"windows-1251", charmap.CodePage866, []string{"Привет", "Здравствуйте, где мой заказ?"}},
		{"ibm866", charmap.Windows1251, []string{"Привет", "Здравствуйте, где мой заказ?"}},
		{"", charmap.CodePage866, []string{"Привет", "Нет", "Здравствуйте, где мой заказ?"}},
		{"", charmap.Windows1251, []string{"Нет", "Рига", "Спасибо"}},
		{"", charmap.KOI8R, []string{"Нет", "Спасибо"}},
	} {
		for _, text := range c.texts {
			if got := decode(encode(t, c.in, text), c.label); got != text {
				t.Errorf("%s that is %v: %q, want %q", c.label, c.in, got, text)
			}
		}
	}
}

func TestDecode_ALabelThatIsRightIsBelieved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		label string
		in    encoding.Encoding
		texts []string
	}{
		{"iso-8859-1", charmap.Windows1252, []string{
			"Zoë naïve Ærø", "über Größe", "schöne Grüße", "Größe: äöüß ÄÖÜ", "été à où", "Hélène créée à l'été où naît le goût", "é è à ç ù", "éèà", "éèàçù", "ÉÉÉ", "El niño comió piñas allí", "¿Qué? ¡Sí!", "Åse på Ærø", "Þórður á Ísafirði", "ÆØÅ æøå", "ðæð",
		}},
		{"us-ascii", charmap.Windows1252, []string{"Zoë naïve Ærø", "über Größe", "señor"}},
		{"", charmap.Windows1252, []string{"Zoë naïve Ærø", "über Größe", "déjà vu"}},
		{"iso-8859-2", charmap.ISO8859_2, []string{"Zażółć gęślą jaźń", "Příliš žluťoučký kůň"}},
		{"windows-1257", charmap.Windows1257, []string{"Paldies, ļoti labi", "Ačiū už žinutę"}},
		{"windows-1253", charmap.Windows1253, []string{"Καλημέρα, πού είναι η παραγγελία μου;"}},
		{"windows-1255", charmap.Windows1255, []string{"שלום, איפה ההזמנה שלי"}},
		{"windows-1251", charmap.Windows1251, []string{"Привет", "ПРИВЕТ", "Щука", "Ящик", "ЩИТ", "Добър ден, къде е поръчката ми?", "Де моє замовлення? Її ще немає", "Где је моја поруџбина", "5 шт.", "МВД РФ", "№ 5", "да"}},
		{"koi8-r", charmap.KOI8R, []string{"Привет", "ПРИВЕТ, ГДЕ МОЙ ЗАКАЗ", "Ящик", "съешь", "ЕЩЁ ЭХО", "да"}},
		{"koi8-u", charmap.KOI8U, []string{"Де моє замовлення? Її ще немає"}},
		{"ibm866", charmap.CodePage866, []string{"Привет", "ПРИВЕТ", "да"}},
		{"iso-8859-5", charmap.ISO8859_5, []string{"Привет", "Где мой заказ?"}},
		{"gbk", simplifiedchinese.GBK, []string{"您好，请问什么时候发货？", "你好"}},
		{"", simplifiedchinese.GBK, []string{"您好，请问什么时候发货？"}},
	} {
		for _, text := range c.texts {
			if got := decode(encode(t, c.in, text), c.label); got != text {
				t.Errorf("%s: %q, want %q", c.label, got, text)
			}
		}
	}
}
