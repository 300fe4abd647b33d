package incoming

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A notice is a text by which somebody's program says that he is not there. Many of them carry no field that says so. Customers
// write the same words ("I am on leave until Monday, deliver after"), so a text is a notice only if every sentence of it is
// one that notices are made of, and none asks for anything.
const (
	noticeSize  = 600 // bytes
	noticeLines = 8   // with a greeting and a name
)

// notice tells whether the whole of what was said is such a notice.
func notice(text string) bool {
	text = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(text), "ё", "е"), "’", "'")
	if len(text) > noticeSize || strings.ContainsAny(text, "?？") {
		return false
	}
	all := noticeSentences(text)
	found, closed := false, false
	for _, s := range all {
		switch {
		case closed && len(strings.Fields(s)) <= 4: // a name below
		case asks.MatchString(s) && !elsewhere.MatchString(s):
			return false
		case gone.MatchString(s):
			found = true
			if goesOn.MatchString(allowedAnd.ReplaceAllString(s, ";")) {
				return false
			}
		case back.MatchString(s):
			if goesOn.MatchString(allowedAnd.ReplaceAllString(s, ";")) {
				return false
			}
		case elsewhere.MatchString(s), greets.MatchString(s) && len(s) < 80:
		case closes.MatchString(s) && len(s) < 80:
			closed = true
		default:
			return false
		}
	}
	return found && len(all) <= noticeLines
}

// noticeSentences parts a text at line ends and where sentences end. A line that goes on in the next one is joined with it; a
// stop behind a number is of a date.
func noticeSentences(text string) (all []string) {
	s := ""
	flush := func() {
		if s = strings.Trim(s, " \t.!,;:—–-"); s != "" {
			all = append(all, s)
		}
		s = ""
	}
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if first, _ := utf8.DecodeRuneInString(l); l == "" || len(s) < 50 || !unicode.IsLetter(first) && !unicode.IsDigit(first) || greets.MatchString(l) || closes.MatchString(l) {
			flush()
		} else {
			s += " "
		}
		for l != "" {
			i := strings.IndexAny(l, ".!;")
			if i < 0 {
				s += l
				break
			}
			s += l[:i+1]
			end := i+1 == len(l) || l[i+1] == ' ' && (i == 0 || l[i-1] < '0' || l[i-1] > '9' || l[i] != '.')
			if l = l[i+1:]; end {
				flush()
			}
		}
	}
	flush()
	return all
}

// What notices say, in lower case. gone: that he is not there.
var gone = regexp.MustCompile(`^(?:(?:thank you|thanks) for your (?:message|e-?mail|mail)[,.]? (?:but )?)?(?:(?:i am|i'm|i will be|i'll be|currently|please note that i am) (?:(?:currently|now|still|away|and) )*(?:out of (?:the |my )?office|on (?:an? )?(?:annual |parental |maternity |paternity |sick |summer |winter )?(?:leave|vacation|holidays?)|away\b|absent|travelling|traveling|not in the office)|out of (?:the )?office (?:until|till|from))` +
	`|^(?:(?:в настоящее время|сейчас|сегодня|временно|к сожалению,?|с \S{1,12}(?: \S{1,12})? (?:по|до) \S{1,12}(?: \S{1,12})?) )*(?:я )?(?:(?:сейчас|временно|в настоящее время|буду|нахожусь) )*(?:(?:в|на) (?:\S{1,15}(?:ом|ем) )?(?:отпуске|отпуску|больничном|командировке)|отсутствую|меня нет (?:в офисе|на (?:рабочем )?месте)|не в офисе|вне офиса|не на рабочем месте)` +
	`|^(?:derzeit|zur zeit|momentan|aktuell|ich)\b.{0,60}(?:nicht im (?:büro|haus)|außer haus|im urlaub|abwesend|nicht erreichbar)` +
	`|^(?:actuellement,? )?je suis (?:actuellement |en ce moment )?(?:en congés?|absente?|en vacances|hors du bureau)|^(?:actualmente,? )?(?:estoy|me encuentro) (?:actualmente )?(?:de vacaciones|fuera de la oficina|ausente|de baja)`)

// back: when he reads it.
var back = regexp.MustCompile(`^(?:(?:i|and) )?(?:i )?(?:will|'ll|shall|i'll) (?:be back|be returning|return|reply|respond|answer|get back|read)|^i (?:have|will have|shall have) (?:only )?(?:limited|no|restricted) access|^(?:your|this) (?:message|e-?mail|mail) (?:will (?:not )?be (?:read|forwarded|answered)|is not (?:read|being)|is automatic)|^this is an auto` +
	`|^(?:я )?(?:вернусь|выйду|выхожу|отвечу|смогу ответить|буду (?:на месте|в офисе|на рабочем месте|на связи|доступ)|приступлю)|^(?:доступ к почте|доступа к почте|это автоматическ|ваше (?:письмо|сообщение) (?:не )?будет (?:прочитано|переслано))` +
	`|^(?:ab|am) .{0,40} (?:bin ich|wieder)|^ich (?:bin|werde) .{0,60}(?:zurück|wieder|antworten|beantworten|melden)|^ihre (?:nachricht|e-?mail) wird|^je (?:serai|reviens|reviendrai|répondrai|vous répondrai)|^(?:volveré|regreso|regresaré|responderé|contestaré)`)

