package api

import (
	"encoding/json"

	"rapport"
	"rapport/store"
)

// maxAttributeColumns is how many attributes a table of customers has columns for; spreadsheets take some 16,000 columns.
const maxAttributeColumns = 500

// customerColumns are the columns of an import, see gateway.Rows, and how a customer fills them. An attribute that is not
// always a text is a JSON value.
func customerColumns(attributes []store.AttributeName) (columns []string, cells func(Customer) []string) {
	columns = []string{"id", "external_id", "audience", "name", "locale", "timezone"}
	for _, c := range rapport.Channels {
		columns = append(columns, string(c))
	}
	for _, a := range attributes {
		name := "attr." + a.Key
		if !a.Text {
			name += ":json"
		}
		columns = append(columns, name)
	}
	return columns, func(c Customer) []string {
		row := append(make([]string, 0, len(columns)), c.ID, c.ExternalID, c.Audience, c.Name, c.Locale, c.Timezone)
		for _, channel := range rapport.Channels {
			row = append(row, c.first(channel))
		}
		var of map[string]json.RawMessage
		_ = json.Unmarshal(c.Attributes, &of) // an object, as every writer of it has checked
		for _, a := range attributes {
			cell := string(of[a.Key])
			if a.Text && cell != "" {
				_ = json.Unmarshal(of[a.Key], &cell) // a text
			}
			row = append(row, cell)
		}
		return row
	}
}

// first is the address of a channel that is used first: the primary one, else the oldest. Those that are off are none.
func (c Customer) first(channel rapport.Channel) (address string) {
	for _, a := range c.Addresses {
		switch {
		case a.Channel != channel || a.Off != "":
		case a.Primary:
			return a.Address
		case address == "":
			address = a.Address
		}
	}
	return address
}
