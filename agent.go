package rapport

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Agent is a person who signs in. Threads, notes and drafts know agents by their names.
type Agent struct {
	ID          ID
	Name        string // unique by MentionName
	Email       string // unique regardless of case
	Role        AgentRole
	Locale      string          // BCP 47; empty: the browser's
	Preferences json.RawMessage // a JSON object: how the app is to look
	Invited     bool            // has not chosen a password yet
	TOTP        bool            // signs in with a code too
	DisabledAt  time.Time
	SeenAt      time.Time // to the minute
	CreatedAt   time.Time
}

// AgentRole says what an agent may do; gateway.ScopesOf holds the table.
type AgentRole string

const (
	Owner  AgentRole = "owner"  // everything
	Admin  AgentRole = "admin"  // everything but owners
	Member AgentRole = "agent"  // works in the inbox
	Viewer AgentRole = "viewer" // reads
)

// AgentRoles lists all of them, the mightiest first.
var AgentRoles = []AgentRole{Owner, Admin, Member, Viewer}

// ValidAgentRole tells whether there is such a role.
func ValidAgentRole(r AgentRole) bool { return slices.Contains(AgentRoles, r) }

// Active tells whether the agent may sign in.
func (a *Agent) Active() bool { return !a.Invited && a.DisabledAt.IsZero() }

// State is active, invited or disabled.
func (a *Agent) State() string {
	switch {
	case !a.DisabledAt.IsZero():
		return "disabled"
	case a.Invited:
		return "invited"
	}
	return "active"
}

// MentionName is what stands after the @ to call the agent of this name, and what no two agents share: the name in
// lower case, with a dot for whatever a mention cannot hold. Empty: nothing of the name can be mentioned.
func MentionName(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(name) {
		if !nameRune(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('.')
		}
		gap = false
		b.WriteRune(r)
	}
	out := strings.TrimRight(b.String(), ".-_") // as Mentions reads it
	if !strings.ContainsFunc(out, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return ""
	}
	return out
}

// Session is one browser in which an agent is signed in. Its token is in the browser's cookie; the store holds its
// SHA-256.
type Session struct {
	ID        ID
	Agent     ID
	Browser   string // User-Agent, cut
	Address   string // the address it was last used from
	CreatedAt time.Time
	SeenAt    time.Time // to the minute
	ExpiresAt time.Time
}

// A session ends when it was not used for SessionIdle, and in any case after SessionLife.
const (
	SessionIdle = 72 * time.Hour // a weekend
	SessionLife = 14 * 24 * time.Hour
)

// Valid tells whether the session opens anything at now.
func (s *Session) Valid(now time.Time) bool {
	return now.Before(s.ExpiresAt) && now.Sub(s.SeenAt) < SessionIdle
}

// PassKind says what a one-time link is for.
type PassKind string

const (
	PassSetup      PassKind = "setup"      // the first owner of an empty house
	PassInvitation PassKind = "invitation" // a new agent chooses a password
	PassReset      PassKind = "reset"      // one who has lost it chooses another
)

// Pass is a one-time link without its token, of which the store holds the SHA-256.
type Pass struct {
	Kind      PassKind
	Agent     ID   // none for setup
	ClearTOTP bool // a reset that also ends the codes
	ExpiresAt time.Time
}
