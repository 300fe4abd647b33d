package store_test

import (
	"slices"
	"testing"
	"time"

	"rapport"
	"rapport/store"
	"rapport/store/storetest"
)

func TestSearchEntries_FindsByWords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ann := upsert(t, s, store.CustomerPatch{Name: ptr("Анна Иванова"), ExternalID: "a"})[0]
		th := thread(t, s, rapport.Thread{Customer: ann, Subject: "Заказ № 4711"})
		say := func(text string) rapport.ID {
			t.Helper()
			e := rapport.Entry{Thread: th.ID, Customer: ann, Kind: rapport.Inbound, Channel: rapport.Email, Author: "Anna", Text: text}
			if err := s.AddEntry(ctx, &e); err != nil {
				t.Fatal(err)
			}
			return e.ID
		}
		socks, late := say("Do you have the blue socks in XL?"), say("Где мой зелёный чемодан? Жду доставку с 3-го мая.")
		cafe, tokyo := say("Café Müller – naïve O'Brien"), say("東京タワーの予約")
		kids := say("Для детей: e-mail по счёту №5566, договор N7788")
		all := []rapport.ID{kids, tokyo, cafe, late, socks}
		for q, want := range map[string][]rapport.ID{
			"socks": {socks}, "SOCK": {socks}, "blue xl": {socks}, "xl blue": {socks}, "socks чемодан": nil,
			"чемоданы": {late}, "зеленый": {late}, "зелёного": {late}, "доставка": {late}, "ждал": nil,
			"cafe muller": {cafe}, "CAFÉ": {cafe}, "brien": {cafe}, "o'brien": {cafe}, "東京": {tokyo}, "予約": {tokyo}, "京東": nil,
			"детей": {kids}, "email": {kids}, "e-mail": {kids}, "mail": {kids}, "5566": {kids}, "№5566": {kids}, "7788": {kids}, "N7788": {kids}, "n77": nil,
			"4711": all, "471": nil, "заказы": all, "иванова": all, "anna": all, `"sock"`: nil, `"socks"`: {socks},
			"": nil, "?!": nil, `" * ( ) AND OR NOT NEAR : & | <-> '`: nil, `socks" OR "x`: nil, "socks & blue": {socks}, "-socks": {socks}, "\x00": nil, "so\xffcks": nil,
			"\U0001F600 socks": {socks}, "ﬁne": nil, "한국": nil, "नमस्ते": nil,
		} {
			got, _, err := s.SearchEntries(ctx, q, store.Page{Limit: 10})
			ids := make([]rapport.ID, 0, 4)
			for _, e := range got {
				ids = append(ids, e.ID)
			}
			if err != nil || !slices.Equal(ids, want) && len(ids)+len(want) > 0 {
				t.Errorf("%q: %v, %v, want %v", q, ids, err, want)
			}
		}
		first, next, err := s.SearchEntries(ctx, "anna", store.Page{Limit: 3})
		if err != nil || len(first) != 3 || next == 0 {
			t.Fatalf("%d, %v, %v", len(first), next, err)
		}
		if rest, next, err := s.SearchEntries(ctx, "anna", store.Page{Limit: 3, After: next}); err != nil || len(rest) != 2 || rest[1].ID != socks || next != 0 {
			t.Errorf("the second page: %+v, %v, %v", rest, next, err)
		}

		if err := s.EditEntry(ctx, socks, "Do you have the red ones?", ""); err != nil {
			t.Fatal(err)
		}
		for q, n := range map[string]int{"socks": 0, "red": 1} {
			if got, _, err := s.SearchEntries(ctx, q, store.Page{Limit: 3}); err != nil || len(got) != n {
				t.Errorf("%q after an edit: %+v, %v", q, got, err)
			}
		}
	})
}

