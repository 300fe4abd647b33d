package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"github.com/twilio/twilio-go/client"
	twilio "github.com/twilio/twilio-go/rest/api/v2010"
	"github.com/wneessen/go-mail"
)

// floorVariable makes this program one bare client or one bare store instead of the bench: a process of its
// own, so that the sink's processor time stays out of its figures. It holds a floorTask as JSON.
const floorVariable = "BENCH_FLOOR"

type floorTask struct {
	What     string // a channel, or store
	N        int
	Sink     string // host:port
	Database string // of store
	Postgres int    // the pid of its server; 0: SQLite
}

// Floor is what a part costs alone.
type Floor struct {
	N     int
	Took  time.Duration
	Usage Usage
	// Insert is the part of store that planning has; the rest is claiming and recording.
	Insert time.Duration
}

// measureFloor runs task in a process of its own.
func measureFloor(ctx context.Context, task floorTask) (*Floor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(task)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), floorVariable+"="+string(text))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the bare %s: %w: %s", task.What, err, errs.String())
	}
	f := &Floor{}
	return f, json.Unmarshal(out.Bytes(), f)
}

// floorProcess is the other side of measureFloor.
func floorProcess(text string) error {
	var t floorTask
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	var f *Floor
	var err error
	if t.What == "store" {
		f, err = storeFloor(t)
	} else {
		f, err = clientFloor(t)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// clientFloor sends N messages with what a plain program would use: one client, as many connections as the
// product has, no template, no database.
func clientFloor(t floorTask) (*Floor, error) {
	bare, err := map[string]func(string) (func(int) error, error){"email": bareMail, "sms": bareTwilio, "telegram": bareTelegram, "webhook": bareWebhook}[t.What](t.Sink)
	if err != nil {
		return nil, err
	}
	if err := inParallel(min(t.N, 10*connections), bare); err != nil { // opens the connections, warms up
		return nil, err
	}
	me := []Meter{selfMeter()}
	u0, err := read(me)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := inParallel(t.N, bare); err != nil {
		return nil, err
	}
	took := time.Since(begin)
	u, err := read(me)
	return &Floor{N: t.N, Took: took, Usage: Usage{"app": u.minus(u0)["bench"]}}, err
}

func inParallel(n int, send func(int) error) error {
	var next atomic.Int64
	errs := make([]error, connections)
	var wg sync.WaitGroup
	for c := range connections {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[c] == nil; i = int(next.Add(1)) - 1 {
				errs[c] = send(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// filled is a template's text with its variables replaced as a program without a template engine would.
func filled(text string, i int) string {
	p := person{channel: "email", i: i}
	d := p.data()
	return strings.NewReplacer("{{ customer.name }}", p.name(), "{{ data.order }}", d["order"].(string), "{{ data.city }}", d["city"].(string),
		"{{ data.amount }}", d["amount"].(string), "{{ data.url }}", d["url"].(string)).Replace(text)
}

// bareMail is go-mail's Send over kept-open connections.
func bareMail(sink string) (func(int) error, error) {
	host, port, _ := strings.Cut(sink, ":")
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	free := make(chan *mail.Client, connections)
	for range connections {
		c, err := mail.NewClient(host, mail.WithPort(n), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("bench.example"))
		if err != nil {
			return nil, err
		}
		if err := c.DialWithContext(context.Background()); err != nil {
			return nil, err
		}
		free <- c
	}
	html := mailHTML()
	return func(i int) error {
		m := mail.NewMsg()
		if err := errors.Join(m.From(mailFrom), m.To(person{channel: "email", i: i}.address())); err != nil {
			return err
		}
		m.Subject(filled(mailSubject, i))
		m.SetBodyString(mail.TypeTextPlain, filled(shortText, i))
		m.AddAlternativeString(mail.TypeTextHTML, filled(html, i))
		c := <-free
		defer func() { free <- c }()
		return c.Send(m)
	}, nil
}

// transport keeps enough connections open, and no more.
func transport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}
}

// bareWebhook is net/http with a Standard Webhooks signature.
func bareWebhook(sink string) (func(int) error, error) {
	c := &http.Client{Transport: transport()}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookKey, "whsec_"))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(template("webhook")["variants"].([]any)[0].(map[string]any)["body"])
	if err != nil {
		return nil, err
	}
	return func(i int) error {
		body := []byte(filled(string(text), i))
		req, err := http.NewRequest("POST", "http://"+sink+"/hooks/"+strconv.Itoa(i), bytes.NewReader(body))
		if err != nil {
			return err
		}
		id, at := "msg_"+strconv.Itoa(i), strconv.FormatInt(time.Now().Unix(), 10)
		h := hmac.New(sha256.New, key)
		h.Write([]byte(id + "." + at + "."))
		h.Write(body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("webhook-id", id)
		req.Header.Set("webhook-timestamp", at)
		req.Header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
		res, err := c.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}, nil
}

// bareTwilio is twilio-go, whose requests are sent to the sink instead of api.twilio.com.
func bareTwilio(sink string) (func(int) error, error) {
	c := &client.Client{Credentials: client.NewCredentials(twilioSID, "bench"), HTTPClient: &http.Client{Transport: elsewhere{sink, transport()}}}
	c.SetAccountSid(twilioSID)
	api := twilio.NewApiService(&client.RequestHandler{Client: c})
	return func(i int) error {
		_, err := api.CreateMessage(new(twilio.CreateMessageParams).SetTo(person{channel: "sms", i: i}.address()).SetFrom(twilioFrom).SetBody(filled(shortText, i)))
		return err
	}, nil
}

type elsewhere struct {
	host string
	next http.RoundTripper
}

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL = &url.URL{Scheme: "http", Host: e.host, Path: r.URL.Path}
	return e.next.RoundTrip(r)
}

// bareTelegram is telegram-bot-api. NewBotAPI would ask for getMe.
func bareTelegram(sink string) (func(int) error, error) {
	bot := &tg.BotAPI{Token: telegramBot, Client: &http.Client{Transport: transport()}}
	bot.SetAPIEndpoint("http://" + sink + "/bot%s/%s")
	return func(i int) error {
		m := tg.NewMessage(int64(100000000+i), filled(shortText, i))
		m.ParseMode = tg.ModeHTML
		_, err := bot.Send(m)
		return err
	}, nil
}
