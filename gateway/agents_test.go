package gateway_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport"
	"rapport/gateway"
	"rapport/store"
	"rapport/store/storetest"
)

const goodPassword = "correct horse battery"

// staff is a house with people, and a clock that the test sets.
type staff struct {
	*gateway.Agents
	t   *testing.T
	url string
	at  *atomic.Int64
	st  *store.Store
}

func (s *staff) now() time.Time       { return time.UnixMilli(s.at.Load()).UTC() }
func (s *staff) pass(d time.Duration) { s.at.Add(d.Milliseconds()) }

// restart is another process on the same database.
func (s *staff) restart() {
	s.t.Helper()
	if s.st != nil {
		s.st.Close()
		s.pass(10 * time.Millisecond) // so that no id is minted twice
	}
	s.st = storetest.Open(s.t, s.url, s.now)
	s.Agents = gateway.NewAgents(s.st, gateway.Settings{PublicURL: "https://rapport.example", Keys: [][]byte{[]byte("a key of thirty-two bytes or so..")}, Seals: [][]byte{[]byte("another of thirty-two bytes or so")}})
	s.HashCheaply()
}

func eachStaff(t *testing.T, fn func(*testing.T, *staff, gateway.SignedIn)) {
	t.Helper()
	run := func(t *testing.T, url string) {
		t.Parallel()
		s := &staff{t: t, url: url, at: &atomic.Int64{}}
		s.at.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
		s.restart()
		link, err := s.OpenSetup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, token, _ := strings.Cut(link, "#token=")
		owner, err := s.Setup(t.Context(), gateway.Visitor{Address: "192.0.2.1"}, gateway.SetupInput{Token: token, Name: "Anna", Email: "anna@shop.example", Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		fn(t, s, owner)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, storetest.SQLite(t)) })
	if url, ok := storetest.Postgres(t); ok {
		t.Run("postgres", func(t *testing.T) { run(t, url) })
	}
}

func (s *staff) caller(x gateway.SignedIn) gateway.Caller {
	s.t.Helper()
	by, err := s.Authenticate(s.t.Context(), x.Token, "192.0.2.1")
	if err != nil {
		s.t.Fatal(err)
	}
	return by
}

func (s *staff) signIn(from gateway.Visitor, password, code string) (gateway.SignedIn, error) {
	return s.SignIn(s.t.Context(), from, gateway.SignInInput{Email: "anna@shop.example", Password: password, Code: code})
}

// want checks the kind of a refusal.
func want(t *testing.T, what string, err error, code rapport.Code) {
	t.Helper()
	if rapport.CodeOf(err) != code || code != "" && err == nil {
		t.Errorf("%s: %v, want %q", what, err, code)
	}
}

