package api

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// nonceWord stands in index.html where each answer gets a nonce of its own (web/vite.config.ts).
const nonceWord = "RAPPORT_NONCE"

// notBuilt is what a browser gets where the program was compiled without Node.
const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Rapport</title><p>The web app was not built into this program: <code>make build</code> with Node 20.19 or newer does it. The API works; its manual is at <a href="/docs">/docs</a>.</p></html>`

// appPolicy allows the app its own files and nothing inline. Styles may carry the nonce, because the library writes a
// few style elements; frames are customers' mails, which come from here with a stricter policy of their own.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-%s'; img-src 'self' data: blob:; media-src 'self'; font-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// framePage is an empty page in which the app shows a mail that it has at hand: of a template that is being written, of a
// dry run. The app fills it, in a frame whose sandbox lets no script run; framePolicy forbids them as well, and allows the
// styles that a mail brings along.
const (
	framePage   = "frame.html"
	framePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-same-origin allow-popups"
)

// asset is a file of the app, as it is sent.
type asset struct {
	kind   string
	plain  []byte
	packed func() []byte // gzip, made when it is first asked for; nil where it would not pay
}

// app serves the web app at every address that nothing else has: the browser finds the page by the path.
func (d *door) app(to *fiber.App, files fs.FS) {
	var index []byte
	assets := map[string]asset{}
	if files != nil {
		var err error
		if assets, index, err = readApp(files); err != nil {
			panic(err) // embedded
		}
	}
	to.Use(func(c *fiber.Ctx) error { // not a route: a POST to nowhere stays a 404
		if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
			return c.Next()
		}
		name := strings.TrimPrefix(c.Path(), "/")
		if a, ok := assets[name]; ok {
			if name == framePage {
				c.Set("Content-Security-Policy", framePolicy)
				c.Set("X-Frame-Options", "SAMEORIGIN")
			}
			return sendAsset(c, name, a)
		}
		if !isPage(c, name) {
			return c.Next()
		}
		c.Set("Content-Type", "text/html; charset=utf-8")
		if index == nil {
			return c.Status(fiber.StatusServiceUnavailable).SendString(notBuilt)
		}
		nonce := newNonce()
		c.Set("Content-Security-Policy", fmt.Sprintf(appPolicy, nonce))
		c.Set("Cross-Origin-Opener-Policy", "same-origin")
		return c.Send(bytes.ReplaceAll(index, []byte(nonceWord), []byte(nonce)))
	})
}

// isPage tells a visit of a browser from a program's mistake, which deserves its 404.
func isPage(c *fiber.Ctx, name string) bool {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "v1", "in", "assets", "u", "p", "c", "o":
		return false
	}
	return strings.Contains(c.Get("Accept"), "text/html") && path.Ext(name) == ""
}

func sendAsset(c *fiber.Ctx, name string, a asset) error {
	c.Set("Content-Type", a.kind)
	c.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") { // their names change with what is in them
		c.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	c.Set("Vary", "Accept-Encoding")
	if a.packed != nil && c.AcceptsEncodings("gzip") == "gzip" {
		c.Set("Content-Encoding", "gzip")
		return c.Send(a.packed())
	}
	return c.Send(a.plain)
}

func readApp(files fs.FS) (assets map[string]asset, index []byte, err error) {
	assets = map[string]asset{}
	err = fs.WalkDir(files, ".", func(name string, f fs.DirEntry, err error) error {
		if err != nil || f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			return err
		}
		plain, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			index = plain
			return nil
		}
		a := asset{kind: kindOf(name), plain: plain}
		if strings.HasPrefix(a.kind, "text/") || strings.Contains(a.kind, "svg") || strings.Contains(a.kind, "json") {
			a.packed = sync.OnceValue(func() []byte { return packed(plain) })
		}
		assets[name] = a
		return nil
	})
	return assets, index, err
}

// kindOf does not ask the system's table, which differs from machine to machine.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest", ".json":
		return "application/json"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return fiber.MIMEOctetStream
}

func packed(plain []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	_, _ = w.Write(plain)                                   // into memory
	_ = w.Close()
	return out.Bytes()
}

func newNonce() string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(b[:])
}
