package quote

import (
	"strings"
	"testing"
)

// Each line introduces a quote whose lines are marked.
func TestCut_KnowsWhatIntroducesAQuote(t *testing.T) {
	t.Parallel()
	for _, head := range []string{
		"On Tue, 5 Mar 2024 at 12:30, Ann <ann@shop.example> wrote:",
		"On 3/5/24, 12:30 PM, \"Ann Lee\" <ann@shop.example> wrote:",
		"On Tuesday, March 5, 2024 12:30 PM, Ann Lee\n<ann@shop.example> wrote:",
		"On Wed, 2024-03-06 at 12:30 +0000, Ann Lee wrote:",
		"Ann Lee <ann@shop.example> wrote:",
		"Ann Lee <ann@shop.example> wrote on 05.03.2024 12:30:45:",
		"2024-03-05 12:30 GMT+01:00 Ann Lee <ann@shop.example>:",
		"5 марта 2024 г., 12:30 пользователь Магазин <shop@shop.example> написал:",
		"вторник, 5 марта 2024 г. в 12:30, Магазин\n<shop@shop.example>:",
		"Вторник, 5 марта 2024, 12:30 +03:00 от \"Магазин\" <shop@shop.example>:",
		"Магазин <shop@shop.example> писал(а):",
		"05.03.2024 12:30, Магазин «Ромашка» пишет:",
		"Вы писали 5 марта 2024 г., 12:30:15:\nОт: Магазин <shop@shop.example>\nДата: 5 марта 2024\nТема: Заказ",
		"12:30, 5 марта 2024 г., \"Магазин\" <shop@shop.example>:",
		"Shop <shop@shop.example> schrieb am Di., 5. März 2024,\n12:30:",
		"Am 05.03.2024 um 12:30 schrieb Shop:",
		"Le mardi 5 mars 2024 à 12:30:15 UTC+1, Boutique\n<shop@shop.example> a écrit :",
		"El 5 mar 2024, a las 12:30, Tienda <shop@shop.example> escribió:",
		"Il giorno 5 mar 2024, alle ore 12:30, Negozio <shop@shop.example> ha scritto:",
		"Em 5 de mar. de 2024, à(s) 12:30, Loja <shop@shop.example> escreveu:",
		"Op 5 mrt. 2024 om 12:30 heeft Winkel <shop@shop.example> het volgende geschreven:",
		"W dniu 05.03.2024 o 12:30, Sklep pisze:",
		"Mağaza <shop@shop.example> şunları yazdı (5 Mar 2024 12:30):",
		"вт, 5 бер. 2024 р. о 12:30 Крамниця <shop@shop.example> пише:",
		"在 2024年3月5日周二 12:30，商店 <shop@shop.example> 写道：",
		"商店 <shop@shop.example> 於 2024年3月5日 週二 下午12:30寫道：",
		"2024/03/05 12:30、ショップ <shop@shop.example>のメール:",
		"2024. 3. 5. 오후 12:30, 상점 <shop@shop.example> 작성:",
		"\u202bבתאריך יום ג׳, 5 במרץ 2024 ב-12:30 מאת \u202aחנות\u202c\u200f <\u202ashop@shop.example\u202c\u200f>:\u202c",
		"Vào Th 3, 5 thg 3, 2024 vào lúc 12:30 Cửa hàng <shop@shop.example> đã viết:",
		"Bolt <shop@shop.example> ezt írta (időpont: 2024. márc. 5., K, 12:30):",
		"ti 5. maalisk. 2024 klo 12.30 Kauppa (shop@shop.example) kirjoitti:",
		"tir. 5. mars 2024 kl. 12:30 skrev Butikk <shop@shop.example>:",
		"În mar., 5 mar. 2024 la 12:30, Magazin <shop@shop.example> a scris:",
		"Στις Τρί 5 Μαρ 2024 στις 12:30 μ.μ., ο χρήστης Μαγαζί <shop@shop.example> έγραψε:",
		"На вт, 5.03.2024 г. в 12:30 ч. Магазин <shop@shop.example> написа:",
		"Pada tanggal Sel, 5 Mar 2024 pukul 12.30 Toko <shop@shop.example> menulis:",
		"ในวันที่ อ. 5 มี.ค. 2024 เวลา 12:30 ร้าน <shop@shop.example> เขียนว่า:",
	} {
		t.Run(head, func(t *testing.T) {
			t.Parallel()
			if got := Cut("Yes.\n"+head+"\n> old\n> words\n", "").Said; got != "Yes." {
				t.Errorf("said %q", got)
			}
		})
	}
}

