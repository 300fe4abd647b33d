package incoming

import "testing"

func TestKind_OneHeaderOrSubject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, head, subject, text string
		want                      Kind
	}{
		// Machines.
		{"RFC 3834", "Auto-Submitted: auto-replied\n", "Re: socks", "x", AutoReply},
		{"with a comment and a parameter", "Auto-Submitted: Auto-Generated (vacation); owner-email=a@b\n", "x", "x", AutoReply},
		{"X-Autoreply", "X-Autoreply: yes\n", "Re: socks", "x", AutoReply},
		{"X-Autorespond", "X-Autorespond: Re: socks\n", "Re: socks", "x", AutoReply},
		{"Precedence: auto_reply", "Precedence: auto_reply\n", "Re: socks", "x", AutoReply},
		{"Precedence: bulk without a list", "Precedence: bulk\n", "Re: socks", "x", AutoReply},
		{"Exchange's rules", "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\n", "Re: socks", "x", AutoReply},
		{"a report about something else", "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n", "DMARC report", "x", AutoReply},
		{"no return path", "Return-Path: <>\n", "Re: socks", "x", AutoReply},
		{"two weak signs", "X-Loop: a@b.example\n", "Re: socks", "I am on annual leave until 5 December.", AutoReply},
		{"English", "", "Automatic reply: socks", "x", AutoReply},
		{"English, in brackets", "", "[Auto-Reply] socks", "x", AutoReply},
		{"English, old Outlook", "", "Out of Office AutoReply: socks", "x", AutoReply},
		{"Domino", "", "AUTO: Anna Petrova is out of the office (returning 05.12.2026)", "x", AutoReply},
		{"Russian", "", "Автоответ: socks", "x", AutoReply},
		{"Ukrainian", "", "Автоматична відповідь: socks", "x", AutoReply},
		{"German", "", "Automatische Antwort: socks", "x", AutoReply},
		{"Spanish", "", "Respuesta automática: socks", "x", AutoReply},
		{"Portuguese", "", "Resposta automática: socks", "x", AutoReply},
		{"Italian", "", "Risposta automatica: socks", "x", AutoReply},
		{"Polish", "", "Automatyczna odpowiedź: socks", "x", AutoReply},
		{"Turkish", "", "Otomatik yanıt: socks", "x", AutoReply},
		{"Japanese", "", "自動応答: socks", "x", AutoReply},
		{"Korean", "", "자동 회신: socks", "x", AutoReply},
		{"Latvian", "", "Automātiskā atbilde: socks", "x", AutoReply},
		{"Arabic", "", "رد تلقائي: socks", "x", AutoReply},
		{"not there, in Russian", "", "Нет на месте: Re: носки", "x", AutoReply},
		{"not in the office, in Russian", "", "Вне офиса: носки", "x", AutoReply},
		{"away from the desk, in Russian", "", "Отсутствую на рабочем месте", "Добрый день! Я в отпуске до 5 декабря.", AutoReply},
		{"a subject without a colon, and a notice", "", "Out of office", "I am currently out of the office and will return on Monday, 5 December.\nIn urgent cases please contact support@customers.example.", AutoReply},
		{"a bare subject, and a header", "Auto-Submitted: auto-replied\n", "Отпуск", "Вернусь в понедельник, всё решим тогда.", AutoReply},
		{"OOO", "", "OOO: Re: socks", "x", AutoReply},
		{"away, in German", "", "Abwesend: Re: Socken", "x", AutoReply},
		{"Auto before our subject", "In-Reply-To: <msg_01hv3x9q8w2ta@shop.example>\n", "Auto: Your order", "x", AutoReply},
		{"Re: before it, and a notice", "", "Re: Автоответ: носки", "Добрый день! Я в отпуске до 5 декабря, вернусь и отвечу.", AutoReply},
		{"a notice only", "", "Re: socks", "I am on annual leave until 5 December.", AutoReply},
		{"a notice with all that belongs to it", "", "Re: socks", "Hello,\n\nthank you for your message. I am currently out of the office and will return on Monday, 5 December.\nIn urgent cases please contact support@customers.example.\n\nBest regards\nAnna Petrova", AutoReply},
		{"a notice folded", "", "Re: socks", "I am currently out of the office with limited access to my e-mail until\n5 December. I will reply when I am back.", AutoReply},
		{"a Russian notice", "", "Re: носки", "Я нахожусь в отпуске до 5 декабря.", AutoReply},
		{"a Russian notice with whom to ask", "", "Re: носки", "Здравствуйте!\nЯ нахожусь в отпуске до 05.12.2026. По срочным вопросам пишите на boris@customers.example.\n\nС уважением,\nАнна Петрова", AutoReply},
		{"a German notice", "", "Re: Socken", "Guten Tag,\nich bin bis zum 5. Dezember im Urlaub. In dringenden Fällen wenden Sie sich an boris@customers.example.\nMit freundlichen Grüßen\nAnna", AutoReply},

		// People.
		{"on leave, with a wish", "", "Re: socks", "I am on annual leave until Monday, please deliver after.", Reply},
		{"on leave, with another wish", "", "Re: socks", "I am on annual leave until Monday. Leave it with the porter.", Reply},
		{"on leave, with a reason", "", "Re: socks", "I am on annual leave until Monday, so the porter has the key.", Reply},
		{"on leave, with an answer", "", "Re: socks", "I am on annual leave until Monday.\nBlue.", Reply},
		{"on leave, with two answers", "", "Re: socks", "I am out of the office until Monday and pick it up on Tuesday.", Reply},
		{"on leave, with a question", "", "Re: socks", "I am on annual leave until Monday. Is that too late?", Reply},
		{"on leave, above our question", "", "Re: socks", "I am on annual leave until Monday.\n\nOn 22 Nov 2026, Shop <news@shop.example> wrote:\n> When may we come?\n", Reply},
		{"Russian, on leave, with a wish", "", "Re: носки", "Я нахожусь в отпуске до пятницы, доставьте после.", Reply},
		{"Russian, on leave, with an answer", "", "Re: носки", "Я нахожусь в отпуске до пятницы. Синие.", Reply},
		{"German, on leave, with a wish", "", "Re: Socken", "Ich bin bis Montag im Urlaub, geben Sie es dem Hausmeister.", Reply},
		{"a bare subject, with a question", "", "Отпуск", "Здравствуйте! Я в отпуске до пятницы. Можно привезти диван в субботу?", Other},
		{"a bare subject, with a wish", "", "Out of office", "I am out of the office until Monday. Leave it with the porter.", Other},
		{"a bare subject about our answer", "", "Автоответ", "Почему мне приходит автоответ на каждое письмо?", Other},
		{"a bare subject, and an answer", "", "Automatic reply", "Blue.", Other},
		{"a bare subject, and a place", "", "Вне офиса", "Вы привезли диван, когда я была вне офиса. Привезите завтра.", Other},
		{"a bare subject of an answer", "", "Re: Out of office", "I am out of the office, my wife has the key.", Reply},
		{"a question below a subject like a machine's", "", "Abwesend: wer nimmt das Paket?", "Ich bin nicht zu Hause, wer nimmt das Paket an?", Other},
		{"a machine's question", "Auto-Submitted: auto-replied\n", "Automatic reply: socks", "I am away. Urgent? Call Boris.", AutoReply},
		{"a company's name", "", "ООО: какие документы нужны?", "x", Other},
		{"thanks for an automatic answer", "", "Re: Автоответ: носки", "Спасибо, жду.", Reply},
		{"Auto-Submitted: no", "Auto-Submitted: no\n", "Re: socks", "x", Reply},
		{"Precedence: normal", "Precedence: normal\n", "Re: socks", "x", Reply},
		{"Precedence: list", "Precedence: list\nList-Id: <l.example>\n", "Re: socks", "x", Reply},
		{"an old list's Precedence: bulk", "Precedence: bulk\nMailing-List: list socks@lists.example\n", "Re: socks", "x", Reply},
		{"a gateway's wish for silence", "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\n", "Re: socks", "I am out of the office until Monday. Then I want three pairs.", Reply},
		{"even for all silence", "X-Auto-Response-Suppress: All\n", "Re: socks", "Three pairs, please.", Reply},
		{"a forwarder's X-Loop", "X-Loop: forward@customers.example\n", "Re: socks", "Three pairs, please.", Reply},
		{"weak signs above a quoted mail", "X-Loop: a@b.example\n", "Re: socks", "I am out of the office, take them to my neighbour.\n\nOn 22 Nov 2026, Shop <news@shop.example> wrote:\n> When may we come?\n", Reply},
		{"a CRM's Precedence: bulk above a quoted mail", "Precedence: bulk\n", "Re: socks", "Three pairs.\n\nOn 22 Nov 2026, Shop <news@shop.example> wrote:\n> How many?\n", Reply},
		{"a subject that begins with a car", "", "Auto: what does the insurance cost?", "x", Other},
		{"away, in words", "", "Re: socks", "I am on annual leave, please deliver on the 5th.", Reply},
		{"Russian, away in words", "", "Re: socks", "Я в отпуске до пятницы, привезите потом.", Reply},
		{"a subject about answers", "", "Automatic reply rules", "How?", Other},
		{"a subject about the office", "", "Out of office supplies", "Where are yours?", Other},
		{"an answer to our automatic answer", "", "Re: Automatic reply: socks", "Thanks.", Reply},
		{"Russian answer", "", "Отв: носки", "x", Reply},
		{"German answer", "", "AW: Socken", "x", Reply},
		{"counted answer", "", "Re[2]: socks", "x", Reply},
		{"a word that begins alike", "", "Return of socks", "x", Other},

		// Challenges, and who only speaks of such.
		{"words in subject and text", "", "Please verify yourself", "Click here https://x.example/a.b to prove you are human, and have the mail delivered.", Challenge},
		{"a held mail", "Auto-Submitted: auto-replied\n", "Re: socks", "Your message has been held until you confirm that you sent it.", Challenge},
		{"EarthLink", "", "Re: socks", "I apologize for this automatic reply to your email.\n\nTo control spam, I now allow incoming messages only from senders I have approved beforehand.\n\nIf you would like to be added to my list of approved senders, please fill out the short request form (see link below).\n\nClick the link below to fill out the request:\nhttps://webmail.earthlink.net/wam/addme?a=anna@customers.example&id=1", Challenge},
		{"Mailinblack's link", "", "Re: socks", "Bonjour,\nMerci de vous authentifier en cliquant sur ce lien : https://app.mailinblack.com/captcha?i=1\nAnna", Challenge},
		{"Mailinblack's words", "", "Re: socks", "Bonjour,\npour que votre message me soit remis, cliquez ici : https://mail.customers.example/c/1", Challenge},
		{"Russian, by subject", "In-Reply-To: <x@shop.example>\n", "Подтвердите отправку письма", "Чтобы письмо было доставлено, перейдите по ссылке ниже.", Challenge},
		{"Russian, in words", "", "Re: носки", "Чтобы письмо было доставлено, перейдите по ссылке https://spam.example/c/1", Challenge},
		{"Russian, no robot", "", "Re: носки", "Здравствуйте! Пожалуйста, подтвердите, что вы не робот: https://spam.example/c/1", Challenge},
		{"Russian, a proof is required", "In-Reply-To: <x@shop.example>\n", "Требуется подтверждение отправки", "Подтвердите, что вы не робот, ответив на это письмо.", Challenge},
		{"a customer who is no robot", "", "Re: носки", "Сайт https://shop.example пишет «подтвердите, что вы не робот», что делать?", Reply},
		{"a customer who clicks in Russian", "", "Re: носки", "Перехожу по ссылке https://shop.example/c и вижу: подтвердите, что вы не робот.", Reply},
		{"a customer who wants a proof of sending", "", "Re: носки", "Подтвердите отправку письма с договором, трек https://post.example/1", Reply},
		{"a customer who clicks on a service", "", "Re: socks", "My mails to you come back with https://app.mailinblack.com/captcha?i=1 every time.", Reply},
		{"cannot confirm", "", "Re: Please confirm your email address", "I click the link to confirm, but nothing comes.", Reply},
		{"a customer who clicks", "", "Re: socks", "I click on buy to confirm the order and get an error.", Reply},
	} {
		m, err := Read([]byte("From: Anna <anna@customers.example>\n" + c.head + "Subject: " + c.subject + "\nContent-Type: text/plain; charset=utf-8\n\n" + c.text + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != c.want {
			t.Errorf("%s: %s, want %s", c.name, m.Kind, c.want)
		}
		if m.Kind != Reply && m.Kind != Other && !m.NoAnswer {
			t.Errorf("%s might be answered by a machine", c.name)
		}
	}
}

func TestKind_WhatANoReplyAddressSaysOfItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, text string
		want       Kind
	}{
		{"noreply@customers.example", "Ваша заявка принята.\n\nЭто письмо создано автоматически, не отвечайте на него.", AutoReply},
		{"no-reply@customers.example", "We have your ticket. This is an automatically generated message, do not reply.", AutoReply},
		{"anna@customers.example", "Мне пришло «Это письмо создано автоматически, не отвечайте», а кому же писать?", Reply},
		{"noreply@customers.example", "Three pairs.", Reply},
	} {
		m, err := Read([]byte("From: " + c.from + "\nSubject: Re: socks\nContent-Type: text/plain; charset=utf-8\n\n" + c.text + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind != c.want {
			t.Errorf("%s: %s, want %s", c.text, m.Kind, c.want)
		}
	}
}

// Mails that people wrote, or that nobody reads the answers of: a machine keeps silent.
func TestNoAnswer_KeepsMachinesSilent(t *testing.T) {
	t.Parallel()
	hops := ""
	for range maxHops + 1 {
		hops += "Received: from a by b.example; Sun, 22 Nov 2026 10:15:02 +0300\n"
	}
	for _, c := range []struct {
		name, head string
		want       bool
	}{
		{"a person", "From: anna@customers.example\n", false},
		{"nobody", "Subject: x\n", true},
		{"no-reply", "From: no-reply@customers.example\n", true},
		{"a list", "From: anna@customers.example\nList-Id: <l.example>\n", true},
		{"a newsletter", "From: news@other.example\nList-Unsubscribe: <https://other.example/u>\n", true},
		{"Precedence: list", "From: anna@customers.example\nPrecedence: list\n", true},
		{"wants silence", "From: anna@customers.example\nX-Auto-Response-Suppress: All\n", true},
		{"a circle", hops + "From: anna@customers.example\n", true},
	} {
		m, err := Read([]byte(c.head + "Subject: x\n\nHi.\n"))
		if err != nil {
			t.Fatal(err)
		}
		if m.NoAnswer != c.want {
			t.Errorf("%s: %v", c.name, m.NoAnswer)
		}
	}
}
