package gateway

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"rapport"
)

// Format of a table of customers.
type Format string

const (
	CSV    Format = "csv"    // RFC 4180 with a header; comma, semicolon or tab
	NDJSON Format = "ndjson" // one JSON object a line
)

// maxLine is the longest row, in bytes: more is not a customer but a mistake, or an attack on our memory.
const maxLine = 1 << 20

// RecipientRow is one row: a customer, and what a campaign is to say to them.
type RecipientRow struct {
	CustomerInput
	Data json.RawMessage `json:"data,omitempty" doc:"Values for this customer's message."`
}

// Row is one row of a table as it was read. With Err it is refused and the others are not.
type Row struct {
	Line  int64 // counted from 1, the first of the row
	Patch RecipientRow
	Err   error
	text  []byte   // of a line of NDJSON, until the next row is read
	cells []string // as the file has them, of NDJSON the line; with Keep
}

// maxKept is the longest row that is kept when it is refused, in bytes: nobody mends longer ones by hand.
const maxKept = 4 << 10

// kept are the cells of a row for whoever mends it; nil where they are too long, or no text.
func (t *Rows) kept(cells ...string) []string {
	size := 0
	for _, c := range cells {
		if size += len(c); !t.Keep || size > maxKept || !utf8.ValidString(c) || strings.IndexByte(c, 0) >= 0 {
			return nil
		}
	}
	return slices.Clone(cells)
}

// ours takes off the apostrophe that keeps a spreadsheet from computing a cell of our own downloads, so that
// refused rows can be mended and brought again.
func ours(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}

// payload is what the stage keeps of the row.
func (r *Row) payload() (json.RawMessage, error) {
	if r.text == nil {
		return json.Marshal(r.Patch)
	}
	return payloadOf(r.text, r.Patch)
}

// ConsentDefaults complete the consent columns of a CSV whose rows do not say where a consent comes from.
type ConsentDefaults struct {
	Source      string
	TextVersion string
	Proof       string
}

// complete names the source where nobody has, and refuses what is too long.
func (c *ConsentDefaults) complete() error {
	if c.Source == "" {
		c.Source = "import"
	}
	v := validation{}
	v.text("source", c.Source, 200)
	v.text("text_version", c.TextVersion, 200)
	v.text("proof", c.Proof, 2000)
	if len(v.errs) > 0 {
		return invalid(v.errs)
	}
	return nil
}

// Rows reads customers from a CSV or NDJSON stream in bounded memory.
type Rows struct {
	// Consent is used where a row of a CSV has a consent cell and no words about it. Source: "import".
	Consent ConsentDefaults
	// Keep makes rows remember what the file said, for whoever notes the refused ones.
	Keep bool

	format  Format
	mapping map[string]string
	guard   *guard
	in      *bufio.Reader
	table   *csv.Reader
	columns []cell
	names   []string // of the columns, as the file has them
	line    int64
	end     error // what every further Next returns
}

// NewRows reads from r at most limit bytes. mapping, which may be nil, names columns of a CSV anew: from
// what the file calls them to what we do; "-" leaves a column out.
func NewRows(r io.Reader, format Format, mapping map[string]string, limit int64) *Rows {
	g := &guard{r: r, left: limit}
	return &Rows{Consent: ConsentDefaults{Source: "import"}, format: format, mapping: mapping, guard: g, in: bufio.NewReaderSize(g, 64<<10)}
}

// Next returns one row after the other and io.EOF at the end. Any other error ends the table: the text is
// not CSV or NDJSON (CodeMalformed, with the line), a column is not known (CodeInvalid), the stream is too
// long (CodeTooLarge), or it broke off.
func (t *Rows) Next() (Row, error) {
	if t.end == nil && t.line == 0 {
		t.end = t.begin()
	}
	if t.end != nil {
		return Row{}, t.end
	}
	var row Row
	if t.format == CSV {
		row, t.end = t.nextCSV()
	} else {
		row, t.end = t.nextJSON()
	}
	return row, t.end
}