// Each line stands above a few lines that the person quotes on purpose, and is his own.
func TestCut_KeepsSentencesThatOnlySoundLikeIt(t *testing.T) {
	t.Parallel()
	for _, own := range []string{
		"On Monday I wrote to you:",
		"On 5 March 2024 at 12:30 I wrote to you:",
		"5 марта 2024 в 12:30 я вам писала:",
		"My neighbour wrote:",
		"Он написал:",
		"Yes! On Tue, Mar 5, 2024 at 12:30 PM Ann <ann@shop.example> wrote:",
		"From: the shop in Leeds",
		"To: whom it may concern",
		"Here is the log of 2024-03-05 12:30:15:",
		"Subject: my lamp",
		"Original message",
		"-- one more --",
	} {
		t.Run(own, func(t *testing.T) {
			t.Parallel()
			body := own + "\n> some\n> words\nIs that right?"
			if got := Cut(body, ""); got.Said != body {
				t.Errorf("said %q, quoted %q, signature %q", got.Said, got.Quoted, got.Signature)
			}
		})
	}
}

func TestCut_TakesOffWhatAProgramAdds(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"Sent from my iPhone", "Sent from my iPad", "Sent from my Galaxy S24 Ultra", "Sent from Yahoo Mail for iPhone", "Sent from Mail for Windows", "Sent from [Mail](https://go.example/fwlink) for Windows", "Sent via the Samsung Galaxy S24, an AT&T 5G smartphone",
		"Get Outlook for iOS<https://aka.ms/o0ukef>", "Get [Outlook for Android](https://aka.ms/AAb9ysg)", "Sent from Outlook for Android", "Sent with Proton Mail secure email.", "Sent from my mobile device",
		"Отправлено с iPhone", "Отправлено с моего iPhone", "Отправлено из мобильной Почты Mail.ru", "Отправлено из Почты Mail.ru", "Отправлено из мобильной Яндекс Почты", "Отправлено из мобильного приложения Яндекс Почты", "Отправлено из Почты для Windows", "Отправлено с Samsung Galaxy", "Отправлено из Outlook для Android", "Скачать Outlook для iOS", "Отправлено с устройства Huawei",
		"Von meinem iPhone gesendet", "Gesendet von Mail für Windows", "Holen Sie sich Outlook für iOS", "Outlook für Android beziehen", "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
		"Envoyé de mon iPhone", "Télécharger Outlook pour iOS", "Provenance : Courrier pour Windows", "Enviado desde mi iPhone", "Enviado desde Correo para Windows", "Inviato da iPhone", "Inviato dal mio iPad", "Enviado do meu iPhone", "Verzonden vanaf mijn iPhone", "Verstuurd vanaf mijn iPad",
		"Wysłane z iPhone'a", "iPhone'umdan gönderildi", "Надіслано з iPhone", "发自我的 iPhone", "從我的 iPhone 傳送", "iPhoneから送信", "나의 iPhone에서 보냄", "أُرسلت من الـ iPhone", "נשלח מה-iPhone שלי", "Odesláno z iPhonu", "Skickat från min iPhone", "Sendt fra min iPhone", "Lähetetty iPhonesta",
		"Sent from my Verizon Wireless 4G LTE smartphone", "Sent from my iPhone 15 Pro Max", "Sent from my iPhone, please excuse typos.",
		"Virus-free.www.avast.com", "Без вирусов. www.avast.com",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			if got := Cut("Yes, please.\n\n"+line, ""); got != (Parts{Said: "Yes, please.", Signature: line}) {
				t.Errorf("said %q, signature %q", got.Said, got.Signature)
			}
		})
	}
}

