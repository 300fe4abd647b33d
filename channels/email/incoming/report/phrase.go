package report

import "strings"

// phrase is what systems write for people when they give no reply of the server, in the languages of the large ones.
type phrase struct {
	reason string
	says   []string // one of these, in lower case
}

// phrases in the order in which they decide. What speaks of policy comes first, because it takes the proof from what
// is said beside it; what calls an address dead comes last.
var phrases = []phrase{
	{"refused", []string{"groups.google.com/support", "may not exist, or you may not have permission"}}, // one of the two, and which is not said
	{"deferred", []string{"host not found, try again"}},
	{"policy", []string{
		"identified as spam", "considered spam", "spam message", "rejected as spam", "looks like spam", "spam content", "blacklist", "block list", "blocklist", "blocked by", "content filter", "banned content", "virus", "malware", "security policy", "due to policy", "policy reasons", "against our policy", "message content rejected",
		"спам", "отклонено политикой", "антиспам", "заблокировано фильтром", "чёрном списке", "черном списке",
		"als spam", "spamverdacht", "richtlinie", "sperrliste",
		"indésirable", "comme spam", "liste noire", "correo no deseado", "como spam", "lista negra", "come spam", "posta indesiderata", "indesejad",
		"垃圾邮件", "垃圾郵件", "反垃圾", "迷惑メール", "スパム", "스팸",
	}},
	{"too_large", []string{
		"too large", "too big", "exceeds the maximum", "exceeds size", "size limit", "maximum message size", "larger than the",
		"слишком большо", "слишком велик", "превышает допустимый размер", "превышен размер",
		"zu groß", "trop volumineux", "trop gros", "trop grand", "demasiado grande", "troppo grande", "muito grande", "za duż", "太大", "过大", "過大", "大きすぎ",
	}},
	{"mailbox_full", []string{
		"mailbox is full", "mailbox full", "inbox is full", "over quota", "overquota", "over the quota", "mailbox exceeds allowed size", "mailbox size limit", "quota exceeded", "exceeded storage", "exceeded the quota", "exceeds his/her quota", "disk quota", "not enough storage", "not enough space", "insufficient storage", "storage limit", "too many messages in", "mailfolder is full", "recipient's mailbox exceeded", "mailbox exceeded the",
		"переполнен", "ящик полон", "превышена квота", "превысил квоту", "нет места", "недостаточно места",
		"postfach ist voll", "postfach voll", "postfach des empfängers ist voll", "mailbox ist voll", "speicherplatz",
		"est pleine", "est plein", "quota dépassé", "está lleno", "buzón lleno", "cuota excedida", "è piena", "casella piena", "está cheia", "caixa cheia", "jest pełna", "is vol", "kutusu dolu",
		"已满", "已滿", "空间不足", "容量不足", "いっぱい", "容量を超", "가득",
	}},
	{"mailbox_disabled", []string{
		"account is locked", "account is disabled", "account has been disabled", "account disabled", "mailbox is disabled", "mailbox disabled", "mailbox has been disabled", "disabled or discontinued", "account has been suspended", "account is suspended", "account has been closed", "account is inactive", "mailbox is inactive", "deactivated", "no longer active", "has been terminated",
		"ящик заблокирован", "ящик отключ", "аккаунт заблокирован", "аккаунт удал", "ящик удал", "учётная запись отключена", "учетная запись отключена", "деактивирован",
		"deaktiviert", "postfach ist gesperrt", "désactivé", "desactivad", "deshabilitad", "disattivat", "desativad", "已停用", "被禁用", "被停用", "冻结", "凍結", "無効",
	}},
	{"mail_loop", []string{"mail loop", "loops back", "too many hops", "hop count exceeded", "routing loop", "loop detected", "зациклив"}},
	{"hard_bounce", []string{
		"user unknown", "unknown user", "unknown recipient", "recipient unknown", "unknown address", "unknown email", "addressee unknown", "no such user", "no such recipient", "no such address", "no such person", "no such mailbox", "no mailbox here", "not a known user", "not a valid recipient", "not a valid mailbox",
		"user not found", "recipient not found", "mailbox not found", "address not found", "wasn't found", "was not found", "couldn't be found", "could not be found", "cannot be found", "couldn't find", "could not find", "not listed in", "not found in", "not in the directory", "no longer exists", "does not exist", "doesn't exist", "did not exist", "non-existent", "nonexistent", "no longer valid", "no longer available", "invalid recipient", "invalid mailbox", "invalid address", "recipient is invalid", "unknown or illegal", "unrouteable", "unroutable",
		"host unknown", "host not found", "indicated no smtp service", "nullmx", "null mx", "domain not found", "domain name not found", "unknown host", "bad destination", "has moved and left no", "no account", "doesn't have an account", "recipient name is not recognized", "recipient name is not recognised", "unknown local part", "unknown local-part", "is not a user", "not registered",
		"не найден", "не существует", "несуществующ", "нет такого", "такого пользователя нет", "неизвестный пользователь", "неизвестный получатель", "не зарегистрирован", "не знайден", "не існує",
		"empfänger unbekannt", "unbekannter empfänger", "benutzer unbekannt", "unbekannter benutzer", "existiert nicht", "nicht gefunden", "nicht bekannt", "nicht vorhanden", "nicht zugestellt werden, da die e-mail-adresse",
		"n'existe pas", "n’existe pas", "introuvable", "inconnu", "pas été trouvé", "no existe", "no se encontró", "no se ha encontrado", "no se ha podido encontrar", "desconocid", "non esiste", "sconosciut", "non è stato trovato", "impossibile trovare", "não existe", "não foi encontrad", "não encontrad", "desconhecid", "bestaat niet", "onbekende", "niet gevonden", "nie istnieje", "nieznany", "bulunamadı", "mevcut değil", //nolint:misspell // Italian
		"不存在", "无此用户", "無此用戶", "找不到", "存在しません", "存在しない", "見つかりません", "リストにありません", "宛先不明", "존재하지",
	}},
	{"deferred", []string{
		"timed out", "time out", "timeout", "connection refused", "could not connect", "couldn't connect", "unable to connect", "no route to host", "network is unreachable", "too long on the system", "message expired", "retry timeout", "retry time not reached", "did not accept our requests to connect", "could not deliver for the last", "envelope expired", "after multiple retries", "lost connection", "connection dropped", "server is not responding", "wasn't able to establish",
		"истекло время", "не отвечает", "zeitüberschreitung", "nicht erreichbar", "délai", "tiempo de espera", "超时", "逾時", "タイムアウト",
	}},
}

// spoken finds what the words for people say; "" when they say nothing that we know.
func spoken(s string) (string, Class) {
	s = strings.ToLower(strings.Join(strings.Fields(s[:min(len(s), 2*maxValue)]), " "))
	for _, p := range phrases {
		for _, w := range p.says {
			if strings.Contains(s, w) {
				if c, ok := classes[p.reason]; ok {
					return p.reason, c
				}
				return p.reason, Soft
			}
		}
	}
	return "", ""
}

func says(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
