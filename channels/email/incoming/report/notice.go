package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// notice reads a bounce in free words: who it names, and what stands beside each. No form of one provider is known
// here; they all name an address at the beginning of a line, or in the sentence that says what happened.
func (l *letter) notice() (Report, bool) {
	s := senderOf(l.root)
	if !s.machine() || l.report == "disposition-notification" || l.report == "feedback-report" {
		return Report{}, false
	}
	lines := l.told()
	all := strings.ToLower(strings.Join(lines, "\n"))
	kind := kindOf(s, strings.Join(strings.Fields(all), " "))
	if kind == "" {
		return Report{}, false
	}
	if !s.daemon && !s.failed && !reply.MatchString(all) && !enhanced.MatchString(all) {
		return Report{}, false // parcels cannot be delivered either
	}
	found := l.named(lines)
	if len(found) == 0 {
		if to := l.wroteTo(); to != "" {
			found = []chunk{{to: to, said: strings.Join(lines, "\n")}}
		}
	}
	if len(found) == 0 && !s.failed && !s.daemon {
		return Report{}, false
	}
	if len(found) == 0 { // the token or the Message-ID may still tell which mail it was
		found = []chunk{{said: strings.Join(lines, "\n")}}
	}
	r := Report{Kind: kind}
	var who recipients
	for _, c := range found {
		if !who.room(c.to) {
			continue
		}
		if kind == Delivered {
			who.add(Bounce{Recipient: c.to})
			continue
		}
		around := ""
		if len(found) == 1 {
			around = strings.Join(lines, "\n")
		}
		if kind == Bounced && len(found) == 1 && (strings.HasPrefix(s.subject, "returned mail:") || strings.HasPrefix(s.subject, "delivery failure:")) {
			around += "\n" + s.subject // Sendmail's and Domino's tell the reason; others repeat the subject of the mail
		}
		b := judge(evidence{said: c.said, around: around, at: stageOf(c.said), permanent: kind == Bounced})
		if kind == Delayed {
			b.Class = Soft
		}
		b.Recipient = c.to
		who.add(b)
	}
	r.Bounces, r.More = who.list, who.more
	return r, true
}

const maxLines = 2000

// copyOf begin the part of a notice that gives the mail back.
var copyOf = []string{
	"this is a copy of", "copy of the message", "copy of your message", "below this line is", "original message follows", "your original message", "the original message", "original message headers", "message headers follow", "header of the original message", "unsent message follows", "message header follows", "message text follows", "returned message", "------ original message", "----- original message", "---- original message", "--- original message", "-----original message", "included below", "original mail header", "исходное сообщение", "заголовки исходного", "ursprüngliche nachricht", "ursprüngliche nachrichtenkopfzeilen", "message d'origine", "en-têtes de message", "mensaje original", "encabezados de mensaje",
}

// told are the lines that the system itself wrote: neither a quotation nor the mail that comes back.
func (l *letter) told() []string {
	var out []string
	heads, size, named := 0, 0, false
	for line := range strings.Lines(l.words) {
		line = strings.TrimRight(line, " \t\r\n")
		line = line[:min(len(line), maxValue)]
		if size += len(line); len(out) == maxLines || size > maxSystem {
			break
		}
		t := strings.TrimSpace(line)
		if strings.HasPrefix(t, ">") && !strings.HasPrefix(t, ">>>") {
			continue
		}
		if (strings.HasPrefix(t, "-") || strings.HasPrefix(t, "|") || strings.HasSuffix(t, ":") || strings.HasSuffix(t, "-") || strings.HasSuffix(t, "=") || strings.HasSuffix(t, "follow.") || strings.HasSuffix(t, "follows.")) && named && says(strings.ToLower(t), copyOf) {
			break
		}
		name, _, ok := cutField(t)
		if ok && says(strings.ToLower(name), []string{"subject", "betreff", "тема", "objet", "asunto", "oggetto", "assunto", "主题"}) {
			continue // of the mail: its words are the sender's
		}
		if ok && headed(name) {
			if heads++; heads >= 2 {
				break
			}
		} else if t != "" && heads > 0 && line == t {
			heads = 0
		}
		named = named || strings.Contains(line, "@")
		out = append(out, line)
	}
	return out
}

// headed tells whether a line begins a header that nobody writes by hand.
func headed(name string) bool {
	switch strings.ToLower(name) {
	case "received", "return-path", "message-id", "mime-version", "dkim-signature", "content-type", "content-transfer-encoding", "x-mailer", "delivered-to", "authentication-results", "arc-seal", "list-unsubscribe", "list-unsubscribe-post":
		return true
	}
	return false
}

// kindOf says what the words tell happened; "" when they tell of no delivery at all.
func kindOf(s sender, words string) Kind {
	switch {
	case (place(s.subject, []string{"successful mail delivery", "message delivered", "delivered:", "relayed:"}) == 0 || strings.Contains(s.subject, "(success)")) && !says(words, failures):
		return Delivered
	case says(words, permanents): // some say both: it was delayed, and is over now
	case place(s.subject, delayed) == 0, strings.Contains(s.subject, "(delay)"), says(words, delays):
		return Delayed
	}
	if says(words, failures) || s.failed || s.bounced && (reply.MatchString(words) || enhanced.MatchString(words)) {
		return Bounced
	}
	if s.bounced {
		if reason, _ := spoken(words); reason != "" {
			return Bounced
		}
	}
	return ""
}

