package api

import (
	"context"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"

	"rapport"
	"rapport/gateway"
)

// answerPage is where a message is answered by the link in it. Looking changes nothing.
func (d *door) answerPage(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		p, err := d.g.AnswerPage(ctx, token)
		if err != nil {
			return err
		}
		return d.showAnswer(c, fiber.StatusOK, view{Page: p})
	})
}

// formID is what makes a form other than the next of the same page: gateway.Page.Form.
var formID = regexp.MustCompile(`^[0-9a-z]{26}$`)

// answer takes what was written. What is wrong with it is said above it, and nothing of it is lost.
func (d *door) answer(c *fiber.Ctx) error {
	return d.inPage(c, func(ctx context.Context, token string) error {
		form, err := d.form(c)
		if err != nil {
			return err
		}
		in := gateway.PageAnswer{Form: form.Get("form"), Text: form.Get("text"), Name: form.Get("name")}
		if !formID.MatchString(in.Form) {
			return rapport.Errorf(rapport.CodeMalformed, "This is not the form of the page.")
		}
		refused := d.g.AnswerByPage(ctx, token, in)
		p, err := d.g.AnswerPage(ctx, token)
		if err != nil {
			return err
		}
		p.Form = in.Form // sent again it is the same one
		v, status := view{Page: p, Text: in.Text, Name: in.Name}, fiber.StatusUnprocessableEntity
		switch rapport.CodeOf(refused) {
		case "":
			v.Saved, status = true, fiber.StatusOK
		case rapport.CodeConflict:
			v.Closed = true
		case rapport.CodeInvalid:
			if v.Wrong = "answer.long"; strings.TrimSpace(in.Text) == "" {
				v.Wrong = "answer.empty"
			}
		case rapport.CodeRateLimited:
			v.Wrong, status = "answer.often", fiber.StatusTooManyRequests
			for name, values := range d.problem(ctx, requestID(c), refused).GetHeaders() {
				c.Set(name, values[0])
			}
		default:
			return refused
		}
		return d.showAnswer(c, status, v)
	})
}

func (d *door) showAnswer(c *fiber.Ctx, status int, v view) error {
	switch {
	case v.Saved:
		v.Heading = "answer.done"
	case v.Closed:
		v.Heading, status = "answer.closed", fiber.StatusGone
	default:
		v.Heading = "answer.ask"
	}
	return d.show(c, status, "answer.html", v)
}
