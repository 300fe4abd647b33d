package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"rapport"
	"rapport/store"
)

// Visitor is the browser that somebody comes in with.
type Visitor struct {
	Address string // IP
	Browser string // User-Agent
	Known   string // the token that it was given at an earlier sign-in
	Session string // of an agent who is signed in there still; it ends
}

// SignedIn is what a browser is given. Token goes into the session's cookie, Known into another that outlives it.
type SignedIn struct {
	Agent   rapport.Agent
	Session rapport.Session
	Token   string
	Known   string
}

// SignInInput is what an agent shows.
type SignInInput struct {
	Email    string `json:"email" maxLength:"254" example:"anna@shop.example"`
	Password string `json:"password" maxLength:"200"`
	Code     string `json:"code,omitempty" maxLength:"100" doc:"Of the authenticator app, or one of the recovery codes."`
}

// SignIn lets an agent in. CodeUnauthorized says nothing of why, and comes after the same time whether there is such an
// agent or not. CodeTOTPRequired: all else was right. CodeRateLimited: too many guesses, whatever this one is.
func (a *Agents) SignIn(ctx context.Context, from Visitor, in SignInInput) (SignedIn, error) {
	if !utf8.ValidString(in.Email) || utf8.RuneCountInString(in.Email) > 254 || !utf8.ValidString(in.Password) || utf8.RuneCountInString(in.Password) > longestPassword {
		return SignedIn{}, wrongPassword()
	}
	leave, err := a.hash.enter(ctx) // before anything is counted: who has to come again has not guessed
	if err != nil {
		return SignedIn{}, err
	}
	defer leave()
	agent, err := a.store.AgentByEmail(ctx, strings.TrimSpace(in.Email))
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return SignedIn{}, err
	}
	t := a.throttle(from, in.Email, agent.ID)
	if err := t.guess(ctx); err != nil {
		return SignedIn{}, err
	}
	secrets, err := a.store.AgentSecrets(ctx, agent.ID)
	if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
		return SignedIn{}, err
	}
	right, err := a.hash.matches(secrets.Password, in.Password)
	if err != nil {
		return SignedIn{}, err
	}
	if !right || !agent.Active() {
		if err := a.store.Audit(ctx, store.AuditEntry{Action: "session.refused", Subject: rapport.KindAgent.Format(agent.ID), Detail: detail("why", "password", "address", from.Address)}); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, wrongPassword()
	}
	if secrets.TOTP != "" && strings.TrimSpace(in.Code) == "" {
		if err := t.forgive(ctx); err != nil { // nothing was guessed
			return SignedIn{}, err
		}
		return SignedIn{}, rapport.Errorf(rapport.CodeTOTPRequired, "A code of your authenticator app is needed, or one of your recovery codes.")
	}
	var out SignedIn
	err = a.store.Tx(ctx, func(s *store.Store) error {
		if secrets.TOTP != "" {
			if err := a.useCode(ctx, s, agent.ID, secrets.TOTP, in.Code); err != nil {
				return err
			}
		}
		if out, err = a.begin(ctx, s, agent, from); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: agent.ID, Action: "session.began", Subject: rapport.KindSession.Format(out.Session.ID), Detail: detail("address", from.Address)})
	})
	if rapport.CodeOf(err) == rapport.CodeTOTPRequired {
		if err := a.store.Audit(ctx, store.AuditEntry{Action: "session.refused", Subject: rapport.KindAgent.Format(agent.ID), Detail: detail("why", "code", "address", from.Address)}); err != nil {
			return SignedIn{}, err
		}
	}
	if err != nil {
		return SignedIn{}, err
	}
	a.forget()
	return out, t.clear(ctx)
}

func wrongPassword() error {
	return rapport.Errorf(rapport.CodeUnauthorized, "The e-mail address or the password is wrong.")
}

