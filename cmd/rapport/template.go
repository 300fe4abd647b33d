package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"rapport"
	"rapport/channels"
	"rapport/gateway"
	"rapport/templates"
	"rapport/templates/liquid"
)

func (c *cli) templateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "template",
		Short:   "Render, save and list templates, and begin with some",
		Example: "  rapport template render welcome.liquid --data anna.json\n  rapport template save welcome welcome.yaml",
	}
	return family(cmd, c.templateRender(), c.templateSave(), c.templateList(), c.templateStarters())
}

func (c *cli) templateRender() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "render FILE --data FILE.json",
		Short: "Render a template here, with the engine that sends",
		Long: `Prints the result, or the mistake with its line. No server is needed.

FILE is a Liquid text, or a whole template in JSON or YAML as PUT /v1/templates/{key} takes it. A Liquid text is rendered as it stands
(values are escaped in .html and .mjml), with --channel as a message of that channel: mail gets its CSS inlined and a
text part, SMS its count of segments.

The data is a JSON object. Its members customer, data and campaign are those variables; if it has none of the three, the
whole of it is data, and a Liquid text sees its members without "data." too.`,
		Example: `  rapport template render greeting.liquid --data anna.json
  rapport template render promotion.yaml --data anna.json --channel email --locale ru > mail.html
  echo 'Hello {{ data.name }}' | rapport template render - --data anna.json --channel sms`,
		Args: cobra.ExactArgs(1),
	}
	f := cmd.Flags()
	f.SortFlags = false
	data := f.String("data", "", "JSON file with the variables; - reads standard input")
	channel := f.String("channel", "", "email, sms, whatsapp, telegram or webhook")
	locale := f.String("locale", "", "language of the customer (BCP 47); empty: data's customer.locale, else en")
	zone := f.String("timezone", "", "zone of the customer (IANA); empty: data's customer.timezone, else dates as they come")
	strict := f.Bool("strict", false, "a variable that is missing is a mistake, as it is for campaigns")
	part := f.String("part", "", "only this part: subject, preheader, text, html, body, buttons")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, err := readText(args[0])
		if err != nil {
			return err
		}
		r := rendering{file: args[0], channel: rapport.Channel(*channel), locale: *locale, strict: *strict, part: *part, values: map[string]any{}}
		if *data != "" {
			if r.raw, err = readText(*data); err != nil {
				return err
			}
			if r.values, err = liquid.DecodeData(r.raw); err != nil {
				return fmt.Errorf("%s: %w", *data, err)
			}
		}
		if err := r.whose(*zone); err != nil {
			return err
		}
		if err := r.print(c, source); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		return nil
	}
	return cmd
}

// rendering is one call of template render.
type rendering struct {
	file    string
	channel rapport.Channel
	locale  string
	zone    *time.Location
	strict  bool
	part    string
	raw     []byte         // the data file
	values  map[string]any // the same, decoded
}

// whose finds the customer's language and zone in the data, where no flag gives them.
func (r *rendering) whose(zone string) error {
	var known struct {
		Customer struct{ Locale, Timezone string } `json:"customer"`
	}
	_ = json.Unmarshal(r.raw, &known) // it is an object; members of other shapes are no locale
	if r.locale == "" {
		r.locale = known.Customer.Locale
	}
	if zone == "" {
		zone = known.Customer.Timezone
	}
	if zone == "" {
		return nil
	}
	var err error
	if r.zone, err = time.LoadLocation(zone); err != nil {
		return fmt.Errorf("%q is not a time zone; write an IANA name, like Europe/Riga", zone)
	}
	return nil
}

