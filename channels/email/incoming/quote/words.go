package quote

// The words mail programs put around what people write, in the languages they are sold in, lower case. Adding a
// language is adding words here.

// verbs end a line that introduces a quote ("... wrote:"), or stand before the name ("schrieb Anna:").
var verbs = []string{
	"wrote", "writes", "schrieb", "geschrieben", "a écrit", "a ecrit", "écrit", "escribió", "escribio", "ha scritto", "scrisse", "escreveu",
	"schreef", "geschreven", "napisał", "napisała", "napisał(a)", "pisze", "yazdı", "yazmış", "skrev", "kirjoitti", "írta", "a scris",
	"napsal", "napsala", "napsal(a)", "napísal", "napísala", "napísal(a)", "έγραψε", "je napisao", "je napisala", "đã viết", "menulis",
	"написал", "написала", "написал(а)", "вы писали", "вы написали", "писал", "писала", "писал(а)", "пишет", "сообщил", "сообщила",
	"написав", "написала", "написав(ла)", "написав(-ла)", "пише", "написа", "เขียน", "rašė", "rakstīja", "kirjutas",
	"写道", "寫道", "写到", "のメッセージ", "書きました", "書き込み", "님이 작성", "작성", "كتب", "كتبت", "تمت كتابة ما يلي", "כתב", "כתבה", "מאת", "ने लिखा", "نوشت",
}

// leads begin a line that introduces a quote with its date.
var leads = []string{
	"on ", "at ", "am ", "le ", "el ", "il ", "em ", "no dia ", "op ", "w dniu ", "dnia ", "den ", "dne ", "dňa ", "på ", "în ", "la data ",
	"in data ", "на ", "в ", "vào ", "pada ", "στις ", "ngày ", "в письме от ", "в сообщении от ", "in message ", "in a message dated ",
	"בתאריך ", "ב-", "في ", "بتاريخ ", "在", "於", "于",
}

// selves say that the person tells of his own writing, not a program of another's.
var selves = []string{
	"i wrote", "we wrote", "i just wrote", "i already wrote", "я писал", "я писала", "я написал", "я написала", "мы писали", "ich schrieb", "wir schrieben",
	"habe ich geschrieben", "j'ai écrit", "i have written", "ik schreef", "я вам писал", "я вам написал", "я вам писала", "я вам написала",
}

// field is what a line of a header block tells.
type field uint8

const (
	none field = iota
	from
	date
	to
	subject
	other
)

