package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"rapport"
	"rapport/gateway"
)

// Agent is a person who signs in.
type Agent struct {
	ID            string            `json:"id"`
	Name          string            `json:"name" doc:"How threads, notes and drafts know them."`
	Email         string            `json:"email"`
	Role          rapport.AgentRole `json:"role" enum:"owner,admin,agent,viewer"`
	State         string            `json:"state" enum:"active,invited,disabled"`
	TOTP          bool              `json:"totp" doc:"Signs in with a code too."`
	Mention       string            `json:"mention" doc:"What calls them in a note, behind @."`
	SeenAt        *time.Time        `json:"seen_at,omitempty" doc:"To the minute."`
	CreatedAt     time.Time         `json:"created_at"`
	Link          string            `json:"link,omitempty" doc:"The one-time link: only in the answer that made it."`
	LinkExpiresAt *time.Time        `json:"link_expires_at,omitempty"`
	Mailed        *gateway.Mailed   `json:"mailed,omitempty" doc:"What came of sending the link by e-mail: only in the answer that did."`
}

// kept is what an Idempotency-Key may keep: not the link, which lets people in.
func (a Agent) kept() Agent {
	a.Link = ""
	return a
}

func agentView(a rapport.Agent) Agent {
	return Agent{ID: rapport.KindAgent.Format(a.ID), Name: a.Name, Email: a.Email, Role: a.Role, State: a.State(), TOTP: a.TOTP, Mention: rapport.MentionName(a.Name), SeenAt: maybe(a.SeenAt), CreatedAt: a.CreatedAt}
}

// linked makes a one-time link, and sends it where that is wanted. Whether it can be is asked first, so that nobody is
// invited by half; a mail that no provider takes is told beside the link, which is good all the same.
func (d *door) linked(ctx context.Context, by gateway.Caller, kind rapport.PassKind, mail bool, make func() (rapport.Agent, gateway.Link, error)) (v Agent, err error) {
	if mail {
		if err := d.g.MailsLinks(); err != nil {
			return v, err
		}
	}
	a, l, err := make()
	if err != nil {
		return v, err
	}
	v = agentView(a)
	v.Link, v.LinkExpiresAt = l.URL, &l.ExpiresAt
	if mail {
		m, err := d.g.MailLink(ctx, by, a, kind, l)
		if err != nil {
			return v, err
		}
		v.Mailed = &m
	}
	return v, nil
}

// Me is an agent as they see themselves.
type Me struct {
	Agent
	Locale        string          `json:"locale,omitempty"`
	Preferences   json.RawMessage `json:"preferences" doc:"How the app is to look: a JSON object."`
	RecoveryCodes int             `json:"recovery_codes" doc:"How many are left."`
}

func (d *door) me(ctx context.Context, id rapport.ID) (v Me, err error) {
	a, err := d.st.FindAgent(ctx, id)
	if err != nil {
		return v, err
	}
	v = Me{Agent: agentView(a), Locale: a.Locale, Preferences: a.Preferences}
	v.RecoveryCodes, err = d.st.CountRecoveryCodes(ctx, id)
	return v, err
}

// PasswordProof is what some things are asked for again.
type PasswordProof struct {
	Password string `json:"password" maxLength:"200"`
}

// CodeInput is a code of an authenticator app.
type CodeInput struct {
	Code string `json:"code" maxLength:"100" example:"123456"`
}

// TOTPOffer is a secret for an authenticator app, shown once.
type TOTPOffer struct {
	Secret string `json:"secret" doc:"Base32, for typing it in."`
	URI    string `json:"uri" doc:"For a QR code: otpauth://totp/…"`
}

// RecoveryCodes are shown once.
type RecoveryCodes struct {
	Codes []string `json:"recovery_codes" nullable:"false" doc:"Each of them stands once for a code of the app."`
}

// ByMail says how a one-time link gets to its agent.
type ByMail struct {
	Mail bool `json:"mail,omitempty" doc:"The link is also sent to the agent, at once, through the first provider of e-mail that takes it."`
}

// InviteInput is a new agent and how they hear of it.
type InviteInput struct {
	gateway.AgentInput
	ByMail
}