// useCode spends a code of the app or a recovery code, in the transaction of what it is for.
func (a *Agents) useCode(ctx context.Context, s *store.Store, agent rapport.ID, sealed, code string) error {
	code = bareCode(code)
	ok := false
	if len(code) == 6 {
		secret, err := a.openTOTP(agent, sealed)
		if err != nil {
			return err
		}
		if step, near := totpStep(secret, code, s.Now()); near {
			if ok, err = s.UseStep(ctx, agent, step); err != nil {
				return err
			}
		}
	} else if code != "" {
		var err error
		if ok, err = s.UseRecoveryCode(ctx, agent, hashKey(code)); err != nil {
			return err
		}
		if ok {
			if err := s.Audit(ctx, store.AuditEntry{Key: agent, Action: "agent.recovery_code_used", Subject: rapport.KindAgent.Format(agent)}); err != nil {
				return err
			}
		}
	}
	if !ok {
		return &rapport.Error{Code: rapport.CodeTOTPRequired, Message: "The code is wrong, too old, or was used before.", Fields: []rapport.FieldError{{Path: "code", Message: "is wrong, too old, or was used before"}}}
	}
	return nil
}

// begin makes a session: always a new one, whatever the browser sent.
func (a *Agents) begin(ctx context.Context, s *store.Store, agent rapport.Agent, from Visitor) (SignedIn, error) {
	out := SignedIn{Agent: agent, Session: rapport.Session{Agent: agent.ID, Browser: cutText(from.Browser, 300), Address: from.Address}, Token: randomSecret(), Known: from.Known}
	if from.Session != "" {
		old, err := s.SessionByHash(ctx, hashKey(from.Session))
		if err == nil {
			err = s.DropSession(ctx, old.Agent, old.ID)
		}
		if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
			return out, err
		}
	}
	if id, _, ok := readToken(a.set.Keys, useBrowser, from.Known); !ok || id != agent.ID {
		var n [2]byte
		_, _ = rand.Read(n[:]) // never fails, see crypto/rand
		out.Known = tokenText.EncodeToString((&sealer{mac: hmac.New(sha256.New, a.set.Keys[0])}).seal(useBrowser, agent.ID, int(binary.BigEndian.Uint16(n[:]))))
	}
	return out, s.CreateSession(ctx, &out.Session, hashKey(out.Token))
}

// cutText keeps the beginning of what a stranger sent, as text that any database takes.
func cutText(s string, most int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	for i := range s {
		if most--; most < 0 {
			return s[:i]
		}
	}
	return s
}

// CSRF is the token that a session's requests carry beside the cookie. Who does not know the cookie cannot work it out.
func CSRF(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

type knownSession struct {
	session rapport.Session
	agent   rapport.Agent
	until   time.Time
}

// Authenticate finds whose session token is. CodeUnauthorized: nobody's, or it has ended.
func (a *Agents) Authenticate(ctx context.Context, token, address string) (Caller, error) {
	x, agent, err := a.session(ctx, token, address)
	if rapport.CodeOf(err) == rapport.CodeNotFound || err == nil && (!x.Valid(a.store.Now()) || !agent.Active()) {
		return Caller{}, rapport.Errorf(rapport.CodeUnauthorized, "You are not signed in any more.")
	}
	if err != nil {
		return Caller{}, err
	}
	return Caller{Key: agent.ID, Agent: agent.ID, Session: x.ID, Role: agent.Role, Scopes: ScopesOf(agent.Role), Name: agent.Name}, nil
}

// session reads one, and remembers it as long as a key is remembered.
func (a *Agents) session(ctx context.Context, token, address string) (rapport.Session, rapport.Agent, error) {
	if len(token) != 43 {
		return rapport.Session{}, rapport.Agent{}, rapport.NotFound("session")
	}
	hash := hashKey(token)
	now := time.Now() // monotonic, as for keys
	a.mu.Lock()
	known, ok := a.known[hash]
	a.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.session, known.agent, nil
	}
	x, err := a.store.SessionByHash(ctx, hash)
	if err != nil {
		return x, rapport.Agent{}, err
	}
	agent, err := a.store.FindAgent(ctx, x.Agent)
	if err != nil {
		return x, agent, err
	}
	if x.Valid(a.store.Now()) {
		_ = a.store.TouchSession(ctx, x, address) // when it was last used is worth no refusal
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) > 10_000 {
		clear(a.known)
	}
	a.known[hash] = knownSession{x, agent, now.Add(keyMemory)}
	return x, agent, nil
}