// Whatever form of a short word was said, any other finds it.
func TestSearchEntries_EndingsOfShortWords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		th := thread(t, s, rapport.Thread{Subject: "x"})
		for _, forms := range [][]string{{"ёлка", "ёлки", "елкой"}, {"ваза", "вазу", "вазой"}, {"юбка", "юбки", "юбку"}, {"синий", "синяя", "синюю"}, {"дети", "детей"}, {"цена", "цену", "ценой"}, {"boxes", "boxed"}} {
			for _, said := range forms {
				e := rapport.Entry{Thread: th.ID, Kind: rapport.Note, Text: said + " " + forms[0] + "7"}
				if err := s.AddEntry(ctx, &e); err != nil {
					t.Fatal(err)
				}
				for _, asked := range forms {
					got, _, err := s.SearchEntries(ctx, asked, store.Page{Limit: 1})
					if err != nil || len(got) != 1 || got[0].ID != e.ID {
						t.Errorf("%q does not find %q: %v", asked, said, err)
					}
				}
				if got, _, err := s.SearchEntries(ctx, `"`+said+`"`, store.Page{Limit: 1}); err != nil || len(got) != 1 || got[0].ID != e.ID {
					t.Errorf("%q as it is: %+v, %v", said, got, err)
				}
			}
		}
	})
}

func TestSearchEntries_ForgetsTheErased(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		who := upsert(t, s, store.CustomerPatch{ExternalID: "a", Addresses: mail("a@example.com")})[0]
		th := thread(t, s, rapport.Thread{Customer: who})
		if err := s.AddEntry(ctx, &rapport.Entry{Thread: th.ID, Customer: who, Kind: rapport.Inbound, Text: "my secret allergy"}); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteCustomer(ctx, who); err != nil {
			t.Fatal(err)
		}
		if got, _, err := s.SearchEntries(ctx, "allergy", store.Page{Limit: 3}); err != nil || len(got) != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestMigrate_IndexesEntriesOfBefore(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		if err := s.FillEntries(ctx, store.MaxRows+10); err != nil {
			t.Fatal(err)
		}
		if err := s.ForgetWords(ctx); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, store.MaxRows + 10} {
			got, _, err := s.SearchEntries(ctx, "every", store.Page{Limit: 1000})
			if err != nil || len(got) != n {
				t.Fatalf("%d found, want %d: %v", len(got), n, err)
			}
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzSearchEntries(f *testing.F) {
	f.Add("blue socks", "blue")
	f.Add("заказ \"x", "\"x")
	f.Add("ａｂｃ Ⅷ ½ ﷺ", "ⅷ")
	s := storetest.Open(f, storetest.SQLite(f), nil)
	var th rapport.Thread
	if err := s.CreateThread(ctx, &th); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, q string) {
		if len(text) > 10_000 || len(q) > 1000 {
			return
		}
		if err := s.AddEntry(ctx, &rapport.Entry{Thread: th.ID, Kind: rapport.Note, Text: text}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.SearchEntries(ctx, q, store.Page{Limit: 1}); err != nil {
			t.Errorf("%q: %v", q, err)
		}
	})
}

// The promise is 100 ms at a million entries. -benchtime 100x, and RAPPORT_TEST_DATABASE_URL for PostgreSQL:
//
//	go test ./store -run - -bench SearchEntries -benchtime 100x
func BenchmarkSearchEntries(b *testing.B) {
	const entries = 1_000_000
	engines := map[string]string{"sqlite": storetest.SQLite(b)}
	if url, ok := storetest.Postgres(b); ok {
		engines["postgres"] = url
	}
	for name, url := range engines {
		b.Run(name, func(b *testing.B) { searches(b, url, entries) })
	}
}

func searches(b *testing.B, url string, entries int) {
	s := storetest.Open(b, url, nil)
	began := time.Now()
	if err := s.FillEntries(ctx, entries); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d entries in %v", entries, time.Since(began))
	// A word of one entry in a hundred thousand, in a thousand, in ten, in every one; two of them; none; a beginning.
	for _, q := range []string{"w100000", "w1000", "w10", "every", "w10 w1000", "every w100000", "nowhere", "wordy", `w10 every "w100000"`} {
		b.Run(q, func(b *testing.B) {
			slowest := time.Duration(0)
			for b.Loop() {
				began := time.Now()
				if _, _, err := s.SearchEntries(ctx, q, store.Page{Limit: 50}); err != nil {
					b.Fatal(err)
				}
				slowest = max(slowest, time.Since(began))
			}
			b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
		})
	}
}