// begin skips the byte order mark and, of a CSV, reads the header.
func (t *Rows) begin() error {
	t.line = 1
	head, err := t.in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		_, _ = t.in.Discard(3) // they were just peeked
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return rapport.Errorf(rapport.CodeMalformed, "The file is UTF-16; save it as UTF-8.")
	}
	if t.format == NDJSON {
		return nil
	}
	first, err := t.in.Peek(32 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if i := bytes.IndexByte(first, '\n'); i >= 0 {
		first = first[:i]
	}
	t.table = csv.NewReader(t.in)
	t.table.ReuseRecord = true
	for _, c := range ",;\t" { // spreadsheets of half of Europe write semicolons
		if bytes.ContainsRune(first, c) {
			t.table.Comma = c
			break
		}
	}
	header, err := t.record()
	if errors.Is(err, io.EOF) {
		return rapport.Errorf(rapport.CodeMalformed, "The CSV is empty: its first line must name the columns.")
	}
	if err != nil {
		return err
	}
	return t.header(header)
}

// cell is what a column means.
type cell struct {
	name string // as we call it, for refusals
	set  func(*Row, *cells, string) error
}

// cells collects what more than one column of a row says together.
type cells struct {
	attributes, data []byte
	consents         []ConsentInput
	said             ConsentDefaults
	ip               string
}

func (t *Rows) header(names []string) error {
	v := validation{}
	seen := map[string]string{}
	t.names = slices.Clone(names)
	for _, given := range names {
		given = strings.TrimSpace(given)
		name := given
		if to, ok := t.mapping[given]; ok {
			name = to
		}
		if name == "-" {
			t.columns = append(t.columns, cell{name: "-", set: func(*Row, *cells, string) error { return nil }})
			continue
		}
		c, problem := columnOf(name)
		switch {
		case !utf8.ValidString(given):
			v.refuse(strings.ToValidUTF8(given, "�"), "the name of the column is not valid UTF-8")
		case problem != "":
			v.refuse(given, "%s", problem)
		case seen[c.name] != "":
			v.refuse(given, "stands in the header twice")
		}
		seen[c.name] = given
		t.columns = append(t.columns, c)
	}
	for given := range t.mapping {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.TrimSpace(n) == given }) {
			v.refuse(given, "is in the mapping and not in the header")
		}
	}
	if len(v.errs) == 0 && !slices.ContainsFunc(t.columns, func(c cell) bool {
		return c.name == "id" || c.name == "external_id" || rapport.ValidChannel(rapport.Channel(c.name))
	}) {
		v.refuse("header", "names nobody: a column id, external_id or one of %s is needed", channelList())
	}
	if len(v.errs) > 0 {
		return &rapport.Error{Code: rapport.CodeInvalid, Message: "The columns of the CSV are not as they should be.", Fields: v.errs[:min(len(v.errs), 50)]}
	}
	return nil
}

