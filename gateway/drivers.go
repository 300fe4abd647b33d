package gateway

import (
	"maps"
	"strings"

	"rapport"
	"rapport/channels"
)

// DriverView is a kind of provider that this build can talk to.
type DriverView struct {
	Name     string            `json:"name"`
	Channels []rapport.Channel `json:"channels" nullable:"false"`
	Settings []SettingView     `json:"settings" nullable:"false" doc:"In the order of a form."`
	Receipts bool              `json:"receipts" doc:"It tells whether messages were delivered."`
	MaxText  int               `json:"max_text" doc:"Longest text; 0: no limit of its own."`
	Files    FileLimits        `json:"files" doc:"What files one message may carry, by channel; none on a channel that is not here."`
	Callback string            `json:"callback,omitempty" doc:"Where such a provider reaches us, with its name for {name}."`
}

// SettingView is one field of a driver's settings.
type SettingView struct {
	Name     string        `json:"name" doc:"Its key in the object that it belongs to."`
	Path     string        `json:"path" doc:"Its place in settings, as refusals name it: dkim.domain."`
	Label    string        `json:"label"`
	Type     string        `json:"type" enum:"text,secret,number,bool,duration,choice,list,object" doc:"secret: shown as [redacted], which sent back keeps it. duration: such as 30s. list: of texts. object: has settings of its own."`
	Required bool          `json:"required"`
	Default  string        `json:"default,omitempty"`
	Help     string        `json:"help,omitempty"`
	Choices  []string      `json:"choices,omitempty" nullable:"false"`
	Settings []SettingView `json:"settings,omitempty" nullable:"false" doc:"Of an object."`
}

// Drivers lists the kinds of providers, as they describe themselves.
func (g *Gateway) Drivers() []DriverView {
	var out []DriverView
	for _, d := range g.Hub.Drivers() {
		v := DriverView{Name: d.Name, Channels: d.Channels, Receipts: d.Caps.Receipts, MaxText: d.Caps.MaxText, Files: FileLimits{}, Settings: []SettingView{}}
		maps.Copy(v.Files, d.Caps.Files)
		for _, s := range d.Settings {
			v.Settings = placed(v.Settings, "", strings.Split(s.Key, "."), s)
		}
		if g.set.PublicURL != "" {
			v.Callback = strings.TrimSuffix(g.set.PublicURL, "/") + "/in/" + d.Name + "/{name}"
		}
		out = append(out, v)
	}
	return out
}

// placed puts a setting into the object that its dotted key names.
func placed(list []SettingView, above string, keys []string, s channels.Setting) []SettingView {
	path := above + keys[0]
	if len(keys) == 1 {
		v := SettingView{Name: keys[0], Path: path, Label: label(keys[0]), Type: string(s.Kind), Required: s.Required, Default: s.Default, Help: s.Help, Choices: s.Choices}
		switch {
		case s.Secret:
			v.Type = "secret"
		case s.Kind == "":
			v.Type = string(channels.KindText)
		}
		return append(list, v)
	}
	for i := range list {
		if list[i].Path == path {
			list[i].Settings = placed(list[i].Settings, path+".", keys[1:], s)
			return list
		}
	}
	return append(list, SettingView{Name: keys[0], Path: path, Label: label(keys[0]), Type: "object", Settings: placed(nil, path+".", keys[1:], s)})
}

// label makes words of a key: "reply_domain" is Reply domain, "dkim" DKIM.
func label(key string) string {
	words := strings.Split(key, "_")
	for i, w := range words {
		switch w {
		case "api", "ca", "dkim", "id", "imap", "sid", "tls", "url":
			words[i] = strings.ToUpper(w)
		}
	}
	text := strings.Join(words, " ")
	return strings.ToUpper(text[:1]) + text[1:]
}
