package email

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"

	"github.com/emersion/go-msgauth/dkim"

	"rapport/channels"
)

// signedFields are what DKIM covers. Each is named once more than it occurs: then nobody can add another of
// that name without breaking the signature (RFC 6376 §5.4.2, §8.15). RFC 8058 §4 asks for the two of one-click.
//
// go-msgauth signs the rendered bytes. go-mail 0.8.1's own signing folds a list of this length inside a
// word, and the signature does not verify.
var signedFields = []string{
	"From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post",
	"From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "In-Reply-To", "References", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post",
}

// maxSignature is room for the field with a 4096-bit RSA key and the longest names.
const maxSignature = 2048

// readSigner returns nil when no key is set.
func readSigner(r *channels.Reader) *dkim.SignOptions {
	o := &dkim.SignOptions{
		Domain:                 r.String("dkim.domain", ""),
		Selector:               r.String("dkim.selector", ""),
		HeaderCanonicalization: dkim.CanonicalizationRelaxed,
		BodyCanonicalization:   dkim.CanonicalizationRelaxed,
		HeaderKeys:             signedFields,
	}
	key, where := r.String("dkim.key", ""), "dkim.key"
	if file := r.String("dkim.key_file", ""); file != "" {
		if key != "" {
			r.Fail("dkim.key", "and settings.dkim.key_file exclude each other")
		}
		where = "dkim.key_file"
		b, err := os.ReadFile(file)
		if err != nil {
			r.Fail(where, "%v", err)
			return nil
		}
		key = string(b)
	}
	if o.Domain == "" && o.Selector == "" && key == "" {
		return nil
	}
	if !validHost(o.Domain) {
		r.Fail("dkim.domain", "must be a domain such as shop.example")
	}
	if !validHost(o.Selector) {
		r.Fail("dkim.selector", "must be a selector such as rapport")
	}
	var err error
	if o.Signer, err = parseKey([]byte(key)); err != nil {
		r.Fail(where, "%v", err)
		return nil
	}
	return o
}

func parseKey(b []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("must be a private key in PEM form")
	}
	var key any
	var err error
	if block.Type == "RSA PRIVATE KEY" {
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, errors.New("must be a private key in PKCS#1 or PKCS#8 form, without a password")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < 1024 || bits > 4096 {
			return nil, errors.New("must have 1024 to 4096 bits; 2048 are customary")
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, errors.New("must be an RSA or Ed25519 key")
}

// signature makes the DKIM-Signature field for msg, line end included.
func signature(o *dkim.SignOptions, msg []byte) (string, error) {
	s, err := dkim.NewSigner(o)
	if err != nil {
		return "", err
	}
	_, err = s.Write(msg)
	if err := errors.Join(err, s.Close()); err != nil {
		return "", err
	}
	return s.Signature(), nil
}
