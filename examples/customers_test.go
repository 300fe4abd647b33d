package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"testing"
)

func TestCustomers_AreThoseThatAreCommitted(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("customers.csv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), committed) {
		t.Fatal("customers.csv is not what the generator writes: go run ./examples > examples/customers.csv")
	}
}

func TestCustomers_NobodyIsThereTwice(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(table) != rows+1 {
		t.Fatalf("%d rows", len(table)-1)
	}
	used := map[string]int{}
	for column, title := range table[0] {
		switch title {
		case "external_id", "email", "sms", "telegram", "webhook":
			count := 0
			seen := map[string]bool{}
			for _, row := range table[1:] {
				address := row[column]
				if address == "" {
					continue
				}
				if seen[address] {
					t.Errorf("%s %s stands in two rows", title, address)
				}
				seen[address] = true
				count++
			}
			used[title] = count
		}
	}
	for _, channel := range []string{"email", "sms", "telegram", "webhook"} {
		if used[channel] < 80 {
			t.Errorf("only %d customers have %s", used[channel], channel)
		}
	}
}