// columnOf finds what a column of this name means, or says why it means nothing.
func columnOf(name string) (cell, string) {
	lower := strings.ToLower(name)
	if c := rapport.Channel(lower); rapport.ValidChannel(c) {
		return cell{lower, func(r *Row, _ *cells, s string) error {
			r.Patch.Addresses = append(r.Patch.Addresses, AddressInput{Channel: c, Address: s})
			return nil
		}}, ""
	}
	text := func(to func(*Row, *cells) *string) (cell, string) {
		return cell{lower, func(r *Row, c *cells, s string) error { *to(r, c) = s; return nil }}, ""
	}
	optional := func(to func(*Row) **string) (cell, string) {
		return cell{lower, func(r *Row, _ *cells, s string) error { *to(r) = &s; return nil }}, ""
	}
	switch lower {
	case "id":
		return text(func(r *Row, _ *cells) *string { return &r.Patch.ID })
	case "external_id":
		return text(func(r *Row, _ *cells) *string { return &r.Patch.ExternalID })
	case "name":
		return optional(func(r *Row) **string { return &r.Patch.Name })
	case "locale":
		return optional(func(r *Row) **string { return &r.Patch.Locale })
	case "timezone":
		return optional(func(r *Row) **string { return &r.Patch.Timezone })
	case "audience":
		return optional(func(r *Row) **string { return &r.Patch.Audience })
	case "consent_source":
		return text(func(_ *Row, c *cells) *string { return &c.said.Source })
	case "consent_text_version":
		return text(func(_ *Row, c *cells) *string { return &c.said.TextVersion })
	case "consent_proof":
		return text(func(_ *Row, c *cells) *string { return &c.said.Proof })
	case "consent_ip":
		return text(func(_ *Row, c *cells) *string { return &c.ip })
	}
	switch group, rest, _ := strings.Cut(name, "."); strings.ToLower(group) {
	case "consent":
		return consentColumn(name, rest)
	case "attr":
		return objectColumn(name, rest, func(c *cells) *[]byte { return &c.attributes })
	case "data":
		return objectColumn(name, rest, func(c *cells) *[]byte { return &c.data })
	}
	return cell{name: name}, "is not a column that we know: call it attr.<name> or data.<name>, or leave it out with the mapping \"-\""
}

// consentColumn is consent.<channel>.<topic>, or consent.<channel> for every topic.
func consentColumn(name, rest string) (cell, string) {
	channel, topic, _ := strings.Cut(rest, ".")
	c := rapport.Channel(strings.ToLower(channel))
	if topic == "*" {
		topic = ""
	}
	if !rapport.ValidChannel(c) || topic != "" && !validKey(topic) {
		return cell{name: name}, "must be consent.<channel>.<topic>, with one of the channels " + channelList()
	}
	return cell{"consent." + string(c) + "." + topic, func(_ *Row, to *cells, s string) error {
		var granted bool
		switch strings.ToLower(s) {
		case "granted", "true", "yes", "1", "да":
			granted = true
		case "withdrawn", "false", "no", "0", "нет":
		default:
			return errors.New("must be granted, withdrawn, yes, no or empty")
		}
		to.consents = append(to.consents, ConsentInput{Channel: c, Purpose: rapport.Marketing, Topic: topic, Granted: &granted})
		return nil
	}}, ""
}

// objectColumn is attr.<name> or data.<name>: a text; with :json at the end, a JSON value.
func objectColumn(name, key string, to func(*cells) *[]byte) (cell, string) {
	key, isJSON := strings.CutSuffix(key, ":json")
	if key == "" || strings.Contains(key, ".") {
		return cell{name: name}, "needs a name without dots after the first"
	}
	quoted, _ := json.Marshal(key) // a string: cannot fail
	return cell{strings.TrimSuffix(name, ":json"), func(_ *Row, c *cells, s string) error {
		value := []byte(s)
		if !isJSON {
			value, _ = json.Marshal(s)
		} else if err := Decode(value, "", new(any)); err != nil {
			return errors.New("is not JSON")
		}
		b := to(c)
		*b = append(append(append(append(*b, ','), quoted...), ':'), value...)
		return nil
	}}, ""
}

// closed ends what objectColumn began.
func closed(members []byte) json.RawMessage {
	if len(members) == 0 {
		return nil
	}
	return append(append([]byte{'{'}, members[1:]...), '}')
}

