package quote

import (
	"strings"
	"testing"
)

// outlook is a message without quote marks, with answers of the person somewhere in it.
const outlook = "From: Shop <support@shop.example>\nSent: Sunday, November 22, 2026 10:15 AM\nTo: Anna\nSubject: Your order\n\nWhich colour?\n\nBlue.\n\nWhich size?\n\nL.\n"

func TestCut_WhereAnswersAreAnnouncedEverythingIsKept(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"Thanks, please find my comments:", "Please see my replies", "Ответы в тексте", "Ответы в тексте.", "Комментарии в тексте", "Мои комментарии в тексте письма", "Ответы в теле письма", "Ответил внутри письма", "Ответила внутри письма", "Отвечаю по пунктам", "Отвечаю по пунктам:",
		"Ответы на ваши вопросы см. в тексте вашего письма", "Добрый день! Ответы под вопросами.", "Ответы ниже", "Відповіді в тексті", "Ответы после каждого вопроса",
		"I replied in line", "I have replied in line.", "See my comments in the text below", "Comments in the text", "My answers are in the text", "Please find my replies in your mail.", "Answered point by point", "My comments within", "See below",
		"Meine Antworten stehen im Text", "Antworten in Ihrer Mail", "Ich antworte Punkt für Punkt", "Kommentare unten", "Mes réponses dans le texte", "Je réponds point par point", "Mes commentaires dans votre message",
		"Mis respuestas en el texto", "Respondo punto por punto", "Mis comentarios en tu correo", "Le risposte nel testo",
	} {
		if got := Cut(words+"\n\n"+outlook, ""); got.Quoted != "" || !strings.Contains(got.Said, "\nBlue.\n") || !strings.Contains(got.Said, words) {
			t.Errorf("%q: said %q, quoted %q", words, got.Said, got.Quoted)
		}
	}
	for _, words := range []string{
		"Thanks, the blue one, please.", "Спасибо, синий.", "Please replace the lamp in the hall.", "Ответьте мне сегодня, пожалуйста.", "Ich nehme den blauen.", "J'attends votre réponse.", "Espero su respuesta.", "I wait for your reply.", "Жду ответа.",
	} {
		if got := Cut(words+"\n\n"+outlook, ""); got.Said != words {
			t.Errorf("%q: said %q", words, got.Said)
		}
	}
}