// fields are the names of header lines as mail programs write them above a message they quote.
var fields = map[string]field{
	"from": from, "sender": from, "von": from, "absender": from, "de": from, "expéditeur": from, "da": from, "mittente": from, "remitente": from,
	"van": from, "afzender": from, "od": from, "nadawca": from, "kimden": from, "gönderen": from, "fra": from, "från": from, "lähettäjä": from,
	"feladó": from, "от": from, "от кого": from, "отправитель": from, "від": from, "від кого": from, "відправник": from, "ад": from,
	"发件人": from, "寄件者": from, "寄件人": from, "差出人": from, "送信者": from, "보낸 사람": from, "보낸사람": from, "발신": from, "من": from, "מאת": from,
	"de la": from, "expeditor": from, "από": from, "từ": from, "dari": from, "จาก": from, "odesílatel": from, "odosielateľ": from,

	"sent": date, "date": date, "sent on": date, "gesendet": date, "gesendet am": date, "datum": date, "envoyé": date, "date d'envoi": date, "envoyé le": date, "enviado": date,
	"enviado el": date, "enviado em": date, "enviada em": date, "enviada": date, "fecha": date, "data": date, "inviato": date, "data invio": date, "verzonden": date,
	"wysłano": date, "data wysłania": date, "gönderildi": date, "gönderilme tarihi": date, "tarih": date, "sendt": date, "dato": date, "skickat": date,
	"lähetetty": date, "päivämäärä": date, "päiväys": date, "elküldve": date, "dátum": date, "odesláno": date, "odoslané": date, "отправлено": date, "дата": date, "дата отправки": date,
	"дата и время": date, "надіслано": date, "发送时间": date, "发送日期": date, "日期": date, "时间": date, "寄件日期": date, "傳送時間": date, "送信日時": date, "日時": date, "日付": date,
	"보낸 날짜": date, "날짜": date, "보낸 시간": date, "تاريخ الإرسال": date, "التاريخ": date, "أرسلت": date, "תאריך": date, "נשלח": date, "trimis": date, "στάλθηκε": date,
	"ημερομηνία": date, "đã gửi": date, "ngày": date, "tanggal": date, "ส่งเมื่อ": date,

	"to": to, "an": to, "empfänger": to, "à": to, "destinataire": to, "para": to, "a": to, "aan": to, "do": to, "kime": to, "alıcı": to, "til": to, "till": to,
	"vastaanottaja": to, "címzett": to, "komu": to, "кому": to, "получатель": to, "收件人": to, "收件者": to, "宛先": to, "받는 사람": to, "받는사람": to, "수신": to,
	"إلى": to, "אל": to, "către": to, "προς": to, "tới": to, "đến": to, "kepada": to, "ถึง": to,

	"subject": subject, "betreff": subject, "objet": subject, "asunto": subject, "oggetto": subject, "assunto": subject, "onderwerp": subject, "temat": subject,
	"konu": subject, "emne": subject, "ämne": subject, "aihe": subject, "tárgy": subject, "předmět": subject, "predmet": subject, "тема": subject,
	"主题": subject, "主旨": subject, "主題": subject, "件名": subject, "제목": subject, "الموضوع": subject, "נושא": subject, "subiect": subject, "θέμα": subject,
	"chủ đề": subject, "subjek": subject, "perihal": subject, "เรื่อง": subject,

	"cc": other, "bcc": other, "kopie": other, "copie à": other, "копия": other, "копія": other, "抄送": other, "副本": other, "참조": other, "dw": other, "kopia": other,
	"reply-to": other, "reply to": other, "antwort an": other, "ответить": other, "ответ-кому": other, "répondre à": other, "responder a": other,
	"importance": other, "wichtigkeit": other, "важность": other, "attachments": other, "anlagen": other, "вложения": other, "organization": other, "message-id": other,
}

// originals stand between dashes above the message that is answered (some programs: or passed on).
var originals = set(
	"original message", "original-nachricht", "originalnachricht", "original email", "reply message", "ursprüngliche nachricht", "ursprüngliche mail", "originalmeldung",
	"message d'origine", "message original", "message initial", "mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht", "origineel bericht",
	"wiadomość oryginalna", "oryginalna wiadomość", "wiadomość pierwotna", "orijinal mesaj", "orijinal ileti", "özgün i̇leti", "özgün ileti", "original meddelelse", "oprindelig meddelelse",
	"oprindelig besked", "ursprungligt meddelande", "originalmeddelande", "opprinnelig melding", "alkuperäinen viesti", "eredeti üzenet", "původní zpráva", "originální zpráva", "původní e-mail",
	"pôvodná správa", "mesaj original", "исходное сообщение", "исходное письмо", "оригинальное сообщение", "оригинал сообщения", "первоначальное сообщение",
	"вихідне повідомлення", "оригінальне повідомлення", "початкове повідомлення", "原始邮件", "原始郵件", "原邮件", "邮件原件", "原始信件", "元のメッセージ", "オリジナルメッセージ", "original message from",
	"원본 메시지", "원본 메일", "원래 메시지", "الرسالة الأصلية", "הודעה מקורית", "αρχικό μήνυμα", "thư gốc", "pesan asli",
)