func TestCut_KeepsSentencesAboutSendingThings(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"Отправлено через Яндекс Доставку, трек 1234567890", "Отправлено с почты на Ленина", "Отправлено с iPhone или с компьютера \u2014 какая разница, если ответа нет?", "Von meinem Handy aus geht es nicht", "Outlook für Windows funktioniert nicht", "Ich habe es vom Handy gesendet",
		"Sent from Leeds on Monday", "Sent with the courier, number 12345678 for my phone", "Get the lamp for my phone desk", "Save paper bags for me", "--", "Best regards, Ann", "С уважением, Анна", "Did you get Outlook for Android working?",
		"Sent from my iPhone. Please also cancel order 7.", "Sent from my iPhone please call me", "Sent from my iPhone PLEASE CALL", "Sent from my iPhone, two of them", "Sent from my iPhone 7 is the order", "Отправлено с iPhone. И отмените заказ 7, пожалуйста.", "Отправлено с iPhone, заказ не нужен",
		"Get Outlook for iOS<https://aka.ms/o0ukef> and cancel order 7 please", "Von meinem iPhone gesendet. Bitte rufen Sie mich an", "发自我的 iPhone 请取消订单", "发自我的iPhone订单取消", "Lütfen beni arayın iPhone'umdan gönderildi", "Virus-free. www.avast.com Please call me", "Sent from the shop without a charger or the tablet",
		"来自北京的客户", "Dün kargoya gönderildi", "The message about my phone was sent from the shop, not by me, and I want to know why.",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			body := line + "\nYes"
			if line != "--" {
				body = "Hello.\n" + line
			}
			if got := Cut(body, ""); got != (Parts{Said: body}) {
				t.Errorf("said %q, signature %q", got.Said, got.Signature)
			}
		})
	}
}

// Each stands below a signature and is what the person wrote.
func TestCut_KeepsWhatStandsBelowASignature(t *testing.T) {
	t.Parallel()
	for _, own := range []string{
		"Please ring twice when you come.", "I forgot: the door code is 55.", "I forgot to say that the door code is 55. Please ring twice.", "The door code is 55.", "Please ring twice.\nThe code is 55.", "Please call me at +371 20000000",
		"please leave it with the porter", "Забыла: код двери 55.", "Позвоните мне, пожалуйста, вечером", "Код двери 55, третий этаж.", "Bitte zweimal klingeln", "请按两次门铃", "Please send it to boss@mary.example", "It came broken!", "Please delete this order.", "Is it blue?",
	} {
		t.Run(own, func(t *testing.T) {
			t.Parallel()
			for name, got := range map[string]Parts{
				"text": Cut("Blue.\n-- \nMary Lee\n+371 20000000\n\n"+own, ""),
				"html": Cut("", "<div>Blue.</div><div class=gmail_signature>Mary Lee<br>+371 20000000<p>"+strings.ReplaceAll(own, "\n", "<br>")+"</p></div>"),
			} {
				if !strings.HasSuffix(got.Said, own) {
					t.Errorf("%s: said %q, signature %q", name, got.Said, got.Signature)
				}
			}
		})
	}
	got := Cut("", "<div>Blue</div><div class=gmail_signature>Mary<div>Please also send the invoice to my office address. Thank you!</div></div>")
	if got.Said != "Blue\n\nPlease also send the invoice to my office address. Thank you!" || got.Signature != "Mary" {
		t.Errorf("said %q, signature %q", got.Said, got.Signature)
	}
}

// Each is of the signature, in a paragraph of its own as well.
func TestCut_FoldsWhatSignaturesAreMadeOf(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"Head of the sales department", "Начальник отдела по работе с клиентами", "Shop and Sons Ltd.", "Phone: +371 20000000.", "12 Long Street, Riga", "www.mary.example", "mary@mary.example", "Opening hours: Monday to Friday, 9 to 17.", "Registered in England No. 1234567.",
		"Geschäftsführer: Jonas Weber.", "тел. 8 800 200-00-00 доб. 12.", "Please visit our site www.mary.example.", "This e-mail is confidential and intended solely for the addressee.", "Please consider the environment before printing this e-mail.",
		"This message is confidential. If you are not the intended recipient, please notify the sender and delete this message.", "Sofas, lamps, tables", "г. Рига, ул. Длинная, д. 12.",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			for name, got := range map[string]Parts{
				"text": Cut("Blue.\n-- \nMary Lee\n\n"+line, ""),
				"html": Cut("", "<div>Blue.</div><div class=gmail_signature>Mary Lee<p>"+line+"</p></div>"),
			} {
				if got.Said != "Blue." {
					t.Errorf("%s: said %q, signature %q", name, got.Said, got.Signature)
				}
			}
		})
	}
}
