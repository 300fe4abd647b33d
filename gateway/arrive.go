package gateway

import (
	"context"
	"strings"

	"rapport"
	"rapport/store"
)

// SetupInput makes the first owner.
type SetupInput struct {
	Token    string `json:"token" maxLength:"100" doc:"Of the link that the server printed when it started."`
	Name     string `json:"name" minLength:"1" maxLength:"100" example:"Anna"`
	Email    string `json:"email" maxLength:"254" example:"anna@shop.example"`
	Password string `json:"password" minLength:"10" maxLength:"200"`
}

// Setup makes the first owner and lets them in, while there is no agent at all.
func (a *Agents) Setup(ctx context.Context, from Visitor, in SetupInput) (out SignedIn, err error) {
	over := rapport.Errorf(rapport.CodeForbidden, "This link is not valid any more. A server without agents prints a new one when it starts.")
	p, err := a.store.Pass(ctx, hashKey(in.Token))
	if rapport.CodeOf(err) == rapport.CodeNotFound || err == nil && p.Kind != rapport.PassSetup {
		return out, over
	}
	if err != nil {
		return out, err
	}
	v := validation{}
	agent := rapport.Agent{Name: v.agentName(in.Name), Email: v.agentEmail(in.Email), Role: rapport.Owner}
	v.password("password", in.Password, agent.Name, agent.Email)
	if len(v.errs) > 0 {
		return out, invalid(v.errs)
	}
	leave, err := a.hash.enter(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	hash := a.hash.hash(in.Password)
	err = a.store.Tx(ctx, func(s *store.Store) error {
		mine, err := s.UsePass(ctx, hashKey(in.Token)) // whoever spends it is alone
		if err != nil {
			return err
		}
		there, err := s.HasAgents(ctx)
		if err != nil {
			return err
		}
		if !mine || there {
			return over
		}
		if err := s.CreateAgent(ctx, &agent); err != nil {
			return err
		}
		if err := s.SetPassword(ctx, agent.ID, hash); err != nil {
			return err
		}
		agent.Invited = false
		if err := s.Audit(ctx, store.AuditEntry{Key: agent.ID, Action: "agent.setup", Subject: rapport.KindAgent.Format(agent.ID), Detail: detail("address", from.Address)}); err != nil {
			return err
		}
		out, err = a.begin(ctx, s, agent, from)
		return err
	})
	return out, err
}

// FindPass tells whom an invitation or a reset is for. CodeNotFound: it was used, has expired, or never was.
func (a *Agents) FindPass(ctx context.Context, token string) (p rapport.Pass, agent rapport.Agent, err error) {
	if p, err = a.store.Pass(ctx, hashKey(token)); err == nil && p.Kind == rapport.PassSetup {
		err = rapport.NotFound("invitation")
	}
	if err == nil {
		agent, err = a.store.FindAgent(ctx, p.Agent)
	}
	return p, agent, err
}

// AcceptInput is how an agent comes in by a link.
type AcceptInput struct {
	Token    string `json:"token" maxLength:"100"`
	Password string `json:"password" minLength:"10" maxLength:"200"`
	Name     string `json:"name,omitempty" maxLength:"100" doc:"Of an invitation: another name than the one it was made with."`
	Code     string `json:"code,omitempty" maxLength:"100" doc:"Of the authenticator app, for a reset of somebody who has one."`
}

// Accept chooses a password by an invitation or a reset, and lets its agent in. Whoever signs in with codes needs one here
// too, unless the reset ends them. All other sessions end.
func (a *Agents) Accept(ctx context.Context, from Visitor, in AcceptInput) (out SignedIn, err error) {
	p, agent, err := a.FindPass(ctx, in.Token)
	if err != nil {
		return out, err
	}
	v := validation{}
	if in.Name = agentName(in.Name); in.Name != "" && p.Kind == rapport.PassInvitation {
		v.agentName(in.Name)
	}
	v.password("password", in.Password, agent.Name, agent.Email, in.Name)
	if len(v.errs) > 0 {
		return out, invalid(v.errs)
	}
	leave, err := a.hash.enter(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	t := throttle{a, []string{"pass:" + hashKey(in.Token)}}
	if err := t.guess(ctx); err != nil { // of codes: the link cannot be guessed
		return out, err
	}
	hash := a.hash.hash(in.Password)
	err = a.store.Tx(ctx, func(s *store.Store) error {
		if agent, err = s.LockAgent(ctx, agent.ID); err != nil {
			return err
		}
		secrets, err := s.AgentSecrets(ctx, agent.ID)
		if err != nil {
			return err
		}
		if secrets.TOTP != "" && !p.ClearTOTP {
			if strings.TrimSpace(in.Code) == "" {
				return rapport.Errorf(rapport.CodeTOTPRequired, "A code of your authenticator app is needed, or one of your recovery codes.")
			}
			if err := a.useCode(ctx, s, agent.ID, secrets.TOTP, in.Code); err != nil {
				return err
			}
		}
		mine, err := s.UsePass(ctx, hashKey(in.Token))
		if err != nil {
			return err
		}
		if !mine || !agent.DisabledAt.IsZero() {
			return rapport.NotFound("invitation")
		}
		if p.ClearTOTP {
			if err := s.SetTOTP(ctx, agent.ID, "", 0); err != nil {
				return err
			}
			agent.TOTP = false
		}
		if in.Name != "" && p.Kind == rapport.PassInvitation {
			if agent.Name, err = s.KeepAgent(ctx, in.Name); err != nil {
				return err
			}
			if err := s.SaveAgent(ctx, agent); err != nil {
				return err
			}
		}
		if err := s.SetPassword(ctx, agent.ID, hash); err != nil {
			return err
		}
		agent.Invited = false
		if err := s.DropPasses(ctx, agent.ID); err != nil {
			return err
		}
		if err := s.DropSessions(ctx, agent.ID, 0); err != nil {
			return err
		}
		if err := s.Audit(ctx, store.AuditEntry{Key: agent.ID, Action: "agent.accepted", Subject: rapport.KindAgent.Format(agent.ID), Detail: detail("kind", string(p.Kind), "address", from.Address)}); err != nil {
			return err
		}
		out, err = a.begin(ctx, s, agent, from)
		return err
	})
	a.forget()
	if err != nil {
		return out, a.taken(err)
	}
	return out, t.clear(ctx)
}
