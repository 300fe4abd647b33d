package rapport

import "time"

// Understanding is what a customer's words are taken to mean. It is a guess until a person has said otherwise.
type Understanding struct {
	Language    Taken
	Intent      Taken
	Sentiment   Taken
	CorrectedBy string
	CorrectedAt time.Time
}

// Taken is one thing that a text is taken to mean.
type Taken struct {
	Value      string
	Confidence float64 // 0 to 1; of what a person said 1
	Source     Source
}

// Source says who takes it so.
type Source string

const (
	Guessed  Source = "guess"  // word lists
	Modelled Source = "model"  // the assistant's model
	Told     Source = "person" // stands over both
)

// Correction is what a person says about a text; what is empty stays.
type Correction struct {
	Language, Intent, Sentiment string
	By                          string
}