var permanents = []string{"permanent error", "permanent fatal error", "failed permanently", "permanent failure", "permanently failed", "giving up", "i've given up", "given up", "no longer be tried", "message has been returned", "will not be retried", "too long in the queue", "retry timeout exceeded", "could not be delivered to one or more recipients", "undeliverable"}

// delayed begin the subject of a notice; further behind stands the subject of our mail.
var delayed = []string{"delayed mail", "delivery delayed", "delivery delay", "delivery incomplete", "message delayed", "warning: message", "warning: could not send", "mail delayed", "доставка отложена", "zustellung verzögert"}

var delays = []string{
	"warning message only", "do not need to resend", "has not yet been delivered", "have not yet been delivered", "not yet been delivered", "will continue to try", "will be retried", "we'll keep trying", "will keep trying", "still being retried", "has been delayed", "is delayed", "was delayed", "delivery delayed", "delayed mail", "message delayed", "delivery delay", "(delay)", "delivery incomplete", "could not send message for past", "will retry for", "will be made for", "delivery attempts will continue", "delayed delivery",
	"ещё не доставлен", "еще не доставлен", "попытки доставки будут", "доставка отложена", "будет продолжать попытки", "verzögert", "noch nicht zugestellt", "retardé", "se ha retrasado", "in ritardo", "尚未送达", "延迟", "遅延", "遅れて",
}

var failures = []string{
	"not be delivered", "n't be delivered", "not delivered", "not been delivered", "n't delivered", "wasn't delivered", "unable to deliver", "not able to deliver", "wasn't able to deliver", "was unable to deliver", "could not deliver", "couldn't deliver", "cannot deliver", "can't deliver", "failed to deliver", "not possible to deliver", "couldn't be sent", "could not be sent", "cannot be sent", "delivery failed", "delivery has failed", "delivery failure", "delivery error", "delivery to the following", "delivering to the following", "delivery of the message", "delivery unsuccessful", "delivery status notification", "failed delivery", "failed permanently", "permanent error", "permanent fatal", "permanent failure", "fatal error", "undeliverable", "undelivered", "did not reach", "not reach", "could not be reached", "was rejected", "been rejected", "rejected by", "rejected your message", "were rejected", "returned to sender", "returned mail", "being returned", "is returned", "been returned", "was returned", "non-delivery", "problem delivering", "problems delivering", "message was undeliverable", "bounced", "was blocked", "been blocked", "refused by", "not accepted", "could not send", "user unknown", "unknown user", "no such user", "mailbox full", "mailbox is full", "rejected the message", "rejected recipient", "address not found", "message blocked", "recipient rejected", "could not complete the delivery", "discarded", "failed recipient", "following recipients failed", "following addresses", "following address(es)", "error while attempting", "while attempting to deliver", "error delivering", "no valid recipients", "failure reasons", "mailbox exceeds",
	"не доставлен", "не был доставлен", "не было доставлено", "не удалось доставить", "не удается доставить", "не удаётся доставить", "невозможно доставить", "не может быть доставлен", "недоставлен", "ошибка доставки", "отклонен", "отклонён", "не вдалося доставити",
	"nicht zugestellt", "nicht zustellbar", "fehlgeschlagen", "konnte nicht", "konnten nicht", "unzustellbar", "n'a pas pu", "n’a pas pu", "pas été remis", "n'ont pas", "échoué", "impossible de", "no se pudo", "no se puede", "no se ha podido", "no ha podido", "no pudo ser", "non è stato possibile", "impossibile", "non recapitat", "mancato recapito", "não foi possível", "não pôde", "não entregue", "niet worden bezorgd", "niet bezorgd", "nie dostarczono", "nie można dostarczyć", "teslim edilemedi", "iletilemedi", //nolint:misspell // Italian
	"退信", "无法投递", "无法送达", "无法发送", "未能送达", "投递失败", "被退回", "拒收", "無法傳遞", "無法傳送", "配信できません", "配信されません", "届けられません", "送信できません", "お届けでき", "전달되지", "배달되지",
}

// chunk is one recipient and what was said beside it.
type chunk struct {
	to, said string
	weak     bool // found behind "To:", which may be the mail's own
}

// addresses are the places in a line where one stands: begin and end.
func addresses(line string) (out [][2]int) {
	for at := 0; len(out) < 4; {
		i := strings.IndexByte(line[at:], '@')
		if i < 0 {
			break
		}
		i += at
		begin, end := i, i+1
		for begin > at && i-begin < 128 {
			r, size := utf8.DecodeLastRuneInString(line[at:begin])
			if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+/=?^_{|}~.-", r) {
				break
			}
			begin -= size
		}
		for end < len(line) && end-i < 254 {
			r, size := utf8.DecodeRuneInString(line[end:])
			if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' {
				break
			}
			end += size
		}
		for end > i+1 && (line[end-1] == '.' || line[end-1] == '-') {
			end--
		}
		for begin < i && strings.IndexByte("'*=|.", line[begin]) >= 0 {
			begin++
		}
		if begin < i && end > i+1 {
			out = append(out, [2]int{begin, end})
		}
		at = max(end, i+1)
	}
	return out
}

