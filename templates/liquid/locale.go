package liquid

import (
	"strconv"
	"strings"
)

// language is how numbers and money are written, after CLDR.
type language struct {
	code        string
	decimal     string
	group       string
	minGrouped  int  // digits before the point from which they are grouped
	symbolFirst bool // $5 rather than 5 $
}

const (
	noBreak       = "\u00a0"
	noBreakNarrow = "\u202f"
)

// languageOf understands the language of a BCP 47 tag; those it does not know are written as
// English.
func languageOf(locale string) language {
	code, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	code = strings.ToLower(code)
	switch code {
	case "ru", "uk", "be":
		return language{code, ",", noBreak, 4, false}
	case "pl":
		return language{code, ",", noBreak, 5, false}
	case "de":
		return language{code, ",", ".", 4, false}
	case "fr":
		return language{code, ",", noBreakNarrow, 4, false}
	case "es":
		return language{code, ",", ".", 5, false}
	case "":
		code = "en"
	}
	return language{code, ".", ",", 4, true}
}

func (l language) slavic() bool {
	switch l.code {
	case "ru", "uk", "be", "pl":
		return true
	default:
		return false
	}
}

// amount writes n minor units with the given digits after the point.
func (l language) amount(n int64, digits int) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for len(s) <= digits {
		s = "0" + s
	}
	whole, rest := s[:len(s)-digits], s[len(s)-digits:]
	return sign + l.join(whole, rest)
}

// number writes n, with the given digits after the point or, if negative, as many as it has.
func (l language) number(n number, digits int) string {
	var s string
	switch {
	case digits >= 0:
		n = n.round(int64(digits))
		if n.frac {
			s = strconv.FormatFloat(n.float, 'f', digits, 64)
		} else {
			s = strconv.FormatInt(n.int, 10)
			if digits > 0 {
				s += "." + strings.Repeat("0", digits)
			}
		}
	case n.frac:
		s = strconv.FormatFloat(n.float, 'f', -1, 64)
	default:
		s = strconv.FormatInt(n.int, 10)
	}
	s, negative := strings.CutPrefix(s, "-")
	whole, rest, _ := strings.Cut(s, ".")
	s = l.join(whole, rest)
	if negative {
		return "-" + s
	}
	return s
}

func (l language) join(whole, rest string) string {
	if len(whole) >= l.minGrouped {
		var b strings.Builder
		for i := range len(whole) {
			if i > 0 && (len(whole)-i)%3 == 0 {
				b.WriteString(l.group)
			}
			b.WriteByte(whole[i])
		}
		whole = b.String()
	}
	if rest == "" {
		return whole
	}
	return whole + l.decimal + rest
}

// isCurrency knows the codes of ISO 4217: those in use, and a few withdrawn of late that old orders hold.
func isCurrency(code string) bool {
	return len(code) == 3 && !strings.Contains(code, " ") && strings.Contains(currencies, code+" ")
}

const currencies = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK " +
	"DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT " +
	"LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
	"SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST " +
	"XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT YER ZAR ZMW ZWG ZWL "

// minorDigits is how many digits the minor unit of a currency has (ISO 4217).
func minorDigits(code string) int {
	switch code {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	default:
		return 2
	}
}

// currencySymbol is the sign of a currency, or its code where the sign is not widely known.
func currencySymbol(code string) string {
	switch code {
	case "USD":
		return "$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "RUB":
		return "₽"
	case "UAH":
		return "₴"
	case "KZT":
		return "₸"
	case "BYN":
		return "Br"
	case "GEL":
		return "₾"
	case "AMD":
		return "֏"
	case "AZN":
		return "₼"
	case "PLN":
		return "zł"
	case "CZK":
		return "Kč"
	case "TRY":
		return "₺"
	case "ILS":
		return "₪"
	case "INR":
		return "₹"
	case "JPY":
		return "¥"
	case "CNY":
		return "CN¥"
	case "KRW":
		return "₩"
	case "VND":
		return "₫"
	case "THB":
		return "฿"
	case "PHP":
		return "₱"
	case "NGN":
		return "₦"
	case "BRL":
		return "R$"
	case "CAD":
		return "CA$"
	case "AUD":
		return "A$"
	case "NZD":
		return "NZ$"
	case "HKD":
		return "HK$"
	case "MXN":
		return "MX$"
	default:
		return code
	}
}

// monthName is the name of a month, from 1. Russian months that stand beside a day are in the
// genitive: «март», but «5 марта».
func (l language) monthName(month int, short, beside bool) string {
	names := englishMonths
	if l.code == "ru" {
		switch {
		case short && beside:
			return russianMonthsShortGenitive[month-1]
		case short:
			return russianMonthsShort[month-1]
		case beside:
			names = russianMonthsGenitive
		default:
			names = russianMonths
		}
		return names[month-1]
	}
	if short {
		return names[month-1][:3]
	}
	return names[month-1]
}

func (l language) dayName(weekday int, short bool) string {
	if l.code == "ru" {
		if short {
			return russianDaysShort[weekday]
		}
		return russianDays[weekday]
	}
	if short {
		return englishDays[weekday][:3]
	}
	return englishDays[weekday]
}

// dateFormat is what a preset of the date filter stands for, or the format itself.
func (l language) dateFormat(format string) string {
	switch l.code + " " + format {
	case "en short":
		return "%b %-d, %Y"
	case "en long":
		return "%B %-d, %Y"
	case "en time":
		return "%-I:%M %p"
	case "ru short":
		return "%d.%m.%Y"
	case "ru long":
		return "%-d %B %Y" + noBreak + "г."
	}
	switch format {
	case "short":
		return "%Y-%m-%d"
	case "long":
		return "%-d %B %Y"
	case "time":
		return "%H:%M"
	default:
		return format
	}
}

var (
	englishMonths = [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	englishDays   = [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

	russianMonths              = [12]string{"январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"}
	russianMonthsGenitive      = [12]string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"}
	russianMonthsShort         = [12]string{"янв.", "февр.", "март", "апр.", "май", "июнь", "июль", "авг.", "сент.", "окт.", "нояб.", "дек."}
	russianMonthsShortGenitive = [12]string{"янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."}
	russianDays                = [7]string{"воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота"}
	russianDaysShort           = [7]string{"вс", "пн", "вт", "ср", "чт", "пт", "сб"}
)