// forget makes every session be looked at again: here at once, in other processes within two seconds.
func (a *Agents) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.known)
}

// SignOut ends the session of by.
func (a *Agents) SignOut(ctx context.Context, by Caller) error {
	return a.EndSession(ctx, by, by.Session)
}

// EndSession ends one of by's own.
func (a *Agents) EndSession(ctx context.Context, by Caller, id rapport.ID) error {
	err := a.store.Tx(ctx, func(s *store.Store) error {
		if err := s.DropSession(ctx, by.Agent, id); err != nil {
			return err
		}
		return s.Audit(ctx, store.AuditEntry{Key: by.Key, Action: "session.ended", Subject: rapport.KindSession.Format(id)})
	})
	a.forget()
	return err
}

// EndOthers ends all of by's own sessions but this one.
func (a *Agents) EndOthers(ctx context.Context, by Caller) error {
	err := a.store.Tx(ctx, func(s *store.Store) error {
		if err := s.DropSessions(ctx, by.Agent, by.Session); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.signed_out", by.Agent))
	})
	a.forget()
	return err
}

// SignOutAgent ends all sessions of an agent.
func (a *Agents) SignOutAgent(ctx context.Context, by Caller, id rapport.ID) error {
	err := a.store.Tx(ctx, func(s *store.Store) error {
		agent, err := s.LockAgent(ctx, id)
		if err != nil {
			return err
		}
		if err := mayHandle(by, agent.Role); err != nil {
			return err
		}
		if err := s.DropSessions(ctx, id, 0); err != nil {
			return err
		}
		return s.Audit(ctx, aboutAgent(by, "agent.signed_out", id))
	})
	a.forget()
	return err
}

// throttle counts guesses. An attempt from a browser that the agent has come in with before is counted by itself: so
// nobody who does not have it can keep the agent out (OWASP, "device cookies"). All others are counted by account and
// by address.
type throttle struct {
	a    *Agents
	keys []string
}

// forgetAfter is after what silence a count begins anew.
const forgetAfter = 24 * time.Hour

func (a *Agents) throttle(from Visitor, email string, agent rapport.ID) throttle {
	if id, _, ok := readToken(a.set.Keys, useBrowser, from.Known); ok && agent != 0 && id == agent {
		return throttle{a, []string{"browser:" + hashKey(strings.ToLower(from.Known))}}
	}
	sum := sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
	return throttle{a, []string{"account:" + hex.EncodeToString(sum[:]), "address:" + network(from.Address)}}
}

// network is the address, or of IPv6 what one subscriber has.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() {
		return address
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// delay after so many wrong guesses: none for five at an account, 20 from an address; then it doubles from a second to five
// minutes. That leaves 300 guesses a day, and whoever comes from a new browser while somebody guesses waits five minutes at most.
func delay(key string, failures int) time.Duration {
	free := 5
	if strings.HasPrefix(key, "address:") {
		free = 20
	}
	if failures <= free {
		return 0
	}
	return min(time.Second<<min(failures-free-1, 20), 5*time.Minute)
}

// guess counts an attempt, or refuses it.
func (t throttle) guess(ctx context.Context) error {
	wait, err := t.a.store.Guess(ctx, t.keys, delay, forgetAfter)
	if err == nil && wait > 0 {
		err = &rapport.Error{Code: rapport.CodeRateLimited, Message: "Too many attempts. Wait, and try again.", RetryAfter: wait}
	}
	return err
}

// forgive takes the attempt back: it was no wrong guess.
func (t throttle) forgive(ctx context.Context) error {
	for _, k := range t.keys {
		if err := t.a.store.Forgive(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// clear is for who came in: the account's count begins anew, and the address loses one.
func (t throttle) clear(ctx context.Context) error {
	for _, k := range t.keys {
		end := t.a.store.ForgetGuesses
		if strings.HasPrefix(k, "address:") {
			end = t.a.store.Forgive // others may be behind it, and guess
		}
		if err := end(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// Session is the one whose token this is, whatever has become of it.
func (a *Agents) Session(ctx context.Context, token string) (rapport.Session, error) {
	return a.store.SessionByHash(ctx, hashKey(token))
}
