package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"rapport"
	"rapport/store"
)

// AuditEntry is one act of somebody who runs Rapport.
type AuditEntry struct {
	ID       string          `json:"id"`
	At       time.Time       `json:"at"`
	Actor    Actor           `json:"actor"`
	Action   string          `json:"action" example:"key.created"`
	Resource string          `json:"resource" doc:"What it was done to: an id, or a name."`
	Detail   json.RawMessage `json:"detail" doc:"Holds nothing personal of customers."`
}

// Actor is who did something.
type Actor struct {
	Kind string `json:"kind" enum:"key,agent,rapport" doc:"rapport: it did so by itself, or a command on its machine did."`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

func actorOf(e store.AuditEntry) Actor {
	if e.Key == 0 {
		return Actor{Kind: "rapport"}
	}
	if e.Agent != "" {
		return Actor{Kind: "agent", ID: rapport.KindAgent.Format(e.Key), Name: e.Agent}
	}
	return Actor{Kind: "key", ID: rapport.KindKey.Format(e.Key), Name: e.KeyName}
}

func auditView(e store.AuditEntry) AuditEntry {
	return AuditEntry{ID: rapport.KindAudit.Format(e.ID), At: e.At, Actor: actorOf(e), Action: e.Action, Resource: e.Subject, Detail: e.Detail}
}

func (d *door) audit() {
	handle(d, route{Method: http.MethodGet, Path: "/v1/audit", Scope: "read:audit", Tag: "System", Summary: "Who did what",
		About: "Newest first. What is done in a thread stands in the thread, and consent in its own history."}, d.listAudit)
}

type listAudit struct {
	Request
	Paging
	Actor    string    `query:"actor" maxLength:"40" doc:"The id of a key or an agent, or rapport."`
	Action   string    `query:"action" maxLength:"60" doc:"key.created, or key for all that is done to keys."`
	Resource string    `query:"resource" maxLength:"200"`
	Since    time.Time `query:"since"`
	Until    time.Time `query:"until" doc:"Not included."`
}

func (d *door) listAudit(ctx context.Context, in *listAudit) (*reply[List[AuditEntry]], error) {
	f := store.AuditFilter{Own: in.Actor == "rapport", Action: strings.TrimSuffix(in.Action, "."), Subject: in.Resource, Since: in.Since, Until: in.Until}
	var err error
	if f.Page, err = in.page("audit"); err != nil {
		return nil, err
	}
	if in.Actor != "" && !f.Own {
		kind := rapport.KindKey
		if strings.HasPrefix(in.Actor, string(rapport.KindAgent)+"_") {
			kind = rapport.KindAgent
		}
		if f.By, err = kind.Parse(in.Actor); err != nil {
			return nil, rapport.Invalid("query.actor", "must be the id of a key or an agent, or rapport")
		}
	}
	rows, next, err := d.st.AuditLog(ctx, f)
	if err != nil {
		return nil, err
	}
	return ok(listOf("audit", rows, next, auditView))
}
