// Package web holds the app of agents and marketers, built by npm into dist and embedded. Without Node the
// program builds all the same; it then says how to build the app.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// App is the built app: index.html and assets; nil where it was not built.
func App() fs.FS {
	app, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil
	}
	if _, err = fs.Stat(app, "index.html"); err != nil {
		return nil
	}
	return app
}