func TestCut_WhatPeoplePutIntoAndBelowAMessageWithoutMarks(t *testing.T) {
	t.Parallel()
	const head = "From: Shop <support@shop.example>\nSent: Sunday, November 22, 2026 10:15 AM\nTo: Anna\nSubject: Your order\n\n"
	for _, c := range []struct{ name, below, want string }{
		{"arrows", "Which colour?\n>>> BLUE\nWhich size?\n>>> L\n", "Hello.\n\n>>> BLUE\n\n>>> L"},
		{"two arrows", "Which colour?\n>> BLUE\n", "Hello.\n\n>> BLUE"},
		{"a postscript", "Which colour?\n\nPS Please call me before you come.\n", "Hello.\n\nPS Please call me before you come."},
		{"a postscript in Russian", "Какой цвет?\n\nP.S. Позвоните мне.\nПосле шести.\n", "Hello.\n\nP.S. Позвоните мне.\nПосле шести."},
		{"what the message quotes", "Which colour?\n\n> I want a lamp\n>> What do you want?\n", "Hello."},
		{"older words that the message quotes", "Which colour?\n\nAnna <anna@customers.example> wrote on 21.11.2026 10:15:\n>> I want a lamp\n", "Hello."},
		{"a postscript in the middle", "P.S. of ours\n\nWhich colour?\n\nGreetings,\n\nAnna\nof the\nshop\n", "Hello."},
	} {
		if got := Cut("Hello.\n\n"+head+c.below, "").Said; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCut_APersonsOwnListIsNoBlockOfHeaders(t *testing.T) {
	t.Parallel()
	for _, own := range []string{
		"From: Riga\nTo: Moscow\nDate: Monday\nSubject: transport of my sofa\n\nPlease tell me the price.",
		"От: Москва\nКому: Рига\nДата: понедельник\nТема: перевозка дивана\n\nСколько это стоит?",
		"От: Москва\nКому: Рига\nДата:\nТема:\n\nСколько это стоит?",
		"From: Riga\nTo: Moscow\nDate: 5 December 2026\nSubject: transport of my sofa\n\nWhat is the price?",
		"____________________\nFrom: Riga\nTo: Moscow\nDate: Monday\n\nWhat is the price?",
		"Von: Riga\nAn: Moskau\nDatum: Montag\nBetreff: Sofa\n\nWas kostet das?",
	} {
		body := "Hello, here is my order.\n\n" + own
		if got := Cut(body, ""); got != (Parts{Said: body}) {
			t.Errorf("said %q, quoted %q", got.Said, got.Quoted)
		}
	}
	for _, quote := range []string{
		"From: Shop\nSent: Sunday, November 22, 2026 10:15 AM\nTo: Anna\nSubject: Order\n\nWhich one?",
		"From: Shop\nDate: Sunday\nTo: anna@customers.example\nSubject: Order\n\nWhich one?",
		"От: Магазин\nОтправлено: 22 ноября 2026 г. 10:15\nКому: Анна\nТема: Заказ\n\nКакой?",
		"-----Original Message-----\nFrom: Shop\nTo: Anna\nSubject: Order\n\nWhich one?",
	} {
		if got := Cut("The blue one.\n\n"+quote, ""); got != (Parts{Said: "The blue one.", Quoted: quote}) {
			t.Errorf("said %q, quoted %q", got.Said, got.Quoted)
		}
	}
}

// Answers behind the writer's name in brackets are his, and others' are not.
func TestCutOf_AnswersBehindTheWritersNameAreHis(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, writer, own, below, want string }{
		{"his first name", "Anna Petrova", "Hi,", "Which one?\n\n[Anna] The blue one.\n\nWhen?\n\n[Anna] On Monday,\nat noon.\n", "Hi,\n\n> Which one?\n\n[Anna] The blue one.\n\n> When?\n\n[Anna] On Monday,\nat noon."},
		{"his whole name", "Anna Petrova", "Hi,\n\n[Anna Petrova] see my answers", "Which one?\n[Anna Petrova] The blue one.\n", "Hi,\n\n[Anna Petrova] see my answers\n\n> Which one?\n[Anna Petrova] The blue one."},
		{"his whole name, without a word about it", "Anna Petrova", "Hi,", "Which one?\n[anna petrova] The blue one.\n", "Hi,\n\n> Which one?\n[anna petrova] The blue one."},
		{"nothing above", "Anna", "", "Which one?\n\n[Anna] The blue one.\n", "> Which one?\n\n[Anna] The blue one."},
		{"another's", "Boris Orlov", "Hi,", "Which one?\n[Anna] The blue one.\n", "Hi,"},
		{"a longer name", "Ann", "Hi,", "Which one?\n[Anna] The blue one.\n", "Hi,"},
		{"nobody's", "", "Hi,", "Which one?\n[] The blue one.\n", "Hi,"},
	} {
		head := "From: Shop <support@shop.example>\nSent: Sunday, November 22, 2026 10:15 AM\nTo: Anna\nSubject: Your order\n\n"
		body := c.own + "\n\n" + head + c.below
		if got := CutOf(c.writer, body, ""); got.Said != c.want {
			t.Errorf("%s: said %q, want %q", c.name, got.Said, c.want)
		}
	}
	marked := "Hi,\n\nOn 22 Nov 2026, Shop <support@shop.example> wrote:\n> Which one?\n> [Anna] The blue one.\n"
	if got := CutOf("Anna Petrova", marked, ""); !strings.Contains(got.Said, "[Anna] The blue one.") {
		t.Errorf("said %q", got.Said)
	}
}
