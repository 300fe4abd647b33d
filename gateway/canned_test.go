package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"rapport"
	"rapport/gateway"
	"rapport/store"
)

func TestCanned_IsFilledInForItsThread(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		by := gateway.Caller{Name: "Ivan"}
		name, locale := "Анна", "ru"
		if _, err := w.st.UpsertCustomers(t.Context(), []store.CustomerPatch{{Name: &name, Locale: &locale, Addresses: []store.AddressPatch{{Channel: rapport.SMS, Value: addressOf(rapport.SMS, 1)}}}}); err != nil {
			t.Fatal(err)
		}
		anna, other := w.conversation(1, "e1"), w.conversation(2, "e2")
		in := gateway.CannedInput{Title: "Where is my order", Bodies: []gateway.CannedBody{
			{Text: "Dear {{ customer.name | default: 'customer' }}, order {{ data.number }} is on its way. {{ data.agent }}"},
			{Locale: "ru", Text: "Здравствуйте, {{ customer.name }}! Заказ {{ data.number }} в пути. {{ data.agent }}"}}}
		if _, fresh, err := w.g.SaveCanned(t.Context(), by, "order", in); err != nil || !fresh {
			t.Fatal(fresh, err)
		}
		if _, fresh, err := w.g.SaveCanned(t.Context(), by, "order", in); err != nil || fresh {
			t.Fatal(fresh, err)
		}
		render := func(th rapport.Thread, data map[string]any) *gateway.CannedRendered {
			t.Helper()
			r, err := w.g.RenderCanned(t.Context(), by, "order", gateway.CannedRenderInput{Thread: rapport.KindThread.Format(th.ID), Data: data})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := render(anna, map[string]any{"number": 7})
		if r.Text != "Здравствуйте, Анна! Заказ 7 в пути. Ivan" || r.Locale != "ru" || len(r.Missing) != 0 || r.SMS == nil || r.SMS.Segments != 1 || r.TooLong {
			t.Errorf("%+v", r)
		}
		r = render(other, nil)
		if !strings.HasPrefix(r.Text, "Dear customer, order {{ data.number }} is") || !slices.Equal(r.Missing, []string{"data.number"}) {
			t.Errorf("%+v", r)
		}
		_, err := w.g.ReplyInThread(t.Context(), by, other.ID, gateway.ReplyInput{Text: r.Text})
		refused(t, err, rapport.CodeInvalid, "data.number")
		for text, says := range map[string]string{"Dear {{ nope }}": "nope", "{{cusotmer.name | upcase}}": "cusotmer.name", "{% if x %}y{% endif %}": "{% if x %}", "{{ 'a' ": "{{ 'a'", "{%": "{%", "{{}}": "{{}}"} {
			_, err := w.g.ReplyInThread(t.Context(), by, other.ID, gateway.ReplyInput{Text: text})
			refused(t, err, rapport.CodeInvalid, says)
			_, err = w.g.ReplyInThread(t.Context(), by, other.ID, gateway.ReplyInput{Text: "x", HTML: "<p>" + text + "</p>"})
			refused(t, err, rapport.CodeInvalid, "html")
		}
		w.answer(other.ID, gateway.ReplyInput{Text: render(other, map[string]any{"number": "{ x } {}%"}).Text})

		// One that was saved before such names were refused.
		if _, err := w.st.SaveCanned(t.Context(), &store.Canned{Key: "old", Title: "Old", Bodies: []byte(`[{"text":"Dear {{ cusotmer.name }}, {{ order.number }} {{ nope }} {{ agent }} {{ customer.naem }}"}]`)}); err != nil {
			t.Fatal(err)
		}
		old, err := w.g.RenderCanned(t.Context(), by, "old", gateway.CannedRenderInput{Thread: rapport.KindThread.Format(anna.ID)})
		if err != nil || !slices.Equal(old.Missing, []string{"agent", "cusotmer.name", "customer.naem", "nope", "order.number"}) {
			t.Errorf("%+v, %v", old, err)
		}

		// Whatever is done with it: it is seen, and holds the answer back. What is there beside it stays.
		for text, want := range map[string]string{
			"{{ data.things.size }}":                                    "{{ data.things }}",
			"{{ data.things.first }} {{ data.things.last }}":            "{{ data.things }} {{ data.things }}",
			"{{ data.things | size }}":                                  "{{ data.things }}",
			"{{ data.things | upcase }}":                                "{{ data.things }}",
			"{% for i in data.things %}i{% endfor %}":                   "{{ data.things }}",
			"{% assign n = data.things | size %}{% if n %}x{% endif %}": "{{ data.things }}",
			"{{ data.shop.city }} {{ data.shop.nope | size }}":          "Riga {{ data.shop.nope }}",
			"{{ customer.name.nope }}":                                  "{{ customer.name.nope }}",
			"{{ data.things.size | default: 'no' }} things":             "no things",
		} {
			if _, _, err := w.g.SaveCanned(t.Context(), by, "odd", gateway.CannedInput{Title: "x", Bodies: []gateway.CannedBody{{Text: text}}}); err != nil {
				t.Fatal(text, err)
			}
			r, err := w.g.RenderCanned(t.Context(), by, "odd", gateway.CannedRenderInput{Thread: rapport.KindThread.Format(anna.ID), Data: map[string]any{"shop": map[string]any{"city": "Riga"}}})
			if err != nil || r.Text != want || (len(r.Missing) > 0) != strings.Contains(want, "{{") {
				t.Errorf("%s: %+v, %v; want %q", text, r, err, want)
			}
		}

		for says, bad := range map[string]gateway.CannedInput{
			"title":          {Bodies: in.Bodies},
			"bodies":         {Title: "x"},
			"bodies[0].text": {Title: "x", Bodies: []gateway.CannedBody{{Text: "{{ customer.name "}}},
			"reads what nothing supplies: cusotmer.name, agent;": {Title: "x", Bodies: []gateway.CannedBody{{Text: "{% if customer.name and customer %}{{ cusotmer.name }}{% endif %} {{ company.name }} {{ data.x }} {% assign a = data.agent %}{{ a }} {{ agent | default: 'x' }}"}}},
			"bodies[1]": {Title: "x", Bodies: []gateway.CannedBody{{Text: "a"}, {Text: "b"}}},
		} {
			_, _, err := w.g.SaveCanned(t.Context(), by, "bad", bad)
			refused(t, err, rapport.CodeInvalid, says)
		}
		_, _, err = w.g.SaveCanned(t.Context(), by, "no key", in)
		refused(t, err, rapport.CodeInvalid, "key")
		_, err = w.g.RenderCanned(t.Context(), by, "none", gateway.CannedRenderInput{Thread: rapport.KindThread.Format(other.ID)})
		refused(t, err, rapport.CodeNotFound, "canned")
		_, err = w.g.RenderCanned(t.Context(), by, "order", gateway.CannedRenderInput{Thread: "thr_0"})
		refused(t, err, rapport.CodeInvalid, "thread")
		if err := w.g.DropCanned(t.Context(), by, "order"); err != nil {
			t.Error(err)
		}
		refused(t, w.g.DropCanned(t.Context(), by, "order"), rapport.CodeNotFound, "canned")
	})
}
