// Package templates turns what an author writes once into what each customer receives: variants by
// channel and locale, Liquid inside them, MJML and CSS made ready for mail clients when the template
// is saved, and nothing but values filled in when it is sent.
//
// Compile checks a Source and gives what is stored. Load parses a stored one. Render fills it in.
// docs/templates.md is the page for authors.
package templates
