package report

import (
	"net/mail"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// sender is what a mail's header tells about who wrote it.
type sender struct {
	daemon   bool // its name or address is that of a mail system
	bounced  bool // its subject is that of a bounce
	null     bool // an empty envelope sender: nobody is to be told when this fails (RFC 5321 §4.5.5)
	auto     bool // Auto-Submitted (RFC 3834 §5)
	failed   bool // X-Failed-Recipients, or Exchange's mark
	answered bool // a person's subject: an answer, or something passed on
	away     bool // an auto-reply's subject
	subject  string
}

func senderOf(root *enmime.Part) sender {
	h := root.Header
	s := sender{subject: strings.ToLower(strings.Join(strings.Fields(decoded(h.Get("Subject"))), " "))}
	from := decoded(h.Get("From"))
	name, local := strings.ToLower(from), ""
	if a, err := mail.ParseAddress(from); err == nil {
		name = strings.ToLower(a.Name)
		local, _, _ = cutLast(strings.ToLower(a.Address), "@")
	} else if a := address(from); a != "" {
		local, _, _ = cutLast(strings.ToLower(a), "@")
	} else {
		local = strings.Trim(strings.ReplaceAll(name, "<>", ""), "<> ")
		s.daemon = local == "" && from != "" // From: <>
	}
	switch local {
	case "mailer-daemon", "mailerdaemon", "mail-daemon", "maildaemon", "mailer_daemon", "postmaster", "mdaemon", "daemon", "bounce", "bounces", "mmdf", "mailsystem", "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e":
		s.daemon = true
	}
	s.daemon = s.daemon || says(name, daemons)
	s.bounced = says(s.subject, subjects)
	if p, ok := h["Return-Path"]; ok && len(p) > 0 {
		v := strings.ToLower(strings.Trim(p[0], "<> \t"))
		s.null = v == "" || strings.HasPrefix(v, "mailer-daemon") || strings.HasPrefix(v, "postmaster@")
	}
	auto := strings.ToLower(strings.TrimSpace(h.Get("Auto-Submitted")))
	s.auto = strings.HasPrefix(auto, "auto-")
	_, ndr := h["X-Ms-Exchange-Message-Is-Ndr"]
	s.failed = ndr || h.Get("X-Failed-Recipients") != ""
	for _, p := range passedOn {
		s.answered = s.answered || strings.HasPrefix(s.subject, p)
	}
	// The subject of our mail may stand behind either: "Undeliverable: Your vacation", "Automatic reply: Undelivered parcels".
	away := place(s.subject, aways)
	s.away = away >= 0 && (!s.bounced || away < place(s.subject, subjects))
	return s
}

// place is where the first of the words stands in s; -1: none does.
func place(s string, words []string) int {
	at := -1
	for _, w := range words {
		if i := strings.Index(s, w); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	return at
}

// machine tells whether a mail system wrote it, as far as a header can.
func (s sender) machine() bool {
	if s.away {
		return false
	}
	return s.failed || s.daemon && !(s.answered && !s.null && !s.auto) || s.bounced && !s.answered && (s.null || s.auto)
}

var daemons = []string{
	"mail delivery", "mailer-daemon", "mailer daemon", "maildelivery", "mail daemon", "postmaster", "mail system", "mail administrator", "system administrator", "system administration", "delivery subsystem",
	"internet mail delivery", "mail gateway", "mdaemon", "microsoft outlook", "mail router", "mailrouter", "bounce notification", "systemadministrator", "администратор почт", "почтовая система", "系统退信", "系統退信", "邮件系统", "郵件系統",
}

// subjects of bounces.
var subjects = []string{
	"undeliver", "undelivered", "delivery status", "delivery failure", "delivery failed", "delivery has failed", "delivery fail", "failure notice", "failed delivery", "mail failure", "delivery notification", "returned mail", "returned to sender", "return to sender", "mail delivery", "message delivery", "delivery report", "delivery error", "delivery incomplete", "delivery problem", "non-delivery", "nondelivery", "non delivery", "nondeliverable",
	"could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "could not send message", "not delivered", "bounced", "message status", "mail status", "mail system error", "user unknown", "unknown user", "warning: message", "delayed mail", "delivery delayed", "message delayed", "delivery delay", "mail rejected", "message rejected", "rejected:", "delivery unsuccessful", "message you sent blocked", "blocked by our bulk", "permanent delivery failure", "unzustellbar", "problem delivering", "problems delivering", "successful mail delivery", "mail could not", "mail failed", "mail failure", "message failure",
	"не доставлен", "недоставлен", "не удалось доставить", "невозможно доставить", "ошибка доставки", "сбой доставки", "возврат", "не может быть доставлен", "уведомление о доставке", "отчет о доставке", "отчёт о доставке", "не доставлено", "доставка отложена", "не вдалося доставити",
	"zustellung fehlgeschlagen", "nicht zugestellt", "nicht zustellbar", "zustellfehler", "non remis", "non distribu", "échec de", "échec d", "no se puede entregar", "no entregado", "no entregable", "no se ha podido entregar", "error de entrega", "mancato recapito", "non recapitabile", "consegna non riuscita", "impossibile recapitare", "não entregue", "não é possível entregar", "falha na entrega", "não pôde ser entregue", "niet bestelbaar", "onbestelbaar", "niet bezorgd", "niedostarczon", "nie dostarczono", "teslim edilemedi", "iletilemedi", "nelze doručit", "kunde inte levereras", "går inte att leverera", //nolint:misspell // Italian
	"退信", "无法投递", "無法傳遞", "无法送达", "投递失败", "未能送达", "配信不能", "配信できません", "配信エラー", "送信エラー", "전송 실패", "배달되지 않",
}

// passedOn begin the subject of what a person answers or passes on.
var passedOn = []string{"re:", "re[", "fwd:", "fw:", "aw:", "wg:", "sv:", "vs:", "vb:", "antw:", "doorst:", "tr:", "rv:", "res:", "enc:", "i:", "r:", "rif:", "odp:", "pd:", "ynt:", "ilt:", "на:", "отв:", "ответ:", "пер:", "пересл:", "回复:", "回复：", "答复:", "答复：", "转发:", "转发：", "回覆:", "轉寄:"}

// aways are subjects of auto-replies, which speak of addresses too ("I have left, write to ...").
var aways = []string{"out of office", "out of the office", "automatic reply", "auto-reply", "autoreply", "auto reply", "auto response", "autoresponse", "auto-response", "vacation", "on holiday", "автоответ", "автоматический ответ", "в отпуске", "abwesen", "automatische antwort", "réponse automatique", "absence", "respuesta automática", "fuera de la oficina", "risposta automatica", "fuori sede", "resposta automática", "ausência", "autosvar", "automatisch antwoord", "自动回复", "自動回覆", "自動返信", "不在"}
