package incoming

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// pleads tells whether a text asks for nothing but a proof of a person, whatever its subject: it names the mail that waits, and has
// a link or stands under a subject that says the same. Who tells of such a text asks something, or speaks of himself.
func (m *Mail) pleads(subject bool) bool {
	text := strings.ReplaceAll(strings.ToLower(cut(m.Text, 4000)), "ё", "е")
	words := link.ReplaceAllString(text, "link")
	if m.Quoted != "" || len(m.Text) > 4000 || strings.Contains(words, "?") || puzzled.MatchString(words) {
		return false
	}
	return plea.MatchString(strings.Join(strings.Fields(words), " ")) && (link.MatchString(text) || subject && !answers(m.Subject))
}

var plea = regexp.MustCompile(`only from senders i have approved|added to my (?:list of )?(?:approved|allowed) senders|(?:prove|confirm|verify) (?:that )?you(?:'re| are) (?:a )?(?:human|not a (?:robot|machine|spammer)|a real person)` +
	`|(?:to|for) (?:your|this) (?:message|e-?mail|mail) to be delivered|to have your (?:message|e-?mail|mail) delivered|to (?:deliver|release) your (?:message|e-?mail|mail)` +
	`|чтобы (?:ваше |это |данное )?(?:письмо|сообщение) (?:было доставлено|дошло|попало)[^!?]{0,120}(?:перейдите|нажмите|пройдите|подтвердите|введите)|(?:перейдите|нажмите|пройдите|введите)[^!?]{0,120}чтобы (?:ваше |это |данное )?(?:письмо|сообщение) (?:было доставлено|дошло|попало)` +
	`|подтвердите,? что вы (?:не робот|не спам|человек|реальн)|(?:письмо|сообщение) будет доставлено[^!?]{0,60}(?:после|как только)[^!?]{0,60}подтвер|требуется подтверждение отправки` +
	`|pour que (?:votre|vos) (?:message|e-?mail|mail|courriel)s?[^!?]{0,60}(?:parvien|soi|délivr|remis|transmis)[^!?]{0,120}(?:cliqu|authentifi)|(?:cliqu|authentifi)[^!?]{0,160}(?:que votre (?:message|e-?mail|mail|courriel)[^!?]{0,40}(?:parvien|soi|délivr|remis|transmis)|délivrer votre (?:message|e-?mail|mail))` +
	`|damit ihre (?:nachricht|e-?mail|mail) zugestellt[^!?]{0,120}(?:klicken|bestätigen)|para que su (?:mensaje|correo)[^!?]{0,60}entreg[^!?]{0,120}(?:clic|confirm)`)

// puzzled are words of a person to whom it happens.
var puzzled = regexp.MustCompile(`\bi (?:get|got|click|clicked|tried|see|received|cannot|can't|am asked)\b|\berror\b|не (?:получается|могу|приходит|работает)|ошибк|мне (?:пишет|приходит|пришл)|у меня|выдает|перехожу|нажимаю`)

// linksChallenger tells whether the text leads to a service whose machines ask the senders of mail.
func (m *Mail) linksChallenger() bool {
	if m.Quoted != "" {
		return false
	}
	for _, l := range link.FindAllString(cut(m.Text, 4000), 10) {
		if strings.Contains(l, "earthlink.net/") && strings.Contains(strings.ToLower(l), "addme") {
			return true
		}
		if u, err := url.Parse(strings.TrimRight(l, ">).,")); err == nil && challenger(strings.ToLower(u.Hostname())) {
			return true
		}
	}
	return false
}

func challenger(domain string) bool {
	return slices.ContainsFunc(challengers, func(vendor string) bool { return domain == vendor || strings.HasSuffix(domain, "."+vendor) })
}
