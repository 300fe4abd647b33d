package incoming

import "testing"

func TestNotice_SaysNothingElse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"I am currently out of the office until Monday, December 5, and will reply when I return.":      true,
		"I'm on vacation. I will have limited access to my e-mail.":                                     true,
		"Thank you for your email, I am out of the office.":                                             true,
		"Сейчас я в отпуске, вернусь 5 декабря.":                                                        true,
		"К сожалению, я на больничном до конца недели.":                                                 true,
		"С 1 по 15 декабря я нахожусь в отпуске. Отвечу после возвращения.":                             true,
		"Меня нет на рабочем месте до понедельника.":                                                    true,
		"Я нахожусь в отпуске до 10.12.2026, по всем вопросам обращайтесь к Борису: boris@work.example": true,
		"I am on leave, for urgent matters write to boris@work.example.":                                true,
		"Я в отпуске до 10.12.2026, по вопросам доставки звоните мужу.":                                 false,
		"Je suis en congés jusqu'au 5 décembre.":                                                        true,
		"Estoy de vacaciones hasta el 5 de diciembre.":                                                  true,
		"":              false,
		"I will reply.": false, // of whom nothing says that he is away
		"I am on leave until Monday.\nThree pairs.":                   false,
		"I am on leave until Monday, my wife takes them.":             false,
		"Я в отпуске до пятницы, привезите потом.":                    false,
		"Я в отпуске, поэтому дома буду всегда.":                      false,
		"I am on holiday in Riga and the parcel is not there.":        false,
		"Je suis en congés jusqu'à lundi, déposez-le chez le gardien": false,
		"Estoy de vacaciones hasta el lunes. El azul.":                false,
		"I am out of the office. " + string(make([]byte, noticeSize)): false,
	} {
		if got := notice(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
