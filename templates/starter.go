package templates

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"rapport"
)

// starter holds one folder a template: template.json (topic, required), styles.css and dark.css for its
// mail, and <locale>.<channel>.<ext> for each variant. layout.html frames every mail. starter/README.md
// lists the variables.
//
//go:embed starter
var starter embed.FS

// Starters are templates to begin with, by key: order-update, welcome, promotion, survey, win-back; each
// for email, SMS, Telegram and webhook, in English and Russian. Each call returns its own copies.
func Starters() (map[string]Source, error) {
	folders, err := fs.ReadDir(starter, "starter")
	if err != nil {
		return nil, err
	}
	out := map[string]Source{}
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		src, err := readStarter(f.Name())
		if err != nil {
			return nil, fmt.Errorf("starter template %s: %w", f.Name(), err)
		}
		out[f.Name()] = src
	}
	return out, nil
}

func readStarter(key string) (Source, error) {
	var src Source
	files, err := fs.ReadDir(starter, "starter/"+key)
	if err != nil {
		return src, err
	}
	text := map[string]string{}
	for _, f := range files {
		b, err := starter.ReadFile("starter/" + key + "/" + f.Name())
		if err != nil {
			return src, err
		}
		text[f.Name()] = string(b)
	}
	if err := json.Unmarshal([]byte(text["template.json"]), &src); err != nil {
		return src, err
	}
	layout, err := starter.ReadFile("starter/layout.html")
	if err != nil {
		return src, err
	}
	for _, f := range files {
		locale, kind, ok := strings.Cut(strings.TrimSuffix(f.Name(), path.Ext(f.Name())), ".")
		if !ok {
			continue
		}
		v := Variant{Channel: rapport.Channel(kind), Locale: locale}
		head, body := cutHead(text[f.Name()])
		switch v.Channel {
		case rapport.Email:
			v.Subject, v.Preheader = head["Subject"], head["Preheader"]
			stop, choose := footerWords(locale)
			v.HTML = strings.NewReplacer("[[lang]]", locale, "[[why]]", head["Footer"], "[[unsubscribe]]", stop, "[[preferences]]", choose,
				"[[styles]]", strings.TrimSpace(text["styles.css"]), "[[dark]]", strings.TrimRight(text["dark.css"], "\n"), "[[content]]", strings.TrimSpace(body)).Replace(string(layout))
		case rapport.Webhook:
			v.Body = json.RawMessage(text[f.Name()])
		default:
			v.Text = strings.TrimSpace(body)
		}
		if b := head["Buttons"]; b != "" {
			if err := json.Unmarshal([]byte(b), &v.Buttons); err != nil {
				return src, fmt.Errorf("%s: buttons: %w", f.Name(), err)
			}
		}
		src.Variants = append(src.Variants, v)
	}
	return src, nil
}

// cutHead parts the lines "Name: value" at the top of a file from what follows an empty line.
func cutHead(s string) (head map[string]string, body string) {
	head = map[string]string{}
	for rest := s; ; {
		line, more, _ := strings.Cut(rest, "\n")
		if line == "" && len(head) > 0 {
			return head, more
		}
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name != "Subject" && name != "Preheader" && name != "Footer" && name != "Buttons" {
			return head, s
		}
		head[name], rest = value, more
	}
}