// ResetInput says what a reset is to be.
type ResetInput struct {
	TOTP bool `json:"totp,omitempty" doc:"It also ends the codes, for who has lost the app and the recovery codes."`
	ByMail
}

func (d *door) agents() {
	const tag = "Agents"
	const me = "/v1/agents/me"
	handleJSON(d, route{Method: http.MethodPatch, Path: me, Self: true, Tag: tag, Summary: "Change your language or preferences"}, d.patchMe)
	handleJSON(d, route{Method: http.MethodPut, Path: me + "/password", Self: true, Tag: tag, Summary: "Change your password", Status: 204, About: "All other sessions end."}, d.putPassword)
	handleJSON(d, route{Method: http.MethodPost, Path: me + "/totp", Self: true, Tag: tag, Summary: "Begin to sign in with codes", About: "Nothing changes until a code of the app has come back."}, d.offerTOTP)
	handleJSON(d, route{Method: http.MethodPost, Path: me + "/totp/confirm", Self: true, Tag: tag, Summary: "Confirm with the first code"}, d.confirmTOTP)
	handleJSON(d, route{Method: http.MethodPost, Path: me + "/totp/recovery-codes", Self: true, Tag: tag, Summary: "Replace your recovery codes"}, d.renewRecoveryCodes)
	handleJSON(d, route{Method: http.MethodPost, Path: me + "/totp/disable", Self: true, Tag: tag, Summary: "Sign in without codes again", Status: 204}, d.endTOTP)
	handle(d, route{Method: http.MethodGet, Path: "/v1/agents", Scope: "read:agents", Tag: tag, Summary: "List agents", About: "Those who came first, first."}, d.listAgents)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/agents", Scope: "write:agents", Tag: tag, Summary: "Invite an agent", Status: 201,
		About: "The answer has a link that is good for seven days, once, and is shown nowhere else; with `mail` it also goes to the agent. Nobody can give a role whose scopes they do not have; only an owner makes owners."}, d.postAgent)
	handle(d, route{Method: http.MethodGet, Path: "/v1/agents/{id}", Scope: "read:agents", Tag: tag, Summary: "Find an agent", Refuses: []int{404}}, d.getAgent)
	handleJSON(d, route{Method: http.MethodPatch, Path: "/v1/agents/{id}", Scope: "write:agents", Tag: tag, Summary: "Change an agent", Refuses: []int{404, 409}, About: "409: somebody has the address, or nobody would be left who owns this. The name stays: threads, notes and drafts know an agent by it."}, d.patchAgent)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/agents/{id}/invitation", Scope: "write:agents", Tag: tag, Summary: "Invite an agent again", Bare: true, Refuses: []int{404}, About: "The link before is worth nothing any more."}, d.postInvitation)
	handleJSON(d, route{Method: http.MethodPost, Path: "/v1/agents/{id}/reset", Scope: "write:agents", Tag: tag, Summary: "Let an agent choose another password", Bare: true, Refuses: []int{404}, About: "The answer has a link that is good for 24 hours, once."}, d.postReset)
	handle(d, route{Method: http.MethodDelete, Path: "/v1/agents/{id}/sessions", Scope: "write:agents", Tag: tag, Summary: "Sign an agent out everywhere", Status: 204, Refuses: []int{404}}, d.deleteAgentSessions)
}

func (d *door) patchMe(ctx context.Context, in *noInput, body *gateway.OwnChange) (*reply[Me], error) {
	if _, err := d.g.Agents.ChangeSelf(ctx, in.caller(), *body); err != nil {
		return nil, err
	}
	v, err := d.me(ctx, in.caller().Agent)
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) putPassword(ctx context.Context, in *noInput, body *gateway.PasswordInput) (*reply[nothing], error) {
	if err := d.g.Agents.ChangePassword(ctx, in.caller(), *body); err != nil {
		return nil, err
	}
	return done()
}

func (d *door) offerTOTP(ctx context.Context, in *noInput, body *PasswordProof) (*reply[TOTPOffer], error) {
	secret, uri, err := d.g.Agents.OfferTOTP(ctx, in.caller(), body.Password)
	if err != nil {
		return nil, err
	}
	return ok(TOTPOffer{secret, uri})
}

