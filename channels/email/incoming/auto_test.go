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

		// People.
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
