package gateway

import (
	"context"

	"rapport"
	"rapport/store"
)

// PasswordInput is an agent's change of password.
type PasswordInput struct {
	Current  string `json:"current" maxLength:"200"`
	Password string `json:"password" minLength:"10" maxLength:"200"`
}

// ChangePassword gives an agent another password and ends all other sessions.
func (a *Agents) ChangePassword(ctx context.Context, by Caller, in PasswordInput) error {
	agent, err := a.store.FindAgent(ctx, by.Agent)
	if err != nil {
		return err
	}
	v := validation{}
	v.password("password", in.Password, agent.Name, agent.Email)
	if len(v.errs) > 0 {
		return invalid(v.errs)
	}
	leave, err := a.hash.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := a.prove(ctx, by, "current", in.Current); err != nil {
		return err
	}
	hash := a.hash.hash(in.Password)
	err = a.store.Tx(ctx, func(s *store.Store) error {
		if err := s.SetPassword(ctx, by.Agent, hash); err != nil {
			return err
		}
		if err := s.DropSessions(ctx, by.Agent, by.Session); err != nil {
			return err
		}
		if err := s.DropPasses(ctx, by.Agent); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.password_changed", by.Agent))
	})
	a.forget()
	return err
}

// prove asks an agent who is signed in for the password again, so that a browser left alone is no master key. It is for
// who has entered the hasher.
func (a *Agents) prove(ctx context.Context, by Caller, field, password string) error {
	t := throttle{a, []string{"proof:" + rapport.KindAgent.Format(by.Agent)}}
	if err := t.guess(ctx); err != nil {
		return err
	}
	secrets, err := a.store.AgentSecrets(ctx, by.Agent)
	if err != nil {
		return err
	}
	right, err := a.hash.matches(secrets.Password, password)
	if err != nil {
		return err
	}
	if !right {
		if err := a.store.Audit(ctx, aboutAgent(by, "agent.password_refused", by.Agent)); err != nil {
			return err
		}
		return rapport.Invalid(field, "is not your password")
	}
	return t.clear(ctx)
}

// proven runs fn in a transaction once the agent has proved to know the password.
func (a *Agents) proven(ctx context.Context, by Caller, password string, fn func(*store.Store) error) error {
	leave, err := a.hash.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := a.prove(ctx, by, "password", password); err != nil {
		return err
	}
	return a.store.Tx(ctx, fn)
}

// OfferTOTP makes a secret for an authenticator app, as text and as what a QR code holds. It is asked for once a code of
// it has come back: ConfirmTOTP.
func (a *Agents) OfferTOTP(ctx context.Context, by Caller, password string) (secret, uri string, err error) {
	err = a.proven(ctx, by, password, func(s *store.Store) error {
		agent, err := s.LockAgent(ctx, by.Agent)
		if err != nil {
			return err
		}
		if agent.TOTP {
			return rapport.Errorf(rapport.CodeConflict, "You sign in with codes already. End that first.")
		}
		raw := newTOTP()
		sealed, err := seal(a.set.Seals, totpName(agent.ID), raw)
		if err != nil {
			return err
		}
		secret, uri = totpText.EncodeToString(raw), totpURI(raw, agent.Email)
		return s.OfferTOTP(ctx, agent.ID, sealed)
	})
	return secret, uri, err
}

// ConfirmTOTP begins to ask for codes, since this one is right, and gives out recovery codes, once.
func (a *Agents) ConfirmTOTP(ctx context.Context, by Caller, code string) (codes []string, err error) {
	t := throttle{a, []string{"proof:" + rapport.KindAgent.Format(by.Agent)}}
	if err := t.guess(ctx); err != nil {
		return nil, err
	}
	err = a.store.Tx(ctx, func(s *store.Store) error {
		agent, err := s.LockAgent(ctx, by.Agent)
		if err != nil {
			return err
		}
		secrets, err := s.AgentSecrets(ctx, agent.ID)
		if err != nil {
			return err
		}
		if agent.TOTP || secrets.Next == "" {
			return rapport.Errorf(rapport.CodeConflict, "There is nothing to confirm: ask for a secret first.")
		}
		raw, err := a.openTOTP(agent.ID, secrets.Next)
		if err != nil {
			return err
		}
		step, ok := totpStep(raw, bareCode(code), s.Now())
		if !ok {
			return rapport.Invalid("code", "is not what the app shows now; check the clock of the device")
		}
		if err := s.SetTOTP(ctx, agent.ID, secrets.Next, step); err != nil {
			return err
		}
		var hashes []string
		codes, hashes = newRecoveryCodes()
		if err := s.PutRecoveryCodes(ctx, agent.ID, hashes); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.totp_enabled", agent.ID))
	})
	if err != nil {
		return nil, err
	}
	return codes, t.clear(ctx)
}

// EndTOTP asks for no codes any more.
func (a *Agents) EndTOTP(ctx context.Context, by Caller, password string) error {
	return a.proven(ctx, by, password, func(s *store.Store) error {
		if err := s.SetTOTP(ctx, by.Agent, "", 0); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.totp_disabled", by.Agent))
	})
}

// RenewRecoveryCodes replaces all that are left.
func (a *Agents) RenewRecoveryCodes(ctx context.Context, by Caller, password string) (codes []string, err error) {
	err = a.proven(ctx, by, password, func(s *store.Store) error {
		agent, err := s.LockAgent(ctx, by.Agent)
		if err != nil {
			return err
		}
		if !agent.TOTP {
			return rapport.Errorf(rapport.CodeConflict, "You do not sign in with codes.")
		}
		var hashes []string
		codes, hashes = newRecoveryCodes()
		if err := s.PutRecoveryCodes(ctx, agent.ID, hashes); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.recovery_codes_renewed", agent.ID))
	})
	return codes, err
}

func totpName(agent rapport.ID) string { return rapport.KindAgent.Format(agent) + " totp" }

func (a *Agents) openTOTP(agent rapport.ID, sealed string) ([]byte, error) {
	return unseal(a.set.Seals, totpName(agent), sealed)
}
