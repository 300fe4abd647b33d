package rapport

import (
	"encoding/json"
	"time"
)

// Job is long work on a file that one process at a time does, and another one goes on with from Cursor
// when that process dies.
type Job struct {
	ID        ID
	Kind      string // import
	Status    JobStatus
	File      ID
	Spec      json.RawMessage // a JSON object that only Kind's verb reads
	Cursor    int64           // how far it has come, in Kind's own unit
	Total     int64           // rows seen so far
	Done      int64           // rows taken
	Rejected  int64           // rows refused, each with a Reject
	Error     string          // why it failed, a sentence for people
	Owner     ID
	Key       ID // the API key that asked for it
	CreatedAt time.Time
	UpdatedAt time.Time
}

// JobStatus is where a job stands.
type JobStatus string

const (
	JobQueued   JobStatus = "queued"
	JobRunning  JobStatus = "running"
	JobFinished JobStatus = "finished" // some rows may have been rejected
	JobFailed   JobStatus = "failed"   // it could not go on; what was done until then stays
)

// Reject is one refused row of a job's file.
type Reject struct {
	Line   int64    `json:"line"` // counted from 1
	Reason string   `json:"reason"`
	Cells  []string `json:"cells,omitempty" doc:"The row as the file had it, cell by cell; of NDJSON its line. Kept for 30 days, and not of a person who was erased since."`
}
