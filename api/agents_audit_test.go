package api

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"rapport"
)

// agentsAct does all that agents can do about themselves and each other, looks for each act in the audit log, and notes its
// route in written.
func (h *house) agentsAct(written map[string]bool) {
	h.t.Helper()
	wrote := func(route, action, by string) {
		h.t.Helper()
		a := h.want(200, "GET", "/v1/audit?limit=1", nil)
		kind, id := "agent", string(rapport.KindAgent)+"_"
		if by == "" {
			kind, id = "rapport", ""
		}
		if a.text("data.0.action") != action || a.text("data.0.actor.kind") != kind || a.text("data.0.actor.name") != by || !strings.HasPrefix(a.text("data.0.actor.id"), id) || a.text("data.0.resource") == "" {
			h.t.Errorf("%s wrote %s, want %s by %q", route, a, action, by)
		}
		written[route] = true
	}
	proof := map[string]string{"password": password}
	signIn := map[string]string{"email": "max@shop.example", "password": password}

	anna := h.owner()
	wrote("POST /v1/setup", "agent.setup", "Anna Smith")
	id := anna.want(201, "POST", "/v1/agents", `{"name":"Max","email":"max@shop.example","role":"agent"}`).text("id")
	wrote("POST /v1/agents", "agent.invited", "Anna Smith")
	_, token, _ := strings.Cut(anna.want(200, "POST", "/v1/agents/"+id+"/invitation", nil).text("link"), "#token=")
	wrote("POST /v1/agents/{id}/invitation", "agent.invited", "Anna Smith")
	max, phone := h.browser(), h.browser()
	max.want(200, "POST", "/v1/invitations/accept", map[string]string{"token": token, "password": password})
	wrote("POST /v1/invitations/accept", "agent.accepted", "Max")
	max.want(204, "DELETE", "/v1/session", nil)
	wrote("DELETE /v1/session", "session.ended", "Max")
	max.want(401, "POST", "/v1/session", map[string]string{"email": "max@shop.example", "password": "not the password"})
	wrote("POST /v1/session", "session.refused", "")
	max.want(200, "POST", "/v1/session", signIn)
	wrote("POST /v1/session", "session.began", "Max")
	phone.want(200, "POST", "/v1/session", signIn)
	max.want(204, "DELETE", "/v1/sessions/"+max.want(200, "GET", "/v1/sessions?limit=1", nil).text("data.0.id"), nil)
	wrote("DELETE /v1/sessions/{id}", "session.ended", "Max")
	max.want(204, "DELETE", "/v1/sessions", nil)
	wrote("DELETE /v1/sessions", "agent.signed_out", "Max")
	secret := max.want(200, "POST", "/v1/agents/me/totp", proof).text("secret")
	max.want(200, "POST", "/v1/agents/me/totp/confirm", map[string]string{"code": h.code(secret)})
	wrote("POST /v1/agents/me/totp/confirm", "agent.totp_enabled", "Max")
	max.want(200, "POST", "/v1/agents/me/totp/recovery-codes", proof)
	wrote("POST /v1/agents/me/totp/recovery-codes", "agent.recovery_codes_renewed", "Max")
	max.want(204, "POST", "/v1/agents/me/totp/disable", proof)
	wrote("POST /v1/agents/me/totp/disable", "agent.totp_disabled", "Max")
	max.want(422, "PUT", "/v1/agents/me/password", `{"current":"not my password","password":"another horse battery"}`)
	wrote("PUT /v1/agents/me/password", "agent.password_refused", "Max")
	max.want(204, "PUT", "/v1/agents/me/password", map[string]string{"current": password, "password": "another horse battery"})
	wrote("PUT /v1/agents/me/password", "agent.password_changed", "Max")
	anna.want(200, "PATCH", "/v1/agents/"+id, `{"role":"viewer"}`)
	wrote("PATCH /v1/agents/{id}", "agent.changed", "Anna Smith")
	anna.want(200, "POST", "/v1/agents/"+id+"/reset", nil)
	wrote("POST /v1/agents/{id}/reset", "agent.reset", "Anna Smith")
	anna.want(204, "DELETE", "/v1/agents/"+id+"/sessions", nil)
	wrote("DELETE /v1/agents/{id}/sessions", "agent.signed_out", "Anna Smith")
	// What has nothing to do with agents has their name too.
	anna.want(201, "PUT", "/v1/canned/signed", `{"title":"Hi","bodies":[{"text":"Hello"}]}`)
	wrote("PUT /v1/canned/{key}", "canned.saved", "Anna Smith")
	me := h.want(200, "GET", "/v1/audit?limit=1", nil).text("data.0.actor.id")
	if a := h.want(200, "GET", "/v1/audit?action=canned&actor="+me, nil); len(a.get("data").([]any)) != 1 {
		h.t.Errorf("of Anna: %s", a)
	}
}

// code is what an authenticator app shows now (RFC 6238).
func (h *house) code(secret string) string {
	h.t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		h.t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, time.Now().Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}
