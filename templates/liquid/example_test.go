package liquid_test

import (
	"errors"
	"fmt"
	"time"

	"rapport/templates/liquid"
)

func Example() {
	t, err := liquid.Parse(`<p>Привет, {{ customer.name }}! {{ n }} {{ n | plural: "товар", "товара", "товаров" }} на {{ sum | money: "RUB" }}
до {{ until | date: "%-d %B" }}: <a href="{{ url }}">открыть</a></p>`, liquid.Options{Escape: liquid.EscapeHTML})
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := t.Render(map[string]any{
		"customer": map[string]any{"name": "Анна <3"},
		"n":        3, "sum": 129900, "until": "2026-03-05T22:30:00Z", "url": "javascript:alert(1)",
	}, liquid.Run{Locale: "ru", Zone: time.FixedZone("MSK", 3*60*60)})
	fmt.Println(out, err)
	// Output:
	// <p>Привет, Анна &lt;3! 3 товара на 1 299,00 ₽
	// до 6 марта: <a href="#">открыть</a></p> <nil>
}

func ExampleRun_strict() {
	t, err := liquid.Parse("Hello,\n{{ customer.name }}", liquid.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = t.Render(nil, liquid.Run{Strict: true})
	var e *liquid.Error
	if errors.Is(err, liquid.ErrUndefined) && errors.As(err, &e) {
		fmt.Println(e.Name, "·", e)
	}
	// Output: customer.name · line 2: undefined variable "customer.name"
}
