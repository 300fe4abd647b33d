package incoming

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChecksBy_BelievesTheReceivingServerOnly(t *testing.T) {
	t.Parallel()
	const (
		byShop   = "Received: from mail.customers.example by mx.shop.example; Sun, 22 Nov 2026 10:15:02 +0300\n"
		byOthers = "Received: from laptop by mail.customers.example; Sun, 22 Nov 2026 10:15:01 +0300\n"
		rest     = "From: anna@customers.example\nSubject: x\n\nHi.\n"
	)
	all := map[string]string{"spf": "pass", "dkim": "pass", "dmarc": "pass"}
	for _, c := range []struct {
		name, server, head string
		want               map[string]string
	}{
		{"as Gmail writes it", "", "Received: by 2002:a05:6402:1 with SMTP id x; Sun, 22 Nov 2026 10:15:03 +0300\nReceived-SPF: pass (google.com: domain of x designates 192.0.2.7) client-ip=192.0.2.7;\n" +
			"Authentication-Results: mx.google.com;\n dkim=pass header.i=@customers.example header.s=a header.b=Xy(z;\n spf=fail) ;\n spf=pass (google.com: domain; of (x)) smtp.mailfrom=a@b;\n dmarc=pass (p=NONE sp=NONE) header.from=customers.example\n" +
			"Received: from mail.customers.example by mx.google.com with ESMTPS; Sun, 22 Nov 2026 10:15:02 +0300\n", all},
		{"as Exchange Online writes it, nameless", "", "Received: from a by AM0.eurprd05.prod.outlook.com; Sun, 22 Nov 2026 10:15:02 +0300\nAuthentication-Results: spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=b; dkim=pass (signature was verified) header.d=b;dmarc=pass action=none header.from=b;compauth=pass reason=100\n", all},
		{"in several fields, as milters write it", "", "Authentication-Results: mx.shop.example; dmarc=pass\nAuthentication-Results: mx.shop.example; dkim=fail\nAuthentication-Results: mx.shop.example; dkim=pass; spf=pass\n" + byShop, all},
		{"Received-SPF alone", "", "Received-SPF: SoftFail (mx.shop.example: transitioning domain)\n" + byShop, map[string]string{"spf": "softfail"}},
		{"version, blanks and capitals", "", "Authentication-Results: MX.shop.example 1; SPF/1 = Pass; dkim=hardfail\n" + byShop, map[string]string{"spf": "pass", "dkim": "fail"}},
		{"none", "", "Authentication-Results: mx.shop.example; none\n" + byShop, nil},
		{"nothing", "", byShop, nil},

		{"a stranger's below the server that received it", "", byShop + byOthers + "Authentication-Results: mx.shop.example; spf=pass; dmarc=pass\n", nil},
		{"a stranger's under another name", "", byShop + "Authentication-Results: mail.evil.example; spf=pass; dmarc=pass\n", nil},
		{"a stranger's behind the server's own", "", "Authentication-Results: mx.shop.example; spf=fail\n" + byShop + "Authentication-Results: mail.evil.example; spf=pass; dmarc=pass\n", map[string]string{"spf": "fail"}},
		{"a stranger's SPF behind two servers", "", byShop + byOthers + "Received-SPF: pass\n", nil},

		{"the configured server's", "mx.shop.example", byShop + byOthers + "Authentication-Results: mail.evil.example; spf=pass\nAuthentication-Results: MX.shop.example; spf=neutral\n", map[string]string{"spf": "neutral"}},
		{"another than the configured server's", "auth.shop.example", "Authentication-Results: mx.shop.example; spf=pass; dmarc=pass\n" + byShop, nil},
	} {
		m, err := Read([]byte(c.head + rest))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, m.ChecksBy(c.server)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