// forwards stand above a message that the person passes on.
var forwards = set(
	"forwarded message", "begin forwarded message", "forwarded email", "start of forwarded message", "weitergeleitete nachricht", "anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten e-mail",
	"message transféré", "début du message transféré", "début du message réexpédié", "mensaje reenviado", "inicio del mensaje reenviado", "messaggio inoltrato", "inizio messaggio inoltrato", "mensagem encaminhada",
	"início da mensagem encaminhada", "mensagem reencaminhada", "doorgestuurd bericht", "begin doorgestuurd bericht", "wiadomość przekazana", "przekazana wiadomość", "treść przekazanej wiadomości", "początek przekazywanej wiadomości",
	"iletilen mesaj", "yönlendirilen mesaj", "iletilmiş mesaj", "vidarebefordrat meddelande", "vidarebefordrat brev", "videresendt melding", "videresendt besked", "videresendt meddelelse", "välitetty viesti", "továbbított üzenet",
	"přeposlaná zpráva", "předaná zpráva", "preposlaná správa", "mesaj redirecționat", "пересылаемое сообщение", "пересланное сообщение", "переадресованное сообщение", "начало переадресованного сообщения", "перенаправленное сообщение",
	"переслане повідомлення", "початок переадресованого повідомлення", "переслане письмо", "пересланное письмо", "转发的邮件", "转发邮件", "轉寄的郵件", "转发邮件信息", "開始轉寄郵件", "开始转发的邮件", "転送メッセージ", "転送されたメッセージ", "転送メール",
	"전달된 메시지", "전달된 메일", "رسالة معاد توجيهها", "الرسالة المعاد توجيهها", "הודעה שהועברה", "προωθημένο μήνυμα", "pesan terusan",
)

// announcements say that answers stand further down, so what is not marked there may be the person's own.
var announcements = []string{
	"see below", "my answers", "see my comments", "see my replies", "find my comments", "find my replies", "find my response", "my comments:", "my replies:", "comments attached below", "answers below", "answered below", "answers inline", "answered inline", "inline", "in-line", "comments below", "reply below", "replies below", "responses below",
	"см. ниже", "см ниже", "смотрите ниже", "смотри ниже", "ответы ниже", "ответил ниже", "ответила ниже", "отвечаю ниже", "ниже по тексту", "в тексте письма", "комментарии ниже", "ответил по тексту", "ответила по тексту", "ответы по тексту",
	"siehe unten", "weiter unten", "im text", "s.u.", "ci-dessous", "plus bas", "más abajo", "mas abajo", "qui sotto", "di seguito",
	"abaixo", "hieronder", "poniżej", "див. нижче", "відповіді нижче", "aşağıda", "níže", "nedenfor", "nedan", "见下文", "见下方", "下記の通り", "아래와 같이", "أدناه",
}

// places say so together with a word for answering.
var places = []string{
	"in the text", "in your text", "in text", "in the body", "in your e-mail", "in your email", "in your mail", "in your message", "in line", "below", "within", "inside", "between the lines", "between your lines", "point by point", "by point", "under each", "after each", "next to each",
	"в тексте", "в теле", "в вашем письме", "в твоем письме", "в твоём письме", "прямо в письме", "внутри", "ниже", "по пунктам", "по тексту", "под вопрос", "под каждым", "после каждого", "между строк", "рядом с вопрос", "у тексті", "в тексті", "по пунктах", "нижче", "всередині",
	"im text", "im mailtext", "in ihrem text", "in ihrer mail", "in ihrer e-mail", "in ihrer nachricht", "in deiner mail", "in deiner e-mail", "in deiner nachricht", "direkt unter", "unten", "punkt für punkt", "zwischen den zeilen", "zwischen ihren zeilen",
	"dans le texte", "dans votre texte", "dans le corps", "dans votre message", "dans votre mail", "dans votre courriel", "dans ton message", "dans ton mail", "point par point", "entre les lignes", "ci-dessous", "plus bas", "en dessous",
	"en el texto", "en su texto", "en tu texto", "en el cuerpo", "dentro de", "en su correo", "en tu correo", "en su mensaje", "en tu mensaje", "punto por punto", "entre líneas", "más abajo", "debajo",
	"nel testo", "nel corpo", "nella sua mail", "nella tua mail", "punto per punto", "no texto", "no corpo", "ponto por ponto", "in de tekst", "in uw mail", "w tekście", "w treści", "punkt po punkcie",
}