// print renders source and writes the result.
func (r *rendering) print(c *cli, source []byte) error {
	src, whole, err := r.source(source)
	if err != nil {
		return err
	}
	if !whole && r.channel == "" {
		return r.printLiquid(c, string(source))
	}
	if err := r.choose(src); err != nil {
		return err
	}
	compiled, err := templates.Compile(src)
	if err != nil {
		return inFile(err, whole)
	}
	for _, w := range compiled.Warnings {
		fmt.Fprintln(c.err, "note: "+w)
	}
	t, err := templates.Load("render", compiled)
	if err != nil {
		return err
	}
	vars, err := r.plain(whole)
	if err != nil {
		return err
	}
	if missing := t.Missing(vars, map[rapport.Channel]bool{r.channel: true}); r.strict && len(missing) > 0 {
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	out, err := t.Render(r.channel, templates.Input{Locale: r.locale, DefaultLocale: "en", Zone: r.zone, Vars: vars, Company: templates.Company{Name: "Example Ltd"},
		URLs: templates.URLs{Unsubscribe: "https://example.com/u/preview", Preferences: "https://example.com/p/preview", LinkTelegram: "https://t.me/preview", Reply: "https://example.com/r/preview"}, Marketing: true})
	if err != nil {
		return inFile(err, whole)
	}
	if r.channel == rapport.SMS {
		fmt.Fprintln(c.err, "note: "+out.SMS.String())
	}
	return r.printParts(c, out)
}

// source reads a whole template, or makes one of a Liquid text.
func (r *rendering) source(text []byte) (src templates.Source, whole bool, err error) {
	ext := strings.ToLower(filepath.Ext(r.file))
	if isJSONBody := ext == ".json" && r.channel == rapport.Webhook && !bytes.Contains(text, []byte(`"variants"`)); !isJSONBody && isWhole(ext) {
		src, err = decodeTemplate(text, ext)
		return src, true, err
	}
	v := templates.Variant{Channel: r.channel}
	switch {
	case r.channel == rapport.Webhook:
		quoted, err := json.Marshal(string(text))
		if err != nil {
			return src, false, err
		}
		v.Body = quoted
	case r.channel == rapport.Email && ext == ".mjml":
		v.Subject, v.MJML = "(subject)", string(text)
	case r.channel == rapport.Email && (ext == ".html" || ext == ".htm"):
		v.Subject, v.HTML = "(subject)", string(text)
	case r.channel == rapport.Email:
		v.Subject, v.Text = "(subject)", string(text)
	default:
		v.Text = string(text)
	}
	return templates.Source{Variants: []templates.Variant{v}}, false, nil
}

func isWhole(ext string) bool { return ext == ".json" || ext == ".yaml" || ext == ".yml" }

// decodeTemplate reads a template in JSON or YAML as strictly as the API does.
func decodeTemplate(text []byte, ext string) (src templates.Source, err error) {
	if ext != ".json" {
		var tree map[string]any
		if err := yaml.Unmarshal(text, &tree); err != nil {
			return src, err
		}
		if text, err = json.Marshal(tree); err != nil {
			return src, err
		}
	}
	return src, inFile(gateway.Decode(text, "", &src), true)
}

// choose settles the channel of a whole template.
func (r *rendering) choose(src templates.Source) error {
	var speaks []string
	for _, v := range src.Variants {
		if !slices.Contains(speaks, string(v.Channel)) {
			speaks = append(speaks, string(v.Channel))
		}
	}
	if r.channel == "" && len(speaks) == 1 {
		r.channel = rapport.Channel(speaks[0])
	}
	if r.channel == "" && len(speaks) > 1 {
		return fmt.Errorf("say --channel: the template speaks %s", strings.Join(speaks, ", "))
	}
	if r.channel != "" && !rapport.ValidChannel(r.channel) {
		return fmt.Errorf("--channel must be one of %v", rapport.Channels)
	}
	return nil
}

// plain is the data as templates see it: customer, data and campaign; for a Liquid text also the members of
// data by themselves.
func (r *rendering) plain(whole bool) (map[string]any, error) {
	all := map[string]any{}
	if len(r.raw) > 0 {
		d := json.NewDecoder(bytes.NewReader(r.raw))
		d.UseNumber()
		if err := d.Decode(&all); err != nil {
			return nil, err
		}
	}
	if named(all) {
		return all, nil
	}
	vars := map[string]any{}
	if !whole {
		vars = maps.Clone(all)
	}
	vars["data"] = all
	return vars, nil
}

func named(values map[string]any) bool {
	for _, root := range []string{"customer", "data", "campaign"} {
		if _, ok := values[root]; ok {
			return true
		}
	}
	return false
}

func (r *rendering) printLiquid(c *cli, text string) error {
	o := liquid.Options{}
	if ext := strings.ToLower(filepath.Ext(r.file)); ext == ".html" || ext == ".htm" || ext == ".mjml" {
		o.Escape = liquid.EscapeHTML
	}
	t, err := liquid.Parse(text, o)
	if err != nil {
		return err
	}
	values := r.values
	if !named(values) {
		values = maps.Clone(r.values)
		values["data"] = r.values
	}
	out, err := t.Render(values, liquid.Run{Zone: r.zone, Locale: r.locale, Strict: r.strict})
	if err != nil {
		return err
	}
	_, err = io.WriteString(c.out, out)
	return err
}

func (r *rendering) printParts(c *cli, out *templates.Rendered) error {
	buttons := ""
	for _, row := range out.Buttons {
		buttons += buttonRow(row) + "\n"
	}
	parts := []struct{ name, text string }{
		{"subject", out.Subject.String()}, {"preheader", out.Preheader}, {"text", out.Text.String()}, {"html", out.HTML.String()}, {"body", out.Body.String()}, {"buttons", strings.TrimSpace(buttons)},
	}
	if r.part != "" {
		for _, p := range parts {
			if p.name == r.part {
				_, err := fmt.Fprintln(c.out, p.text)
				return err
			}
		}
		return fmt.Errorf("--part: there is no part %q", r.part)
	}
	shown := 0
	for _, p := range parts {
		if p.text != "" {
			shown++
		}
	}
	for _, p := range parts {
		switch {
		case p.text == "":
		case shown == 1:
			fmt.Fprintln(c.out, p.text)
		default:
			fmt.Fprintf(c.out, "--- %s ---\n%s\n", p.name, p.text)
		}
	}
	return nil
}

func buttonRow(row []channels.Button) string {
	var texts []string
	for _, b := range row {
		texts = append(texts, "["+strings.TrimSpace(b.Text+" "+b.URL+b.Data)+"]")
	}
	return strings.Join(texts, " ")
}

// inFile is a refusal as a list of places. In a file that is one text there is but one place, and the line
// within it says where.
func inFile(err error, whole bool) error {
	refusal, ok := errors.AsType[*rapport.Error](err)
	if !ok || len(refusal.Fields) == 0 {
		return err
	}
	lines := make([]string, len(refusal.Fields))
	for i, f := range refusal.Fields {
		lines[i] = f.Message
		if whole && f.Path != "" {
			lines[i] = f.Path + ": " + f.Message
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (c *cli) templateSave() *cobra.Command {
	return &cobra.Command{
		Use:     "save KEY FILE",
		Short:   "Make a file the current version of a template",
		Long:    `FILE is a whole template in JSON or YAML. Campaigns under way keep the version that they began with.`,
		Example: "  rapport template save promotion promotion.yaml",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			text, err := readText(args[1])
			if err != nil {
				return err
			}
			ext := strings.ToLower(filepath.Ext(args[1]))
			if !isWhole(ext) {
				return fmt.Errorf("%s: a whole template is needed, in a .json or .yaml file", args[1])
			}
			src, err := decodeTemplate(text, ext)
			if err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			if err := c.saveTemplate(cmd.Context(), cl, args[0], src); err != nil {
				return fmt.Errorf("%s: %w", args[1], err)
			}
			return nil
		},
	}
}

func (c *cli) saveTemplate(ctx context.Context, cl *client, key string, src templates.Source) error {
	var saved struct {
		Version  int      `json:"version"`
		Warnings []string `json:"warnings"`
	}
	if err := cl.call(ctx, http.MethodPut, "/v1/templates/"+escape(key), src, &saved); err != nil {
		return err
	}
	for _, w := range saved.Warnings {
		fmt.Fprintln(c.err, "note: "+w)
	}
	fmt.Fprintf(c.err, "%s is at version %d.\n", key, saved.Version)
	return nil
}

func (c *cli) templateStarters() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "starters [KEY...]",
		Short: "List the templates to begin with, or save them",
		Long: `Lists the templates that come along. --save saves those named, or all, to the server under their own keys; one that has
such a key already gets a new version.`,
		Example: "  rapport template starters\n  rapport template starters --save promotion welcome",
	}
	save := cmd.Flags().Bool("save", false, "save them to the server")
	cmd.RunE = func(cmd *cobra.Command, keys []string) error {
		starters, err := templates.Starters()
		if err != nil {
			return err
		}
		known := slices.Sorted(maps.Keys(starters))
		for _, key := range keys {
			if !slices.Contains(known, key) {
				return fmt.Errorf("%q does not come along; there are %s", key, strings.Join(known, ", "))
			}
		}
		if len(keys) == 0 {
			keys = known
		}
		if !*save {
			_, err := fmt.Fprintln(c.out, strings.Join(keys, "\n"))
			return err
		}
		cl, err := c.client()
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := c.saveTemplate(cmd.Context(), cl, key, starters[key]); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	}
	return cmd
}

func (c *cli) templateList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the templates with their current versions", Example: "  rapport template list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.client()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KEY\tVERSION\tTOPIC\tSAVED")
			for cursor := ""; ; {
				var page struct {
					Data []struct {
						Key       string    `json:"key"`
						Version   int       `json:"version"`
						Topic     string    `json:"topic"`
						CreatedAt time.Time `json:"created_at"`
					} `json:"data"`
					Next *string `json:"next_cursor"`
				}
				q := url.Values{"limit": {"200"}}
				if cursor != "" {
					q.Set("cursor", cursor)
				}
				if err := cl.call(cmd.Context(), http.MethodGet, "/v1/templates?"+q.Encode(), nil, &page); err != nil {
					return err
				}
				for _, t := range page.Data {
					fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", t.Key, t.Version, t.Topic, day(t.CreatedAt))
				}
				if page.Next == nil || *page.Next == "" {
					return w.Flush()
				}
				cursor = *page.Next
			}
		},
	}
}

// readText reads what a person wrote, of at most 8 MiB; - is standard input.
func readText(path string) ([]byte, error) {
	const most = 8 << 20
	var in io.Reader = os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s is larger than 8 MiB", path)
	}
	if err == nil && !utf8.Valid(text) {
		err = fmt.Errorf("%s is not UTF-8 text", path)
	}
	return text, err
}
