// Command examples writes examples/customers.csv, the file of the README's tour: a thousand invented
// customers of a shop, on four channels, with their consents and what a promotion says to each.
//
//	go run ./examples > examples/customers.csv
//
// Mail addresses are of domains that are reserved for examples (RFC 2606). Phone numbers are of ranges that
// regulators keep for fiction: 555-0100 to 0199 in the United States, 07700 900000 to 900999 in the United
// Kingdom, 06 39 98 00 00 to 99 99 in France, 0176 040690 00 to 99 in Germany, 070-174 06 05 to 99 in Sweden.
// Chat ids have more digits than Telegram has given out.
package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
)

func main() {
	if err := write(os.Stdout); err != nil {
		log.Fatal(err)
	}
}

const rows = 1000

var header = []string{"external_id", "name", "locale", "timezone", "email", "sms", "telegram", "webhook",
	"consent.email.promotions", "consent.sms.promotions", "consent.telegram.promotions", "consent.webhook.promotions", "consent_source", "consent_text_version",
	"attr.city", "data.percent:json", "data.code", "data.until", "data.url"}

// country is where customers live, and how they are called there. A name is written as people write it;
// behind the slash stands what of it goes into a mail address, where that differs.
type country struct {
	locale, zone string
	cities       []string
	first, last  []string
	phone        func(n int) string // the n-th number; nil: no range for fiction is known
}

var countries = []country{
	{"en-US", "America/New_York", []string{"Boston", "Atlanta", "Pittsburgh", "Buffalo"}, words("Ava Noah Mia Liam Ella Lucas Zoe Ethan Ruby Owen"), words("Carter Brooks Nguyen Ramirez Foster Hayes Bennett Price Coleman Diaz"), us("617", "404", "412", "716")},
	{"en-US", "America/Los_Angeles", []string{"Seattle", "Portland", "San Diego", "Oakland"}, words("Chloe Mason Luna Jack Iris Leo Nora Caleb Hazel Eli"), words("Reed Murphy Flores Kim Sanders Wood Bell Ortiz Perry Long"), us("206", "503", "619", "510")},
	{"en-GB", "Europe/London", []string{"Leeds", "Bristol", "Cardiff", "Glasgow"}, words("Amelia Oliver Isla Harry Freya George Poppy Arthur Maisie Theo"), words("Clarke Patel Osei Wright Hughes Khan Turner Evans Campbell Shaw"), numbers("+447700900%03d", 0, 1000)},
	{"ru", "Europe/Riga", []string{"Рига", "Даугавпилс", "Лиепая", "Елгава"}, words("Анна/anna Дмитрий/dmitry Мария/maria Сергей/sergey Ольга/olga Алексей/alexey Елена/elena Игорь/igor Наталья/natalia Павел/pavel"), words("Шевченко/shevchenko Король/korol Гончар/gonchar Мороз/moroz Бондаренко/bondarenko Ткач/tkach Коваль/koval Лис/lis Соловей/solovey Зима/zima"), nil},
	{"ru", "Asia/Almaty", []string{"Алматы", "Астана", "Шымкент", "Караганда"}, words("Айгерим/aigerim Тимур/timur Дарья/darya Руслан/ruslan София/sofia Арман/arman Алия/aliya Кирилл/kirill Жанна/zhanna Олег/oleg"), words("Ким/kim Цой/tsoy Пак/pak Ли/li Серик/serik Аман/aman Нур/nur Югай/yugay Тен/ten Хан/khan"), nil},
	{"de", "Europe/Berlin", []string{"Hamburg", "Köln", "Leipzig", "Bremen"}, words("Hannah Lukas Lea Jonas Mila Felix Clara Paul Ida Emil"), words("Schneider Fischer Weber Wagner Becker Hoffmann Krüger/krueger Vogel Schäfer/schaefer Lange"), numbers("+49176040690%02d", 0, 100)},
	{"fr", "Europe/Paris", []string{"Lyon", "Nantes", "Lille", "Rennes"}, words("Camille Hugo Léa/lea Jules Manon Louis Inès/ines Gabriel Zoé/zoe Adam"), words("Martin Bernard Dubois Moreau Laurent Garnier Faure Rousseau Blanc Chevalier"), numbers("+336399800%02d", 0, 100)},
	{"lv", "Europe/Riga", []string{"Rīga", "Ventspils", "Cēsis", "Valmiera"}, words("Laura Jānis/janis Elīna/elina Mārtiņš/martins Anete Kristaps Zane Edgars Līga/liga Toms"), words("Bērziņa/berzina Kalniņš/kalnins Ozola/ozola Liepiņš/liepins Krūmiņa/krumina Balodis Eglīte/eglite Zariņš/zarins Vītola/vitola Kļaviņš/klavins"), nil},
	{"sv", "Europe/Stockholm", []string{"Göteborg", "Malmö", "Uppsala", "Umeå"}, words("Elsa Axel Alva Nils Maja Oskar Saga Viktor Ebba Gustav"), words("Lindqvist Nyström/nystrom Berg Sandberg Holm Ek Wallin Hedlund Norén/noren Lund"), numbers("+467017406%02d", 5, 95)},
	{"pt-BR", "America/Sao_Paulo", []string{"Curitiba", "Recife", "Santos", "Belo Horizonte"}, words("Beatriz Rafael Larissa Thiago Camila Bruno Juliana Mateus Letícia/leticia Diego"), words("Souza Oliveira Costa Pereira Almeida Ribeiro Carvalho Gomes Martins Barbosa"), nil},
}

