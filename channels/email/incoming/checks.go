package incoming

import (
	"slices"
	"strings"
)

// ChecksBy are the results of SPF, DKIM and DMARC, from what the receiving server wrote into Authentication-Results (RFC
// 8601) and Received-SPF (RFC 7208 §9.1). authserv is the name under which it does: a server takes away what strangers
// wrote under its name (RFC 8601 §5). Where it is not known, only the topmost field is believed, and only if it names a host
// of the organisation that received the mail; what stands below the next server's mark is anybody's word.
func (m *Mail) ChecksBy(authserv string) map[string]string {
	checks, host, received := map[string]string{}, "", 0
	trusted := strings.ToLower(strings.TrimSpace(authserv))
	spf := ""
	for _, f := range m.fields {
		switch f.name {
		case "received":
			if by := receivedBy(f.value); by != "" {
				received++
				if host == "" {
					host = by
				}
			}
		case "received-spf":
			if spf == "" && received <= 1 {
				word, _, _ := strings.Cut(strings.TrimSpace(uncomment(f.value)), " ")
				spf = result(strings.TrimSuffix(word, ";"))
			}
		case "authentication-results":
			id, results := authResults(f.value)
			switch {
			case authserv != "" && id != trusted, authserv == "" && received > 1:
				continue
			case trusted == "" && (host == "" || id == "" || organisation(id) == organisation(host)):
				trusted = id
			case id != trusted:
				continue
			}
			for _, r := range results {
				if old, have := checks[r[0]]; !have || r[0] == "dkim" && r[1] == "pass" && old != "pass" { // one good signature is enough
					checks[r[0]] = r[1]
				}
			}
			if trusted == "" { // Exchange Online names nobody: the topmost only
				trusted = "."
			}
		}
	}
	if _, have := checks["spf"]; !have && spf != "" {
		checks["spf"] = spf
	}
	if len(checks) == 0 {
		return nil
	}
	return checks
}

// authResults reads one field: who says it, and pairs of method and result.
func authResults(s string) (id string, results [][2]string) {
	for i, part := range strings.Split(uncomment(s), ";") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		method, value, ok := strings.Cut(words[0], "=")
		if !ok && len(words) > 1 && strings.HasPrefix(words[1], "=") { // blanks around it
			value, ok = strings.TrimPrefix(strings.Join(words[1:min(len(words), 3)], ""), "="), true
		}
		if !ok {
			if i == 0 {
				id = strings.ToLower(words[0])
			}
			continue
		}
		method, _, _ = strings.Cut(strings.ToLower(method), "/")
		if r := result(value); r != "" && slices.Contains([]string{"spf", "dkim", "dmarc"}, method) && len(results) < 50 {
			results = append(results, [2]string{method, r})
		}
	}
	return id, results
}

// result is a word of RFC 8601 §2.7; "": it is none.
func result(word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	switch word {
	case "pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "policy":
		return word
	case "hardfail":
		return "fail"
	case "error":
		return "temperror"
	case "unknown":
		return "permerror"
	}
	return ""
}

// uncomment takes comments out, which may hold others.
func uncomment(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var b strings.Builder
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '(':
			depth++
			b.WriteByte(' ')
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// receivedBy is the host that wrote a Received field; "": it gives no name.
func receivedBy(s string) string {
	words := strings.Fields(uncomment(s))
	for i, w := range words {
		if strings.EqualFold(w, "by") && i+1 < len(words) {
			host := strings.ToLower(strings.Trim(words[i+1], ";[]"))
			if strings.Contains(host, ".") && !strings.Contains(host, ":") && strings.ContainsAny(host, "abcdefghijklmnopqrstuvwxyz") {
				return host
			}
			return ""
		}
	}
	return ""
}

// organisation is roughly who owns a host: the last two labels of its name, or three under a country's com, co, org and
// their like. It decides only what is shown where no server is configured.
func organisation(host string) string {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	n := 2
	if len(labels) > 2 && len(labels[len(labels)-1]) == 2 && len(labels[len(labels)-2]) <= 3 {
		n = 3
	}
	return strings.Join(labels[max(0, len(labels)-n):], ".")
}
