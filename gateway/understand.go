package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rapport"
	"rapport/channels"
	"rapport/insights"
	"rapport/store"
)

// understand keeps what a customer's words are taken to mean, in the transaction that stores them. A stop that was obeyed
// is more than a guess.
func (g *Gateway) understand(ctx context.Context, s *store.Store, in *channels.Incoming, e *rapport.Entry, stopped bool) error {
	r := g.reader.Read(e.Text, in.Locale)
	if stopped {
		r.Intent = insights.Guess[insights.Intent]{Value: insights.Stop, Confidence: 0.99}
	}
	return s.KeepReading(ctx, e.ID, understandingOf(r, rapport.Guessed))
}

func understandingOf(r insights.Reading, by rapport.Source) rapport.Understanding {
	return rapport.Understanding{Language: rapport.Taken{Value: r.Language.Value, Confidence: r.Language.Confidence, Source: by},
		Intent:    rapport.Taken{Value: string(r.Intent.Value), Confidence: r.Intent.Confidence, Source: by},
		Sentiment: rapport.Taken{Value: string(r.Sentiment.Value), Confidence: r.Sentiment.Confidence, Source: by}}
}

// CorrectionInput is what a person says that a text means; what is not given stays.
type CorrectionInput struct {
	Intent    string `json:"intent,omitempty" enum:"stop,question,complaint,thanks,order,other"`
	Sentiment string `json:"sentiment,omitempty" enum:"positive,neutral,negative"`
	Language  string `json:"language,omitempty" maxLength:"3" example:"en" doc:"Two or three letters (ISO 639); und: none that is known."`
	Agent     string `json:"agent,omitempty" maxLength:"200" doc:"Who says so. Default: the key's name."`
}

func (in *CorrectionInput) check() error {
	v := validation{}
	if in.Intent == "" && in.Sentiment == "" && in.Language == "" {
		v.refuse("intent", "one of intent, sentiment and language is required")
	}
	if in.Intent != "" && !slices.Contains(insights.Intents, insights.Intent(in.Intent)) {
		v.refuse("intent", "must be one of %v", insights.Intents)
	}
	if in.Sentiment != "" && !slices.Contains(insights.Sentiments, insights.Sentiment(in.Sentiment)) {
		v.refuse("sentiment", "must be one of %v", insights.Sentiments)
	}
	if in.Language != "" && !isLanguage(in.Language) {
		v.refuse("language", "must be two or three small letters, such as en")
	}
	if len(v.errs) > 0 {
		return invalid(v.errs)
	}
	return nil
}

func isLanguage(text string) bool {
	return (len(text) == 2 || len(text) == 3) && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") == ""
}

// Correct keeps what a person says that a customer's words mean: it stands over every guess, also later ones, and counts in
// the campaign's numbers. Not found: it is no customer's word, or it was erased.
func (g *Gateway) Correct(ctx context.Context, by Caller, entry rapport.ID, in CorrectionInput) (rapport.Entry, error) {
	var e rapport.Entry
	if err := in.check(); err != nil {
		return e, err
	}
	agent, err := agentOr(in.Agent, by)
	if err != nil {
		return e, err
	}
	detail, err := json.Marshal(map[string]string{"language": in.Language, "intent": in.Intent, "sentiment": in.Sentiment})
	if err != nil {
		return e, err
	}
	err = g.Store.Tx(ctx, func(s *store.Store) (err error) {
		if err = s.Correct(ctx, entry, rapport.Correction{Language: in.Language, Intent: in.Intent, Sentiment: in.Sentiment, By: agent}); err != nil {
			return err
		}
		if e, err = s.Entry(ctx, entry); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "entry.corrected", Subject: rapport.KindEntry.Format(entry), Detail: detail})
	})
	if err != nil {
		return rapport.Entry{}, fmt.Errorf("correcting what an entry means: %w", err)
	}
	return e, nil
}
