package api

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"testing"

	"rapport/internal/maildns/maildnstest"
)

func TestDomains_TellTheirRecordsAndLookThemUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := json.Marshal(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	if a := h.want(200, "GET", "/v1/domains", nil); string(a.Body) == "" || len(a.get("data").([]any)) != 0 {
		t.Errorf("without providers: %s", a)
	}
	h.want(200, "PUT", "/v1/providers/mail", `{"driver":"email","channel":"email","settings":{"host":"email-smtp.eu-west-1.amazonaws.com","from":"Shop <news@Shop.example>","reply_domain":"reply.shop.example",
		"dkim":{"domain":"shop.example","selector":"r1","key":`+string(key)+`}}}`)
	a := h.want(200, "GET", "/v1/domains", nil)
	published := a.text("data.0.records.1.wanted")
	if a.text("data.0.domain") != "shop.example" || a.text("data.0.providers.0") != "mail" || a.text("data.0.records.0.wanted") != "v=spf1 include:amazonses.com -all" || a.text("data.0.records.0.name") != "reply.shop.example" ||
		a.text("data.0.records.1.name") != "r1._domainkey.shop.example" || len(published) != len("v=DKIM1; k=ed25519; p=")+44 || a.text("data.0.records.3.type") != "MX" {
		t.Fatalf("domains: %s", a)
	}
	h.g.Resolver = maildnstest.Resolver(t, maildnstest.Zone{"reply.shop.example": {"v=spf1 -all"}, "r1._domainkey.shop.example": {published}, "_dmarc.shop.example": {"v=DMARC1; p=reject"}})
	a = h.want(200, "POST", "/v1/domains/shop.example/check", nil)
	for i, want := range []string{"different", "ok", "ok", "missing"} {
		if path := "records." + string(rune('0'+i)) + "."; a.text(path+"status") != want || (want == "ok") != (a.text(path+"mend") == "") {
			t.Errorf("record %d is not %s: %s", i, want, a)
		}
	}
	if a.text("checked_at") == "" || a.text("records.0.found.0") != "v=spf1 -all" {
		t.Errorf("check: %s", a)
	}
	h.refused(404, "domain", "POST", "/v1/domains/elsewhere.example/check", nil)
}