// elsewhere: whom to ask instead.
var elsewhere = regexp.MustCompile(`^(?:(?:in|for|on) (?:any |all )?(?:urgent|emergenc|case of|matters)|if (?:it is|it's|your .{1,30} is|this is|the matter is) urgent|if you (?:need|require) (?:immediate|urgent)|please (?:contact|call|write to)|(?:по|в) (?:всем |любым |случае |особо )*(?:срочн|неотложн|экстренн|вопросам)|на время моего отсутствия|в мое отсутствие|in dringenden|bei dringenden|en cas d'urgence|pour toute urgence|en caso de urgencia|para (?:asuntos )?urgen)`)

var greets = regexp.MustCompile(`^(?:hello|hi\b|dear\b|good (?:day|morning|afternoon|evening)|thank you(?:$| for your (?:message|e-?mail|mail))|thanks(?:$| for your (?:message|e-?mail|mail))|здравствуйте|добр(?:ый|ого|ое) (?:день|дня|утро|вечер)|уважаем|спасибо за (?:ваше )?(?:письмо|сообщение|обращение)|благодар(?:ю|им) за|hallo|guten tag|sehr geehrte|vielen dank für ihre|bonjour|merci (?:pour|de) votre|hola|buenos días|gracias por su|(?:авто|auto))`)

var closes = regexp.MustCompile(`^(?:(?:best|kind|warm|many)?\s*(?:regards|wishes)|sincerely|yours|cheers|с уважением|с наилучшими|всего доброго|хорошего дня|mit freundlichen|viele grüße|beste grüße|cordialement|bien à vous|saludos|un saludo|atentamente)`)

// asks are words of somebody who wants something, or speaks of what he bought.
var asks = regexp.MustCompile(`please|\b(?:want|need|like|would|could|can you|deliver\w*|order\w*|parcel|package|send|ship\w*|cancel\w*|change|refund|neighbou?r|courier|instead|prefer|pick|take|collect|keep|leave (?:it|them|the)|bring|pay|buy|come|call me|then|after|size|colou?r)\b` +
	`|пожалуйста|прошу|хочу|хотел|нужн|надо|можно|можете|приве[зд]|достав|заказ|курьер|посыл|отмен|перенес|сосед|поменя|замен|верните|возврат|оплат|забер|забра|оставь|отправь|пришлите|позвоните|потом|тогда|размер|цвет` +
	`|bitte|\b(?:liefer|bestell|paket|nachbar|möchte|brauche|schick|dann\b|danach)|livr|colis|command|voisin|voudrais|veuillez|entreg|pedido|paquete|vecino|quiero|por favor|необход|交`)

// goesOn is what joins a wish to a notice: "until Monday, leave it at the door".
var goesOn = regexp.MustCompile(`,\s*\pL|\s(?:and|so|but|и|а|но|поэтому|und|aber|et|donc|y|pero)\s`)

// allowedAnd joins two parts of a notice.
var allowedAnd = regexp.MustCompile(`(?:,|,?\s(?:and|but|и|а|но|und|et|y))\s(?:i )?(?:(?:will |shall |'ll |i'll )?(?:return|be back|reply|respond|answer|get back|have (?:only )?(?:limited|no))|cannot|can't|do not have|am\b|i'm\b` +
	`|вернусь|отвечу|буду|не смогу|смогу|не имею|доступ|отсутствую|я\s|к сожалению|(?:по|в) (?:всем |любым |случае |особо )*(?:срочн|неотложн|экстренн|вопросам)|(?:for|in) (?:urgent|emergenc)|in dringenden|bei dringenden|bin|werde|kehre|habe|kann|komme|serai|reviens|je\s|volveré|regreso|estoy|january|february|march|april|may|june|july|august|september|october|november|december)`)

// automaton are words of a machine that answers nobody. From a no-reply address they are proof.
var automaton = regexp.MustCompile(`(?i)автоматически (?:создан|сформирован|сгенерирован|отправлен)|(?:создан|сформирован|сгенерирован|отправлен)(?:о|а)? автоматически|не отвечайте|не нужно отвечать|do not (?:reply|respond)|automatic(?:ally)? generated|auto-?generated|automated (?:message|e-?mail|mail)|antworten sie (?:bitte )?nicht|automatisch (?:erstellt|generiert|erzeugt)|ne pas répondre|no responda`)
