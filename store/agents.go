package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"rapport"
)

const agentColumns = `id, name, email, role, locale, preferences, password = '', totp <> '', disabled_at, seen_at, created_at`

func scanAgent(scan func(...any) error) (a rapport.Agent, err error) {
	var preferences string
	var disabled, seen, created int64
	err = scan(&a.ID, &a.Name, &a.Email, &a.Role, &a.Locale, &preferences, &a.Invited, &a.TOTP, &disabled, &seen, &created)
	a.Preferences, a.DisabledAt, a.SeenAt, a.CreatedAt = json.RawMessage(preferences), at(disabled), at(seen), at(created)
	return
}

// CreateAgent stores a new agent who has no password yet, and fills in ID, CreatedAt, and Name as it is spelled already.
// Duplicate: somebody has the name or the address.
func (s *Store) CreateAgent(ctx context.Context, a *rapport.Agent) error {
	var err error
	if a.Name, err = s.KeepAgent(ctx, a.Name); err != nil {
		return err
	}
	a.ID, a.CreatedAt, a.Invited, a.Preferences = s.NewID(), s.Now(), true, json.RawMessage(`{}`)
	_, err = s.exec(ctx, `INSERT INTO agents (id, name, mention_key, email, email_key, role, locale, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		a.ID, a.Name, rapport.MentionName(a.Name), a.Email, strings.ToLower(a.Email), string(a.Role), a.Locale, ms(a.CreatedAt))
	return err
}

// SaveAgent stores what may be changed about an agent. Duplicate as in CreateAgent.
func (s *Store) SaveAgent(ctx context.Context, a rapport.Agent) error {
	n, err := s.exec(ctx, `UPDATE agents SET name = $1, mention_key = $2, email = $3, email_key = $4, role = $5, locale = $6, preferences = $7, disabled_at = $8 WHERE id = $9`,
		a.Name, rapport.MentionName(a.Name), a.Email, strings.ToLower(a.Email), string(a.Role), a.Locale, string(a.Preferences), ms(a.DisabledAt), a.ID)
	if err == nil && n == 0 {
		return rapport.NotFound("agent")
	}
	return err
}

// FindAgent finds one by id.
func (s *Store) FindAgent(ctx context.Context, id rapport.ID) (rapport.Agent, error) {
	a, err := scanAgent(s.row(ctx, `SELECT `+agentColumns+` FROM agents WHERE id = $1`, id).Scan)
	return a, missing(err, "agent")
}

// LockAgent is FindAgent for a transaction that changes it: others wait until it ends.
func (s *Store) LockAgent(ctx context.Context, id rapport.ID) (rapport.Agent, error) {
	a, err := scanAgent(s.row(ctx, `SELECT `+agentColumns+` FROM agents WHERE id = $1 `+s.d.forUpdate(), id).Scan)
	return a, missing(err, "agent")
}

// AgentByEmail finds one by the address, in whatever case.
func (s *Store) AgentByEmail(ctx context.Context, email string) (rapport.Agent, error) {
	if !storable(email) {
		return rapport.Agent{}, rapport.NotFound("agent")
	}
	a, err := scanAgent(s.row(ctx, `SELECT `+agentColumns+` FROM agents WHERE email_key = $1`, strings.ToLower(email)).Scan)
	return a, missing(err, "agent")
}

// AgentByName finds one by the name, or by how it is mentioned.
func (s *Store) AgentByName(ctx context.Context, name string) (rapport.Agent, error) {
	if !storable(name) {
		return rapport.Agent{}, rapport.NotFound("agent")
	}
	a, err := scanAgent(s.row(ctx, `SELECT `+agentColumns+` FROM agents WHERE mention_key = $1`, rapport.MentionName(name)).Scan)
	return a, missing(err, "agent")
}

// Agents lists the oldest first.
func (s *Store) Agents(ctx context.Context, p Page) ([]rapport.Agent, rapport.ID, error) {
	rows, err := collect(ctx, s, scanAgent, `SELECT `+agentColumns+` FROM agents WHERE id > $1 ORDER BY id LIMIT $2`, p.After, p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(a rapport.Agent) rapport.ID { return a.ID })
	return out, next, nil
}

// HasAgents tells whether there is anybody at all.
func (s *Store) HasAgents(ctx context.Context) (yes bool, err error) {
	err = s.row(ctx, `SELECT EXISTS (SELECT 1 FROM agents)`).Scan(&yes)
	return
}

// OtherOwners tells whether somebody else than id is an owner who can sign in. It locks them, so that two cannot leave at once.
func (s *Store) OtherOwners(ctx context.Context, id rapport.ID) (bool, error) {
	owners, err := collect(ctx, s, scanID, `SELECT id FROM agents WHERE role = 'owner' AND disabled_at = 0 AND password <> '' ORDER BY id `+s.d.forUpdate())
	for _, o := range owners {
		if o != id {
			return true, err
		}
	}
	return false, err
}

// AgentSecrets is what an agent proves itself with.
type AgentSecrets struct {
	Password string // Argon2id in PHC form; "": none yet
	TOTP     string // sealed; "": signs in without codes
	Next     string // sealed; one that is not confirmed yet
}

// AgentSecrets reads them.
func (s *Store) AgentSecrets(ctx context.Context, id rapport.ID) (x AgentSecrets, err error) {
	err = s.row(ctx, `SELECT password, totp, totp_next FROM agents WHERE id = $1`, id).Scan(&x.Password, &x.TOTP, &x.Next)
	return x, missing(err, "agent")
}

// SetPassword replaces the hash.
func (s *Store) SetPassword(ctx context.Context, id rapport.ID, hash string) error {
	_, err := s.exec(ctx, `UPDATE agents SET password = $1 WHERE id = $2`, hash, id)
	return err
}

// OfferTOTP keeps a sealed secret that the agent has yet to confirm.
func (s *Store) OfferTOTP(ctx context.Context, id rapport.ID, sealed string) error {
	_, err := s.exec(ctx, `UPDATE agents SET totp_next = $1 WHERE id = $2`, sealed, id)
	return err
}

// SetTOTP begins with a sealed secret, whose code of step was used; "" ends it.
func (s *Store) SetTOTP(ctx context.Context, id rapport.ID, sealed string, step int64) error {
	_, err := s.exec(ctx, `UPDATE agents SET totp = $1, totp_next = '', totp_step = $2 WHERE id = $3`, sealed, step, id)
	if err == nil && sealed == "" {
		err = s.PutRecoveryCodes(ctx, id, nil)
	}
	return err
}

// UseStep spends the code of a time step. False: that one, or a later one, was used before.
func (s *Store) UseStep(ctx context.Context, id rapport.ID, step int64) (bool, error) {
	n, err := s.exec(ctx, `UPDATE agents SET totp_step = $1 WHERE id = $2 AND totp_step < $1`, step, id)
	return n == 1, err
}

// PutRecoveryCodes replaces all of an agent's by these hashes.
func (s *Store) PutRecoveryCodes(ctx context.Context, id rapport.ID, hashes []string) error {
	return s.Tx(ctx, func(s *Store) error {
		if _, err := s.exec(ctx, `DELETE FROM recovery_codes WHERE agent_id = $1`, id); err != nil {
			return err
		}
		for _, h := range hashes {
			if _, err := s.exec(ctx, `INSERT INTO recovery_codes (agent_id, hash) VALUES ($1, $2)`, id, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// UseRecoveryCode spends one. False: the agent has none with this hash.
func (s *Store) UseRecoveryCode(ctx context.Context, id rapport.ID, hash string) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM recovery_codes WHERE agent_id = $1 AND hash = $2`, id, hash)
	return n == 1, err
}