// answered are words for answering that somebody uses who has done so, not who waits for it.
var answered = []string{
	"answer", "my repl", "i repl", "we repl", "replies", "replied", "respon", "comment", "my notes", "my remarks", "ответы", "ответил", "отвечаю", "отвечаем", "отвечала", "отвечу", "мои ответ", "мой ответ", "ответ см", "коммент", "замечани", "пометк", "відпов", "antwort", "kommentar", "kommentier", "anmerk",
	"répon", "remarque", "respuest", "contest", "comentari", "rispost", "rispond", "respost", "coment", "beantwoord", "odpowied", "odpowiad",
}

// colours say so together with a word for answering.
var colours = []string{"in red", "in blue", "in green", "in purple", "красным", "синим", "зелёным", "зеленым", "червоним", "in rot", "in blau", "in grün", "en rouge", "en bleu", "en rojo", "en azul", "in rosso", "in blu", "em vermelho", "em azul", "in het rood", "na czerwono", "kırmızı", "红色", "赤字"}

var answering = []string{"answer", "comment", "repl", "respon", "note", "ответ", "коммент", "відпов", "antwort", "kommentar", "anmerk", "répon", "respuest", "rispost", "respost", "odpowied", "cevap", "回复", "回答"}

// sentBy begin the line a program adds in the person's name; the line must name a device or a program too. Words that
// would begin a sentence about a parcel as well ("Отправлено через ...") are not here.
var sentBy = []string{
	"sent from", "sent via", "sent with", "sent using", "get outlook for", "download outlook for", "gesendet von", "gesendet mit", "diese nachricht wurde von", "holen sie sich outlook", "envoyé de", "envoyé depuis", "envoyé à partir", "envoyé avec",
	"télécharger outlook", "obtenir outlook", "obtenez outlook", "provenance : courrier", "enviado desde", "enviado con", "obtener outlook", "inviato da", "inviato con", "scarica outlook", "ottieni outlook", "enviado do", "enviado da", "enviado de", "enviado a partir", "obter o outlook", "baixar o outlook",
	"verzonden vanaf", "verstuurd vanaf", "verzonden vanuit", "verstuurd vanuit", "verzonden met", "verstuurd met", "download outlook voor", "wysłane z", "wysłano z", "wyslane z", "pobierz outlook", "pobierz program outlook", "skickat från", "skickades från", "hämta outlook", "sendt fra", "sendt med", "hent outlook", "få outlook", "lähetetty", "hanki outlook",
	"odesláno z", "získat outlook", "odoslané z", "elküldve", "trimis de pe", "отправлено с ", "отправлено со ", "отправлено из ", "отправлено мобильной", "послано с ", "получить outlook", "скачать outlook", "загрузить outlook",
	"надіслано з", "відправлено з", "отримати outlook", "завантажити outlook", "发自", "從我的", "从我的", "寄自我的", "获取 outlook", "获取outlook", "下载 outlook", "来自我的", "來自我的",
	"أُرسلت من", "أرسلت من", "مرسل من", "تم الإرسال من", "الحصول على outlook", "נשלח מ", "στάλθηκε από", "được gửi từ", "dikirim dari",
}

// sentWith end such a line in languages that put the device first.
var sentWith = []string{"dan gönderildi", "den gönderildi", "tan gönderildi", "dan gönderilmiştir", "den gönderilmiştir", "edinin", "から送信", "を入手", "에서 보냄", "에서 보냈습니다", "ról küldve", "ről küldve", "outlook beziehen", "für ios beziehen", "für android beziehen", "für ios herunterladen", "für android herunterladen", "android downloaden", "ios downloaden"}