func words(s string) []string { return strings.Fields(s) }

// us are the numbers 555-0100 to 0199 of some area codes.
func us(areas ...string) func(int) string {
	return func(n int) string { return fmt.Sprintf("+1%s55501%02d", areas[n/100%len(areas)], n%100) }
}

func numbers(format string, first, count int) func(int) string {
	return func(n int) string { return fmt.Sprintf(format, first+n%count) }
}

// dice are the same throws on every machine and with every version of Go: the file is committed, and a
// test compares it.
type dice uint64

func (d *dice) throw(sides int) int {
	*d = *d*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
	return int(uint64(*d) >> 33 % uint64(sides))
}

func write(to io.Writer) error {
	w := csv.NewWriter(to)
	if err := w.Write(header); err != nil {
		return err
	}
	d := dice(2026)
	phones := map[string]bool{}
	for i := range rows {
		if err := w.Write(customer(i, &d, phones)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// customer makes row i. Of a hundred about 45 are reached by mail, 25 by SMS, 20 by Telegram and 10 by
// webhook; some of the first have a second channel. Five of a hundred were never asked, and two have said
// no: a campaign skips them.
func customer(i int, d *dice, taken map[string]bool) []string {
	c := countries[d.throw(len(countries))]
	first, firstMail := name(c.first[d.throw(len(c.first))])
	last, lastMail := name(c.last[d.throw(len(c.last))])
	id := fmt.Sprintf("tour-%04d", i+1)
	row := map[string]string{"external_id": id, "name": first + " " + last, "locale": c.locale, "timezone": c.zone, "attr.city": c.cities[d.throw(len(c.cities))]}

	mail := fmt.Sprintf("%s.%s%d@%s", firstMail, lastMail, i+1, []string{"example.com", "example.net", "example.org"}[d.throw(3)])
	phone := c.free(taken)
	chat := fmt.Sprint(9_000_000_001_000 + i)
	var reached []string
	reach := func(channel, address string) { row[channel] = address; reached = append(reached, channel) }
	switch kind := d.throw(100); {
	case kind < 10:
		reach("webhook", "https://hooks.example.com/customers/"+id)
	case kind < 30:
		reach("telegram", chat)
	case kind < 65 && phone != "":
		reach("sms", phone)
		taken[phone] = true
	default:
		reach("email", mail)
		if second := d.throw(10); second == 0 {
			reach("telegram", chat)
		} else if second < 3 && phone != "" {
			reach("sms", phone)
			taken[phone] = true
		}
	}
	asked := d.throw(100)
	for _, channel := range reached {
		switch {
		case asked < 5:
		case asked < 7:
			row["consent."+channel+".promotions"] = "withdrawn"
		default:
			row["consent."+channel+".promotions"] = "granted"
		}
	}
	if asked >= 5 {
		row["consent_source"] = []string{"checkout", "newsletter form", "store tablet"}[d.throw(3)]
		row["consent_text_version"] = "2026-03"
	}
	percent := []int{10, 15, 20, 25}[d.throw(4)]
	row["data.percent:json"] = fmt.Sprint(percent)
	row["data.code"] = fmt.Sprintf("FERN%d", percent)
	row["data.until"] = "2027-12-31"
	row["data.url"] = "https://shop.example.com/sale?c=" + id

	out := make([]string, len(header))
	for n, column := range header {
		out[n] = row[column]
	}
	return out
}

func name(s string) (shown, mail string) {
	shown, mail, ok := strings.Cut(s, "/")
	if !ok {
		mail = strings.ToLower(shown)
	}
	return shown, mail
}

// free finds a number that nobody has yet; "": there is none.
func (c country) free(taken map[string]bool) string {
	if c.phone == nil {
		return ""
	}
	for n := range 400 {
		if p := c.phone(n); !taken[p] {
			return p
		}
	}
	return ""
}