// CountRecoveryCodes is how many are left.
func (s *Store) CountRecoveryCodes(ctx context.Context, id rapport.ID) (n int, err error) {
	err = s.row(ctx, `SELECT count(*) FROM recovery_codes WHERE agent_id = $1`, id).Scan(&n)
	return
}

// AddPass stores a one-time link under the hash of its token. An earlier one of the same kind and agent dies.
func (s *Store) AddPass(ctx context.Context, p rapport.Pass, hash string) error {
	return s.Tx(ctx, func(s *Store) error {
		if _, err := s.exec(ctx, `DELETE FROM passes WHERE agent_id = $1 AND kind = $2`, p.Agent, string(p.Kind)); err != nil {
			return err
		}
		_, err := s.exec(ctx, `INSERT INTO passes (hash, kind, agent_id, clear_totp, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			hash, string(p.Kind), p.Agent, bit(p.ClearTOTP), ms(s.Now()), ms(p.ExpiresAt))
		return err
	})
}

// Pass finds a one-time link that has not expired.
func (s *Store) Pass(ctx context.Context, hash string) (p rapport.Pass, err error) {
	var clearing int
	var expires int64
	err = s.row(ctx, `SELECT kind, agent_id, clear_totp, expires_at FROM passes WHERE hash = $1 AND expires_at > $2`, hash, ms(s.Now())).Scan(&p.Kind, &p.Agent, &clearing, &expires)
	p.ClearTOTP, p.ExpiresAt = clearing == 1, at(expires)
	return p, missing(err, "link, or it was used or has expired")
}

// UsePass spends one. False: somebody else has.
func (s *Store) UsePass(ctx context.Context, hash string) (bool, error) {
	n, err := s.exec(ctx, `DELETE FROM passes WHERE hash = $1 AND expires_at > $2`, hash, ms(s.Now()))
	return n == 1, err
}

// DropPasses takes every one-time link of an agent back.
func (s *Store) DropPasses(ctx context.Context, agent rapport.ID) error {
	_, err := s.exec(ctx, `DELETE FROM passes WHERE agent_id = $1`, agent)
	return err
}

// ForgetSignIns drops what nobody can use any more: up to MaxRows each of sessions, links, and guesses older than keep.
func (s *Store) ForgetSignIns(ctx context.Context, keep time.Duration) error {
	now := s.Now()
	if _, err := s.exec(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= $1 OR seen_at <= $2 LIMIT $3)`, ms(now), ms(now.Add(-rapport.SessionIdle)), MaxRows); err != nil {
		return err
	}
	if _, err := s.exec(ctx, `DELETE FROM passes WHERE hash IN (SELECT hash FROM passes WHERE expires_at <= $1 LIMIT $2)`, ms(now), MaxRows); err != nil {
		return err
	}
	return s.forgetGuesses(ctx, now.Add(-keep))
}