// devices are what such a line names.
var devices = []string{
	"iphone", "iphonu", "ipad", "ipod", "android", "samsung", "galaxy", "huawei", "xiaomi", "redmi", "oneplus", "oppo", "blackberry", "for windows", "для windows", "für windows", "pour windows", "para windows", "per windows", "voor windows", "systemu windows", "för windows", "til windows", "windows phone", "windows mail", "outlook", "yahoo", "mail.ru", "почты mail", "почта mail", "яндекс.почт", "яндекс почт", "yandex.mail", "yandex mail", "gmail", "proton", "zoho", "приложения почта", "приложения «почта»",
	"mobile", "mobil", "handy", "smartphone", "smart phone", "tablet", "phone", "telefon", "téléphone", "teléfono", "телефон", "смартфон", "планшет", "мобильн", "мобільн", "mailspring", "thunderbird", "k-9", "fairemail", "spark", "airmail", "aol", "gmx", "web.de", "qq邮箱", "网易", "手机",
	"айфон", "mymail", "mail app", "aqua mail", "aquamail", "bluemail", "edison", "xperia", "nokia", "icloud", "rambler", "ukr.net", "naver", "携帯", "スマートフォン", "아이폰", "휴대폰",
}

// wares are the other words of such a line: of models, of networks and between them.
var wares = set("pro", "max", "plus", "mini", "ultra", "lite", "note", "edge", "fold", "flip", "air", "se", "xr", "xs", "fe", "duos", "my", "the", "a", "an", "and", "on", "in", "for", "via", "with", "using", "app", "application", "client", "device", "devices", "smartphone", "ios", "os", "mac", "macos", "windows", "linux", "mail", "e-mail", "email", "yandex", "яндекс", "google", "microsoft", "apple", "correo", "courrier", "posta", "secure", "wireless", "4g", "5g", "lte", "lte/5g", "at&t", "verizon", "mobile", "network",
	"please", "excuse", "forgive", "any", "typos", "typo", "typing", "errors", "mistakes", "brevity", "autocorrect",
	"для", "на", "моего", "с", "устройства", "приложения", "почты", "почта", "телефона", "мобильного", "мобильной", "смартфона", "планшета", "пристрою", "за", "опечатки", "возможные", "извините", "простите",
	"für", "gerät", "gesendet", "meinem", "mit", "der", "versendet", "pour", "para", "per", "voor", "för", "til", "dla", "mi", "il", "mio", "mon", "mijn", "min", "meu", "o", "de", "do", "da", "dispositivo", "urządzenia", "systemu", "télécharger", "التابع", "الخاص", "بي", "שלי",
	"傳送", "传送", "发送", "發送", "手机", "手機", "客户端")

// standing are words of lines that a person has his program put below every mail.
var standing = []string{"typo", "brevity", "autocorrect", "environment before printing", "опечатк", "об окружающей среде"}

// labels begin the lines of a signature that tell how somebody is reached, and what he is.
var labels = []string{"tel", "phone", "mob", "fax", "cell", "office", "direct", "e-mail", "email", "mail", "web", "skype", "telegram", "whatsapp", "address", "opening hours", "hours", "registered", "company", "vat", "managing", "director", "head of", "тел", "моб", "факс", "адрес", "почта", "сайт", "офис", "инн", "огрн", "генеральный", "директор", "менеджер", "начальник", "руководитель", "график", "часы", "г. ", "ул. ", "пр. ",
	"geschäftsführer", "sitz ", "amtsgericht", "registergericht", "handelsregister", "ust", "siège", "siret", "cif ", "p.iva", "kvk"}

// abbreviations end lines of a signature as sentences end.
var abbreviations = set("inc", "ltd", "co", "corp", "llc", "gmbh", "s.a", "s.r.o", "s.p.a", "b.v", "plc", "st", "rd", "ave", "str", "ул", "д", "кв", "г", "оф", "стр", "м", "dr", "jr", "sr", "phd", "ph.d", "m.d", "p.o")

