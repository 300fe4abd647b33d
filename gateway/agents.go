package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"rapport"
	"rapport/store"
)

// Agents are the people who work here: who they are, how they come in, and their sessions. It is safe for concurrent use.
type Agents struct {
	store *store.Store
	set   Settings // PublicURL, Keys and Seals of it
	hash  *hasher
	mu    sync.Mutex
	known map[string]knownSession // by hash
}

// NewAgents keeps them in st. For what only makes links, PublicURL is enough.
func NewAgents(st *store.Store, set Settings) *Agents {
	return &Agents{store: st, set: set, hash: newHasher(), known: map[string]knownSession{}}
}

// How long one-time links are good for.
const (
	invitationFor = 7 * 24 * time.Hour
	resetFor      = 24 * time.Hour
	setupFor      = 30 * 24 * time.Hour // the next start makes another
)

// AgentInput describes a new agent.
type AgentInput struct {
	Email string            `json:"email" maxLength:"254" example:"anna@shop.example"`
	Name  string            `json:"name" minLength:"1" maxLength:"100" doc:"How colleagues know them; no two agents share one." example:"Anna"`
	Role  rapport.AgentRole `json:"role" enum:"owner,admin,agent,viewer"`
}

// Link is a one-time link, shown once: its token is stored nowhere.
type Link struct {
	URL       string
	ExpiresAt time.Time
}

// OpenSetup makes the link by which the first owner comes in; the one before is worth nothing any more. "": somebody is there.
func (a *Agents) OpenSetup(ctx context.Context) (string, error) {
	if there, err := a.store.HasAgents(ctx); err != nil || there {
		return "", err
	}
	l, err := a.link(ctx, a.store, rapport.Pass{Kind: rapport.PassSetup}, setupFor)
	return l.URL, err
}

// link makes a one-time link. Its token is in the fragment, which browsers send to nobody: no log can hold it.
func (a *Agents) link(ctx context.Context, s *store.Store, p rapport.Pass, good time.Duration) (Link, error) {
	token := randomSecret()
	p.ExpiresAt = a.store.Now().Add(good)
	err := s.AddPass(ctx, p, hashKey(token))
	return Link{a.set.PublicURL + "/" + string(p.Kind) + "#token=" + token, p.ExpiresAt}, err
}

// randomSecret is 256 random bits.
func randomSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Invite adds an agent, who comes in by the link.
func (a *Agents) Invite(ctx context.Context, by Caller, in AgentInput) (agent rapport.Agent, l Link, err error) {
	v := validation{}
	agent = rapport.Agent{Name: v.agentName(in.Name), Email: v.agentEmail(in.Email), Role: in.Role}
	v.agentRole(in.Role)
	if len(v.errs) > 0 {
		return agent, l, invalid(v.errs)
	}
	if err := mayHandle(by, in.Role); err != nil {
		return agent, l, err
	}
	err = a.store.Tx(ctx, func(s *store.Store) error {
		if err := s.CreateAgent(ctx, &agent); err != nil {
			return err
		}
		if l, err = a.link(ctx, s, rapport.Pass{Kind: rapport.PassInvitation, Agent: agent.ID}, invitationFor); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.invited", agent.ID, "role", string(in.Role)))
	})
	return agent, l, a.taken(err)
}

// InviteAgain makes another link for an agent who has not come in yet.
func (a *Agents) InviteAgain(ctx context.Context, by Caller, id rapport.ID) (agent rapport.Agent, l Link, err error) {
	return a.pass(ctx, by, id, rapport.Pass{Kind: rapport.PassInvitation, Agent: id}, invitationFor, "agent.invited")
}

// Reset makes a link by which an agent who has lost the password chooses another; with clearTOTP it also ends the codes.
func (a *Agents) Reset(ctx context.Context, by Caller, id rapport.ID, clearTOTP bool) (agent rapport.Agent, l Link, err error) {
	return a.pass(ctx, by, id, rapport.Pass{Kind: rapport.PassReset, Agent: id, ClearTOTP: clearTOTP}, resetFor, "agent.reset")
}

func (a *Agents) pass(ctx context.Context, by Caller, id rapport.ID, p rapport.Pass, good time.Duration, action string) (agent rapport.Agent, l Link, err error) {
	err = a.store.Tx(ctx, func(s *store.Store) error {
		if agent, err = s.LockAgent(ctx, id); err != nil {
			return err
		}
		if err := mayHandle(by, agent.Role); err != nil {
			return err
		}
		switch {
		case !agent.DisabledAt.IsZero():
			return rapport.Errorf(rapport.CodeConflict, "This agent is disabled.")
		case agent.Invited && p.Kind == rapport.PassReset:
			return rapport.Errorf(rapport.CodeConflict, "This agent has no password yet; invite them again.")
		case !agent.Invited && p.Kind == rapport.PassInvitation:
			return rapport.Errorf(rapport.CodeConflict, "This agent has accepted already.")
		}
		if l, err = a.link(ctx, s, p, good); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, action, id, "clear_totp", fmt.Sprint(p.ClearTOTP)))
	})
	return agent, l, err
}

// AgentChange is what an admin may change about an agent; what is not given stays. The name stays for good: threads, notes
// and drafts know the agent by it.
type AgentChange struct {
	Email    *string            `json:"email,omitempty" maxLength:"254"`
	Role     *rapport.AgentRole `json:"role,omitempty" enum:"owner,admin,agent,viewer"`
	Disabled *bool              `json:"disabled,omitempty" doc:"true signs the agent out everywhere, and lets them in no more."`
}

