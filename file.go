package rapport

import "time"

// File is something that a caller uploaded: an attachment, or an import. Its bytes are in the store.
type File struct {
	ID          ID
	Name        string // without directories
	ContentType string
	Size        int64  // bytes
	SHA256      string // hex
	Complete    bool   // false while it is being uploaded, and for ever when that broke off
	CreatedAt   time.Time
}