func TestSignIn_ThrottleSurvivesARestart(t *testing.T) {
	t.Parallel()
	eachStaff(t, func(t *testing.T, s *staff, owner gateway.SignedIn) {
		from := func(n int) gateway.Visitor { return gateway.Visitor{Address: fmt.Sprintf("198.51.100.%d", n)} }
		for i := range 6 { // from six places, so that it is the account that is counted
			_, err := s.signIn(from(i), "wrong, and long enough", "")
			want(t, fmt.Sprint("guess ", i), err, rapport.CodeUnauthorized)
		}
		_, err := s.signIn(from(9), goodPassword, "")
		want(t, "a right one waits too", err, rapport.CodeRateLimited)
		s.restart()
		_, err = s.signIn(from(9), goodPassword, "")
		want(t, "after a restart", err, rapport.CodeRateLimited)
		if known, err := s.signIn(gateway.Visitor{Address: "192.0.2.7", Known: owner.Known}, goodPassword, ""); err != nil || known.Known != owner.Known {
			t.Errorf("a browser that is known: %v", err)
		}
		_, err = s.signIn(gateway.Visitor{Address: "192.0.2.7", Known: strings.Repeat("z", 5) + owner.Known[5:]}, goodPassword, "")
		want(t, "one that only says so", err, rapport.CodeRateLimited)
		s.pass(time.Second)
		_, err = s.signIn(from(9), "wrong, and long enough", "")
		want(t, "after the wait", err, rapport.CodeUnauthorized)
		s.pass(time.Second)
		_, err = s.signIn(from(9), goodPassword, "")
		want(t, "the wait doubles", err, rapport.CodeRateLimited)
		s.pass(time.Second)
		if _, err := s.signIn(from(9), goodPassword, ""); err != nil {
			t.Errorf("a right one in the end: %v", err)
		}
		if _, err := s.signIn(from(9), "wrong, and long enough", ""); rapport.CodeOf(err) != rapport.CodeUnauthorized {
			t.Errorf("the count began anew: %v", err)
		}
		// Nobody's account is counted as anybody's.
		for i := range 7 {
			_, err := s.SignIn(t.Context(), from(20+i), gateway.SignInInput{Email: "nobody@shop.example", Password: goodPassword})
			if code := map[bool]rapport.Code{true: rapport.CodeUnauthorized, false: rapport.CodeRateLimited}[i < 6]; rapport.CodeOf(err) != code {
				t.Errorf("guess %d at nobody: %v", i, err)
			}
		}
		// One network at many accounts.
		for range 20 {
			if _, err := s.st.Guess(t.Context(), []string{"address:2001:db8::/64"}, func(string, int) time.Duration { return 0 }, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		for i, code := range []rapport.Code{rapport.CodeUnauthorized, rapport.CodeRateLimited} {
			_, err := s.SignIn(t.Context(), gateway.Visitor{Address: fmt.Sprintf("2001:db8::%x", i)}, gateway.SignInInput{Email: fmt.Sprintf("n%d@shop.example", i), Password: goodPassword})
			want(t, "one network", err, code)
		}
		s.pass(25 * time.Hour)
		if err := s.st.ForgetSignIns(t.Context(), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t.Context(), gateway.Visitor{Address: "2001:db8::1"}, gateway.SignInInput{Email: "n1@shop.example", Password: goodPassword}); rapport.CodeOf(err) != rapport.CodeUnauthorized {
			t.Errorf("a day later: %v", err)
		}
	})
}

// codeAt is what an authenticator app shows.
func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}

func TestTOTP_EachCodeIsUsedOnce(t *testing.T) {
	t.Parallel()
	eachStaff(t, func(t *testing.T, s *staff, owner gateway.SignedIn) {
		by := s.caller(owner)
		here := gateway.Visitor{Address: "192.0.2.1", Known: owner.Known}
		_, _, err := s.OfferTOTP(t.Context(), by, "not my password")
		want(t, "without the password", err, rapport.CodeInvalid)
		_, err = s.ConfirmTOTP(t.Context(), by, "000000")
		want(t, "nothing offered", err, rapport.CodeConflict)
		secret, uri, err := s.OfferTOTP(t.Context(), by, goodPassword)
		if err != nil || !strings.Contains(uri, secret) {
			t.Fatal(uri, err)
		}
		if _, err := s.signIn(here, goodPassword, ""); err != nil {
			t.Errorf("an offer changes nothing: %v", err)
		}
		_, err = s.ConfirmTOTP(t.Context(), by, codeAt(t, secret, s.now().Add(-2*time.Minute)))
		want(t, "an old code", err, rapport.CodeInvalid)
		first := codeAt(t, secret, s.now())
		codes, err := s.ConfirmTOTP(t.Context(), by, first)
		if err != nil || len(codes) != 10 {
			t.Fatal(codes, err)
		}
		_, err = s.signIn(here, goodPassword, "")
		want(t, "no code", err, rapport.CodeTOTPRequired)
		_, err = s.signIn(here, "wrong, and long enough", first)
		want(t, "a wrong password says nothing of codes", err, rapport.CodeUnauthorized)
		_, err = s.signIn(here, goodPassword, first)
		want(t, "the code that confirmed", err, rapport.CodeTOTPRequired)
		s.pass(30 * time.Second)
		second := codeAt(t, secret, s.now())
		if _, err := s.signIn(here, goodPassword, second[:3]+" "+second[3:]); err != nil {
			t.Errorf("the next code: %v", err)
		}
		_, err = s.signIn(here, goodPassword, second)
		want(t, "the same again", err, rapport.CodeTOTPRequired)
		_, err = s.signIn(here, goodPassword, first)
		want(t, "one before it", err, rapport.CodeTOTPRequired)
		if _, err := s.signIn(here, goodPassword, strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))); err != nil {
			t.Errorf("a recovery code: %v", err)
		}
		_, err = s.signIn(here, goodPassword, codes[0])
		want(t, "the same recovery code", err, rapport.CodeTOTPRequired)
		if n, err := s.st.CountRecoveryCodes(t.Context(), by.Agent); n != 9 || err != nil {
			t.Errorf("%d left, %v", n, err)
		}
		again, err := s.RenewRecoveryCodes(t.Context(), by, goodPassword)
		if err != nil || len(again) != 10 {
			t.Fatal(again, err)
		}
		_, err = s.signIn(here, goodPassword, codes[1])
		want(t, "one that was replaced", err, rapport.CodeTOTPRequired)
		want(t, "ending it without the password", s.EndTOTP(t.Context(), by, "not my password"), rapport.CodeInvalid)
		if err := s.EndTOTP(t.Context(), by, goodPassword); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Hour)
		if _, err := s.signIn(here, goodPassword, ""); err != nil {
			t.Errorf("without codes again: %v", err)
		}
	})
}