func (d *door) confirmTOTP(ctx context.Context, in *noInput, body *CodeInput) (*reply[RecoveryCodes], error) {
	codes, err := d.g.Agents.ConfirmTOTP(ctx, in.caller(), body.Code)
	if err != nil {
		return nil, err
	}
	return ok(RecoveryCodes{codes})
}

func (d *door) renewRecoveryCodes(ctx context.Context, in *noInput, body *PasswordProof) (*reply[RecoveryCodes], error) {
	codes, err := d.g.Agents.RenewRecoveryCodes(ctx, in.caller(), body.Password)
	if err != nil {
		return nil, err
	}
	return ok(RecoveryCodes{codes})
}

func (d *door) endTOTP(ctx context.Context, in *noInput, body *PasswordProof) (*reply[nothing], error) {
	if err := d.g.Agents.EndTOTP(ctx, in.caller(), body.Password); err != nil {
		return nil, err
	}
	return done()
}

type listAgents struct {
	Request
	Paging
}

func (d *door) listAgents(ctx context.Context, in *listAgents) (*reply[List[Agent]], error) {
	p, err := in.page("agents")
	if err != nil {
		return nil, err
	}
	rows, next, err := d.st.Agents(ctx, p)
	if err != nil {
		return nil, err
	}
	return ok(listOf("agents", rows, next, agentView))
}

func (d *door) postAgent(ctx context.Context, in *justRequest, body *InviteInput) (*reply[Agent], error) {
	v, err := d.linked(ctx, in.caller(), rapport.PassInvitation, body.Mail, func() (rapport.Agent, gateway.Link, error) {
		return d.g.Agents.Invite(ctx, in.caller(), body.AgentInput)
	})
	if err != nil {
		return nil, err
	}
	return created("/v1/agents/"+v.ID, v)
}

type oneAgent struct {
	Request
	ID string `path:"id" maxLength:"40" example:"agt_0b8t9g3kq8x1w"`
}

func (p *oneAgent) agent() (rapport.ID, error) { return parse(rapport.KindAgent, p.ID, "agent") }

func (d *door) getAgent(ctx context.Context, in *oneAgent) (*reply[Agent], error) {
	id, err := in.agent()
	if err != nil {
		return nil, err
	}
	a, err := d.st.FindAgent(ctx, id)
	if err != nil {
		return nil, err
	}
	return ok(agentView(a))
}

func (d *door) patchAgent(ctx context.Context, in *oneAgent, body *gateway.AgentChange) (*reply[Agent], error) {
	id, err := in.agent()
	if err != nil {
		return nil, err
	}
	a, err := d.g.Agents.Change(ctx, in.caller(), id, *body)
	if err != nil {
		return nil, err
	}
	return ok(agentView(a))
}

func (d *door) postInvitation(ctx context.Context, in *oneAgent, body *ByMail) (*reply[Agent], error) {
	id, err := in.agent()
	if err != nil {
		return nil, err
	}
	v, err := d.linked(ctx, in.caller(), rapport.PassInvitation, body.Mail, func() (rapport.Agent, gateway.Link, error) {
		return d.g.Agents.InviteAgain(ctx, in.caller(), id)
	})
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) postReset(ctx context.Context, in *oneAgent, body *ResetInput) (*reply[Agent], error) {
	id, err := in.agent()
	if err != nil {
		return nil, err
	}
	v, err := d.linked(ctx, in.caller(), rapport.PassReset, body.Mail, func() (rapport.Agent, gateway.Link, error) {
		return d.g.Agents.Reset(ctx, in.caller(), id, body.TOTP)
	})
	if err != nil {
		return nil, err
	}
	return ok(v)
}

func (d *door) deleteAgentSessions(ctx context.Context, in *oneAgent) (*reply[nothing], error) {
	id, err := in.agent()
	if err != nil {
		return nil, err
	}
	if err := d.g.Agents.SignOutAgent(ctx, in.caller(), id); err != nil {
		return nil, err
	}
	return done()
}