func (t *Rows) nextCSV() (Row, error) {
	record, err := t.record()
	ragged := errors.Is(err, csv.ErrFieldCount)
	if err != nil && !ragged {
		return Row{}, err
	}
	row := Row{Line: t.line, cells: t.kept(record...)}
	if ragged {
		row.Err = fmt.Errorf("has %d cells and the header %d", len(record), len(t.columns))
		return row, nil
	}
	var all cells
	var problems []string
	for i, text := range record {
		if text = ours(strings.TrimSpace(text)); text == "" {
			continue
		}
		c := t.columns[i]
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			problems = append(problems, c.name+" holds broken UTF-8 or a NUL character")
		} else if err := c.set(&row, &all, text); err != nil {
			problems = append(problems, c.name+" "+err.Error())
		}
	}
	if len(problems) > 0 {
		row.Err = errors.New(strings.Join(problems[:min(len(problems), 3)], "; "))
		return row, nil
	}
	row.Patch.Attributes, row.Patch.Data = closed(all.attributes), closed(all.data)
	for _, c := range all.consents {
		c.Source, c.TextVersion, c.Proof, c.IP = all.said.Source, all.said.TextVersion, all.said.Proof, all.ip
		if c.Source == "" {
			c.Source = t.Consent.Source
		}
		if c.TextVersion == "" {
			c.TextVersion = t.Consent.TextVersion
		}
		if c.Proof == "" {
			c.Proof = t.Consent.Proof
		}
		row.Patch.Consents = append(row.Patch.Consents, c)
	}
	return row, nil
}

// record reads one CSV record and sets the line that it begins in.
func (t *Rows) record() ([]string, error) {
	t.guard.row = 0
	record, err := t.table.Read()
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		t.line = int64(bad.StartLine)
		if errors.Is(err, csv.ErrFieldCount) {
			return record, err
		}
		begin := ""
		if bad.StartLine != bad.Line {
			begin = fmt.Sprintf(", in the row that begins in line %d", bad.StartLine)
		}
		return nil, rapport.Errorf(rapport.CodeMalformed, "The CSV is broken in line %d%s: %s.", bad.Line, begin, describeCSV(bad.Err))
	}
	if err != nil {
		return nil, t.located(err)
	}
	line, _ := t.table.FieldPos(0)
	t.line = int64(line)
	return record, nil
}

func describeCSV(err error) string {
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return "a quotation mark stands inside a cell that has none around it"
	case errors.Is(err, csv.ErrQuote):
		return "a quoted cell does not end as it should"
	}
	return err.Error()
}

func (t *Rows) nextJSON() (Row, error) {
	for {
		t.guard.row = 0
		line, err := t.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long := bytes.Clone(line)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = t.in.ReadSlice('\n')
				long = append(long, line...)
			}
			line = long
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return Row{}, t.located(err)
		}
		at := t.line
		t.line++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			if errors.Is(err, io.EOF) {
				return Row{}, err
			}
			continue
		}
		row := Row{Line: at, text: line}
		if t.Keep {
			row.cells = t.kept(string(line))
		}
		bad := Decode(line, "", &row.Patch)
		if rapport.CodeOf(bad) == rapport.CodeMalformed {
			return Row{}, rapport.Errorf(rapport.CodeMalformed, "Line %d is not JSON: %s.", at, plainly(json.Unmarshal(line, new(any))))
		}
		if bad != nil {
			row.Patch = RecipientRow{}
			row.Err = bad
			if e, ok := errors.AsType[*rapport.Error](bad); ok {
				row.Err = errors.New(reason(CustomerInput{}, e.Fields))
			}
		} else if d := bytes.TrimSpace(row.Patch.Data); string(d) == "null" {
			row.Patch.Data = nil
		} else if len(d) > 0 && d[0] != '{' {
			row.Err = errors.New("data must be a JSON object")
		}
		return row, nil
	}
}

// located adds the line to an error of the stream.
func (t *Rows) located(err error) error {
	if errors.Is(err, errLongRow) {
		return rapport.Errorf(rapport.CodeTooLarge, "The row that begins after line %d is larger than 1 MiB; a quotation mark may be missing.", t.line)
	}
	return err
}

// guard bounds the whole stream and each row. A row is counted with what the buffer reads ahead.
type guard struct {
	r    io.Reader
	left int64
	row  int64
}

var errLongRow = errors.New("a row is too long")

func (g *guard) Read(p []byte) (int, error) {
	if g.row > maxLine {
		return 0, errLongRow
	}
	n, err := g.r.Read(p)
	g.row += int64(n)
	g.left -= int64(n)
	if g.left < 0 {
		return 0, rapport.Errorf(rapport.CodeTooLarge, "The stream is larger than is taken at once.")
	}
	return n, err
}