// leading is what may stand before an address that a line is about.
var leading = regexp.MustCompile(`(?i)^[\s*•·-]*(?:(?:failed )?(?:recipients?|to|addressee|address|user|получатель|адрес|кому|empfänger|destinataire|destinatario|收件人|rcpt to)\s*(?:\([^)]*\))?\s*[:：]\s*)?(?:mailto:|smtp:|rfc822;)?[<"'(\[«„“”]*$`)

// named finds the recipients: X-Failed-Recipients knows them best; then the addresses that begin a line; then the
// first one that a sentence mentions.
func (l *letter) named(lines []string) []chunk {
	all := strings.Join(lines, "\n")
	own := l.own()
	var lead, inline []chunk
	current := -1
	for _, line := range lines {
		if name, _, ok := cutField(strings.TrimSpace(line)); ok && says(strings.ToLower(name), []string{"message-id", "from", "reply-to", "sender"}) {
			continue
		}
		spots := addresses(line)
		for i, at := range spots {
			to := address(line[at[0]:at[1]])
			if to == "" || own[strings.ToLower(to)] {
				continue
			}
			if i == 0 && leading.MatchString(line[:at[0]]) && !strings.Contains(strings.ToLower(line), "wrote:") {
				if j := indexOf(lead, to); j >= 0 {
					current = j
				} else if len(lead) <= most {
					lead = append(lead, chunk{to: to, weak: toField.MatchString(line)})
					current = len(lead) - 1
				} else {
					current = -1
				}
			} else if len(inline) <= most && !office(to) {
				inline = append(inline, chunk{to: to, said: all})
			}
		}
		if current >= 0 && len(lead[current].said) < maxValue {
			if spots != nil && lead[current].said == "" { // what stands behind the address
				line = strings.TrimLeft(line[spots[0][1]:], ">)]}\"'»“”: \t")
			}
			lead[current].said += line + "\n"
		}
	}
	if failed := l.failed(own); len(failed) > 0 {
		for i := range failed {
			if j := indexOf(lead, failed[i].to); j >= 0 && len(failed) > 1 {
				failed[i].said = lead[j].said
			} else {
				failed[i].said = all
			}
		}
		return failed
	}
	lead = prefer(lead, func(c chunk) bool { return !office(c.to) })
	lead = prefer(lead, func(c chunk) bool { return !c.weak })
	switch {
	case len(lead) == 1:
		if !reply.MatchString(lead[0].said) && (reply.MatchString(all) || strings.TrimSpace(lead[0].said) == "") {
			lead[0].said = all
		}
		return lead
	case len(lead) > 1:
		return lead
	case len(inline) > 0:
		return inline[:1]
	}
	return nil
}

var toField = regexp.MustCompile(`(?i)^\s*(?:to|кому|an|à|para|a|收件人)\s*[:：]`)

// prefer keeps those that are good, or all when none is.
func prefer(all []chunk, good func(chunk) bool) []chunk {
	var out []chunk
	for _, c := range all {
		if good(c) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

func indexOf(all []chunk, to string) int {
	for i := range all {
		if strings.EqualFold(all[i].to, to) {
			return i
		}
	}
	return -1
}

// failed reads X-Failed-Recipients, which Exim and Gmail write.
func (l *letter) failed(own map[string]bool) []chunk {
	var out []chunk
	for _, v := range l.root.Header["X-Failed-Recipients"] {
		for _, a := range strings.Split(v[:min(len(v), maxBlock)], ",") {
			if to := address(decoded(a)); to != "" && !own[strings.ToLower(to)] && len(out) <= most {
				out = append(out, chunk{to: to})
			}
		}
	}
	return out
}

// own are addresses of the notice itself: where it came from and where it went.
func (l *letter) own() map[string]bool {
	own := map[string]bool{}
	for _, name := range []string{"From", "To", "Reply-To", "Delivered-To", "Envelope-To", "Return-Path", "Sender"} {
		for _, v := range l.root.Header[name] {
			v = v[:min(len(v), maxValue)]
			for _, at := range addresses(v) {
				own[strings.ToLower(v[at[0]:at[1]])] = true
			}
		}
	}
	return own
}

// office tells whether an address is one that people are told to write to for help.
func office(a string) bool {
	local, _, _ := cutLast(strings.ToLower(a), "@")
	switch local {
	case "postmaster", "abuse", "support", "help", "helpdesk", "mailer-daemon", "administrator", "hostmaster", "noc", "postmaster-help", "bounce", "bounces":
		return true
	}
	return strings.HasPrefix(local, "bounce+") || strings.HasPrefix(local, "reply+")
}