// Change changes an agent. There is always an owner left who can come in.
func (a *Agents) Change(ctx context.Context, by Caller, id rapport.ID, in AgentChange) (agent rapport.Agent, err error) {
	err = a.store.Tx(ctx, func(s *store.Store) error {
		others, err := s.OtherOwners(ctx, id)
		if err != nil {
			return err
		}
		was, err := s.LockAgent(ctx, id)
		if err != nil {
			return err
		}
		if err := mayHandle(by, was.Role); err != nil {
			return err
		}
		if agent, err = a.changed(was, in); err != nil {
			return err
		}
		if err := mayHandle(by, agent.Role); err != nil {
			return err
		}
		if was.Active() && was.Role == rapport.Owner && (!agent.Active() || agent.Role != rapport.Owner) && !others {
			return rapport.Errorf(rapport.CodeConflict, "This is the last owner who can sign in. Make somebody else an owner first.")
		}
		if err := s.SaveAgent(ctx, agent); err != nil {
			return err
		}
		if !agent.DisabledAt.IsZero() {
			if err := s.DropPresence(ctx, agent.Name); err != nil { // gets no threads any more
				return err
			}
			if err := s.DropSessions(ctx, id, 0); err != nil {
				return err
			}
			if err := s.DropPasses(ctx, id); err != nil {
				return err
			}
		}
		return s.Audit(ctx, aboutAgent(by, "agent.changed", id, "role", string(agent.Role), "disabled", fmt.Sprint(!agent.DisabledAt.IsZero())))
	})
	a.forget()
	return agent, a.taken(err)
}

func (a *Agents) changed(agent rapport.Agent, in AgentChange) (rapport.Agent, error) {
	v := validation{}
	if in.Email != nil {
		agent.Email = v.agentEmail(*in.Email)
	}
	if in.Role != nil {
		agent.Role = *in.Role
		v.agentRole(agent.Role)
	}
	if in.Disabled != nil && *in.Disabled != !agent.DisabledAt.IsZero() {
		if agent.DisabledAt = (time.Time{}); *in.Disabled {
			agent.DisabledAt = a.store.Now()
		}
	}
	if len(v.errs) > 0 {
		return agent, invalid(v.errs)
	}
	return agent, nil
}

// OwnChange is what agents may change about themselves; what is not given stays.
type OwnChange struct {
	Locale      *string         `json:"locale,omitempty" maxLength:"35" doc:"BCP 47. Empty: the browser's." example:"en"`
	Preferences json.RawMessage `json:"preferences,omitempty" doc:"A JSON object of at most 8 KiB: how the app is to look. It replaces the one before."`
}

// largestPreferences bounds what an app may keep with an agent.
const largestPreferences = 8 << 10

// ChangeSelf changes what agents may about themselves.
func (a *Agents) ChangeSelf(ctx context.Context, by Caller, in OwnChange) (agent rapport.Agent, err error) {
	v := validation{}
	if in.Preferences = bytes.TrimSpace(in.Preferences); len(in.Preferences) > 0 {
		v.attributes("preferences", in.Preferences)
		if len(in.Preferences) > largestPreferences || string(in.Preferences) == "null" {
			v.refuse("preferences", "must be a JSON object of at most 8 KiB")
		}
	}
	in.Locale = v.locale("locale", in.Locale)
	if len(v.errs) > 0 {
		return agent, invalid(v.errs)
	}
	err = a.store.Tx(ctx, func(s *store.Store) error {
		if agent, err = s.LockAgent(ctx, by.Agent); err != nil {
			return err
		}
		if in.Locale != nil {
			agent.Locale = *in.Locale
		}
		if len(in.Preferences) > 0 {
			agent.Preferences = in.Preferences
		}
		return s.SaveAgent(ctx, agent)
	})
	a.forget()
	return agent, err
}

// taken turns the database's word for a name, or an address, that somebody has into ours.
func (a *Agents) taken(err error) error {
	if a.store.Duplicate(err) {
		return rapport.Errorf(rapport.CodeConflict, "Another agent has this name, one that is mentioned in the same way, or this e-mail address.")
	}
	return err
}

// aboutAgent is an entry of the audit log about an agent.
func aboutAgent(by Caller, action string, agent rapport.ID, pairs ...string) store.AuditEntry {
	return store.AuditEntry{Key: by.Key, Action: action, Subject: rapport.KindAgent.Format(agent), Detail: detail(pairs...)}
}

func (v *validation) agentName(s string) string {
	s = agentName(s)
	v.text("name", s, 100)
	if rapport.MentionName(s) == "" {
		v.refuse("name", "needs a letter or a digit")
	}
	if strings.HasPrefix(strings.ToLower(s), string(rapport.KindAgent)+"_") {
		v.refuse("name", "must not look like an id")
	}
	return s
}

func (v *validation) agentEmail(s string) string {
	address, wrong := rapport.NormalizeAddress(rapport.Email, s)
	if wrong != nil {
		v.refuse("email", "%s", wrong.Message)
	}
	return address
}

func (v *validation) agentRole(r rapport.AgentRole) {
	if !rapport.ValidAgentRole(r) {
		v.refuse("role", "must be one of %v", rapport.AgentRoles)
	}
}

// Defaults are the locale and the time zone of whoever has none.
func (g *Gateway) Defaults() (locale, zone string) {
	return g.set.DefaultLocale, g.set.DefaultZone.String()
}