// wishes are words of somebody who asks for something or adds it.
var wishes = []string{" please", " pls ", " plz ", " forgot", " also ", " thank you", " thanks", " sorry", " could you", " can you", " would you", " let me ", " call me", " cancel ", " пожалуйста", " прошу", " забыл", " отмените", " позвоните", " спасибо", " можно ли", " можете", " также ", " ещё ", " еще ", " извините", " простите",
	" bitte", " danke", " vergessen", " könnten sie", " können sie", " außerdem", " s'il vous", " svp", " merci", " oublié", " pourriez", " por favor", " gracias", " olvid", " podría", " per favore", " grazie", " obrigad", " alstublieft", " graag", " bedankt", " proszę", " dziękuj", " lütfen", " teşekkür", " будь ласка", " дякую", " забула", " забув", "请", "請", "谢谢", "お願い", "ください", "부탁", "주세요", "من فضلك", "בבקשה"}

// courtesies begin the end of a letter.
var courtesies = []string{
	"regards", "best regards", "kind regards", "warm regards", "many thanks", "sincerely", "yours", "с уважением", "с наилучшими", "всего доброго", "хорошего дня", "з повагою", "mit freundlichen", "freundliche grüße", "viele grüße", "beste grüße",
	"cordialement", "bien à vous", "saludos", "atentamente", "un saludo", "cordiali saluti", "distinti saluti", "atenciosamente", "cumprimentos", "met vriendelijke", "z poważaniem", "pozdrawiam", "saygılar", "s pozdravem", "med vänlig", "med venlig", "vennlig hilsen", "此致", "敬具", "감사합니다", "مع تحيات",
}

// notices begin lines a program adds whole.
var notices = []string{
	"virus-free. www.", "virus-free.www.", "virenfrei. www.", "virenfrei.www.", "без вирусов. www.", "без вирусов.www.", "sans virus. www.", "sans virus.www.", "libre de virus. www.", "libre de virus.www.",
	"this email has been checked for viruses by", "this message has been scanned for viruses", "diese e-mail wurde von avast", "это сообщение проверено на вирусы", "проверено на вирусы", "the avast antivirus software",
	"please consider the environment before printing", "пожалуйста, подумайте об окружающей среде",
}

// legal are the words of disclaimers; a long last paragraph with several of them is one.
var legal = []string{
	"confidenti", "intended recipient", "intended solely", "addressee", "privileged", "unauthorized", "unauthorised", "disclosure", "disclaimer", "dissemination", "notify the sender", "delete this", "received this e-mail in error", "received this email in error", "received this message in error",
	"конфиденциальн", "адресат", "получателем", "предназначен", "несанкционирован", "уведомите отправителя", "удалите", "по ошибке", "не является офертой", "разглашен", "конфіденційн", "помилково",
	"vertraulich", "bestimmungsgemäß", "empfänger", "irrtümlich", "unbefugt", "rechtlich geschützt", "vernichten", "destinataire", "par erreur", "diffusion", "confidenc", "destinatario", "por error", "por engano", "destinatário", "riservat", "per errore",
	"vertrouwelijk", "geadresseerde", "abusievelijk", "poufn", "adresat", "omyłkowo", "gizli", "yanlışlıkla",
}

// voices are words of somebody who speaks for himself, as no disclaimer does.
var voices = []string{" i ", " i'", " my ", " me ", " я ", " мне ", " меня ", " мой", " моя ", " мои", " моё", " моей ", " моего ", " мені ", " ich ", " mein", " mir ", " je ", " j'", " mon ", " ma ", " mes ", " yo ", " mi ", " mis ", " mio ", " mia ", " meu ", " minha ", " ik ", " mijn ", " moje ", " mój ", " benim "}

// afterwords begin what people add below their signature.
var afterwords = []string{"ps", "p.s", "p. s", "p/s", "pps", "п.с", "пс ", "пс:", "з.ы", "зы", "p. d.", "p.d.", "pd:", "nb:", "n.b"}

func set(words ...string) map[string]bool {
	s := make(map[string]bool, len(words))
	for _, w := range words {
		s[w] = true
	}
	return s
}