func TestAgents_ComeInByLinksOnce(t *testing.T) {
	t.Parallel()
	eachStaff(t, func(t *testing.T, s *staff, owner gateway.SignedIn) {
		ctx, by := t.Context(), s.caller(owner)
		token := func(l gateway.Link) string { _, text, _ := strings.Cut(l.URL, "#token="); return text }
		accept := func(token, code string) (gateway.SignedIn, error) {
			return s.Accept(ctx, gateway.Visitor{Address: "192.0.2.2"}, gateway.AcceptInput{Token: token, Password: goodPassword, Code: code})
		}
		boris, l, err := s.Invite(ctx, by, gateway.AgentInput{Name: "Boris", Email: "boris@shop.example", Role: rapport.Admin})
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []gateway.AgentInput{{Name: "BORIS", Email: "b@shop.example", Role: rapport.Viewer}, {Name: "Bo", Email: "Boris@Shop.example", Role: rapport.Viewer}} {
			_, _, err := s.Invite(ctx, by, in)
			want(t, in.Name, err, rapport.CodeConflict)
		}
		_, err = s.SignIn(ctx, gateway.Visitor{Address: "192.0.2.2"}, gateway.SignInInput{Email: "boris@shop.example", Password: goodPassword})
		want(t, "invited, and nothing chosen", err, rapport.CodeUnauthorized)
		_, again, err := s.InviteAgain(ctx, by, boris.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = accept(token(l), "")
		want(t, "the link before", err, rapport.CodeNotFound)
		admin, err := accept(token(again), "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = accept(token(again), "")
		want(t, "a second time", err, rapport.CodeNotFound)
		theirs := s.caller(admin)
		for what, err := range map[string]error{
			"an admin makes an owner": func() error {
				_, _, err := s.Invite(ctx, theirs, gateway.AgentInput{Name: "Eve", Email: "eve@shop.example", Role: rapport.Owner})
				return err
			}(),
			"an admin resets an owner": func() error { _, _, err := s.Reset(ctx, theirs, by.Agent, true); return err }(),
			"an admin signs one out":   s.SignOutAgent(ctx, theirs, by.Agent),
			"an admin becomes an owner": func() error {
				r := rapport.Owner
				_, err := s.Change(ctx, theirs, theirs.Agent, gateway.AgentChange{Role: &r})
				return err
			}(),
			"a key makes an owner": func() error {
				_, _, err := s.Invite(ctx, gateway.Caller{Key: 1, Scopes: []string{"*"}}, gateway.AgentInput{Name: "Eve", Email: "eve@shop.example", Role: rapport.Owner})
				return err
			}(),
			"a small key makes an admin": func() error {
				_, _, err := s.Invite(ctx, gateway.Caller{Key: 1, Scopes: []string{"write:agents"}}, gateway.AgentInput{Name: "Eve", Email: "eve@shop.example", Role: rapport.Admin})
				return err
			}(),
		} {
			want(t, what, err, rapport.CodeForbidden)
		}
		yes, viewer := true, rapport.Viewer
		_, err = s.Change(ctx, by, by.Agent, gateway.AgentChange{Disabled: &yes})
		want(t, "the last owner goes", err, rapport.CodeConflict)
		_, err = s.Change(ctx, by, by.Agent, gateway.AgentChange{Role: &viewer})
		want(t, "the last owner steps down", err, rapport.CodeConflict)

		// A reset of somebody with codes needs one, unless it ends them.
		secret, _, err := s.OfferTOTP(ctx, theirs, goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ConfirmTOTP(ctx, theirs, codeAt(t, secret, s.now())); err != nil {
			t.Fatal(err)
		}
		_, l, err = s.Reset(ctx, by, boris.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = accept(token(l), "")
		want(t, "no code", err, rapport.CodeTOTPRequired)
		_, err = accept(token(l), "000000")
		want(t, "a wrong one", err, rapport.CodeTOTPRequired)
		s.pass(time.Minute)
		fresh, err := accept(token(l), codeAt(t, secret, s.now()))
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Authenticate(ctx, admin.Token, "")
		want(t, "the session before the reset", err, rapport.CodeUnauthorized)
		if _, l, err = s.Reset(ctx, by, boris.ID, true); err != nil {
			t.Fatal(err)
		}
		s.pass(25 * time.Hour)
		_, err = accept(token(l), "")
		want(t, "a day later", err, rapport.CodeNotFound)
		if _, l, err = s.Reset(ctx, by, boris.ID, true); err != nil {
			t.Fatal(err)
		}
		if fresh, err = accept(token(l), ""); err != nil || fresh.Agent.TOTP {
			t.Errorf("a reset that ends the codes: %v", err)
		}
		if _, l, err = s.Reset(ctx, by, boris.ID, false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Change(ctx, by, boris.ID, gateway.AgentChange{Disabled: &yes}); err != nil {
			t.Fatal(err)
		}
		_, err = s.Authenticate(ctx, fresh.Token, "")
		want(t, "the session of one who is disabled", err, rapport.CodeUnauthorized)
		_, err = accept(token(l), "")
		want(t, "the link of one who is disabled", err, rapport.CodeNotFound)
		_, err = s.SignIn(ctx, gateway.Visitor{Address: "192.0.2.2"}, gateway.SignInInput{Email: "boris@shop.example", Password: goodPassword})
		want(t, "one who is disabled", err, rapport.CodeUnauthorized)

		// Sessions end by themselves.
		s.pass(46 * time.Hour)
		s.restart() // nothing is remembered
		if _, err := s.Authenticate(ctx, owner.Token, "192.0.2.9"); err != nil {
			t.Errorf("within three days: %v", err)
		}
		s.pass(73 * time.Hour)
		_, err = s.Authenticate(ctx, owner.Token, "192.0.2.9")
		want(t, "after three idle days", err, rapport.CodeUnauthorized)
	})
}

func TestAgents_AreSpelledAsTheyWereFirst(t *testing.T) {
	t.Parallel()
	eachStaff(t, func(t *testing.T, s *staff, owner gateway.SignedIn) {
		ctx, by := t.Context(), s.caller(owner)
		for _, name := range []string{"boris", "VERA"} { // threads were given to them before they could sign in
			if _, err := s.st.KeepAgent(ctx, name); err != nil {
				t.Fatal(err)
			}
		}
		boris, l, err := s.Invite(ctx, by, gateway.AgentInput{Name: "Boris", Email: "boris@shop.example", Role: rapport.Member})
		if err != nil || boris.Name != "boris" {
			t.Errorf("invited: %+v, %v", boris, err)
		}
		_, token, _ := strings.Cut(l.URL, "#token=")
		vera, err := s.Accept(ctx, gateway.Visitor{Address: "192.0.2.2"}, gateway.AcceptInput{Token: token, Name: "Vera", Password: goodPassword})
		if err != nil || vera.Agent.Name != "VERA" || s.caller(vera).Name != "VERA" {
			t.Errorf("came in: %+v, %v", vera.Agent, err)
		}
		if spelled, err := s.st.SpelledAgent(ctx, "ANNA"); err != nil || spelled != "Anna" {
			t.Errorf("the first owner: %q, %v", spelled, err)
		}
	})
}
