package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// seal encrypts with AES-256-GCM under a key derived from the first of the secret keys; name is authenticated, so that
// a row cannot be copied over another's.
func seal(keys [][]byte, name string, plain []byte) (string, error) {
	aead, err := settingsCipher(keys[0])
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	return base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, plain, []byte(name))), nil
}

// unseal is its inverse, under whichever of the keys.
func unseal(keys [][]byte, name, sealed string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, fmt.Errorf("unsealing: %w", err)
	}
	for _, key := range keys {
		aead, err := settingsCipher(key)
		if err != nil {
			return nil, err
		}
		if len(b) < aead.NonceSize() {
			break
		}
		if plain, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], []byte(name)); err == nil {
			return plain, nil
		}
	}
	return nil, errors.New("none of the secret keys opens it")
}

func settingsCipher(secret []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "rapport provider settings", 32)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("deriving a key: %w", err)
	}
	return cipher.NewGCM(block)
}
