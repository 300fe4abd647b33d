package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"rapport"
)

// TemplateVersion is one saved state of a template. It never changes: campaigns pin it by ID.
type TemplateVersion struct {
	ID        rapport.ID
	Template  rapport.ID
	Key       string
	Version   int             // 1, 2, ...
	Source    string          // as the author wrote it
	Compiled  json.RawMessage // what was made of it at saving
	CreatedAt time.Time
	Archived  time.Time // of the template; zero: it is in use
}

const versionColumns = `v.id, v.template_id, t.key, v.version, v.source, v.compiled, v.created_at, t.archived_at`

func scanVersion(scan func(...any) error) (v TemplateVersion, err error) {
	var compiled string
	var created, archived int64
	err = scan(&v.ID, &v.Template, &v.Key, &v.Version, &v.Source, &compiled, &created, &archived)
	v.Compiled, v.CreatedAt, v.Archived = json.RawMessage(compiled), at(created), at(archived)
	return
}

// SaveTemplate makes source the current version of the template key and returns it. When it is so
// already, that version comes back and created is false.
func (s *Store) SaveTemplate(ctx context.Context, key, source string, compiled json.RawMessage) (v TemplateVersion, created bool, err error) {
	err = s.Tx(ctx, func(s *Store) error {
		created = false
		now := s.Now()
		_, err := s.exec(ctx, `INSERT INTO templates (id, key, created_at, updated_at) VALUES ($1, $2, $3, $3) ON CONFLICT (key) DO NOTHING`, s.NewID(), key, ms(now))
		if err != nil {
			return err
		}
		// Writing the row first makes two authors take turns, so that no version number is given twice.
		if _, err := s.exec(ctx, `UPDATE templates SET updated_at = updated_at WHERE key = $1`, key); err != nil {
			return err
		}
		v, err = s.CurrentTemplate(ctx, key)
		if err != nil && rapport.CodeOf(err) != rapport.CodeNotFound {
			return err
		}
		if err == nil && v.Source == source {
			return nil
		}
		created = true
		v = TemplateVersion{ID: s.NewID(), Key: key, Version: v.Version + 1, Source: source, Compiled: compiled, CreatedAt: now}
		if err := s.row(ctx, `SELECT id FROM templates WHERE key = $1`, key).Scan(&v.Template); err != nil {
			return err
		}
		if _, err := s.exec(ctx, `INSERT INTO template_versions (id, template_id, version, source, compiled, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
			v.ID, v.Template, v.Version, source, string(compiled), ms(now)); err != nil {
			return err
		}
		_, err = s.exec(ctx, `UPDATE templates SET current = $1, updated_at = $2 WHERE id = $3`, v.ID, ms(now), v.Template)
		return err
	})
	if err != nil {
		return TemplateVersion{}, false, fmt.Errorf("saving a template: %w", err)
	}
	return v, created, nil
}

// TemplateVersion finds one version by its id.
func (s *Store) TemplateVersion(ctx context.Context, id rapport.ID) (TemplateVersion, error) {
	v, err := scanVersion(s.row(ctx, `SELECT `+versionColumns+` FROM template_versions v JOIN templates t ON t.id = v.template_id WHERE v.id = $1`, id).Scan)
	return v, missing(err, "template version")
}

// CurrentTemplate finds the newest version of a template.
func (s *Store) CurrentTemplate(ctx context.Context, key string) (TemplateVersion, error) {
	if !storable(key) {
		return TemplateVersion{}, rapport.NotFound("template")
	}
	v, err := scanVersion(s.row(ctx, `SELECT `+versionColumns+` FROM templates t JOIN template_versions v ON v.id = t.current WHERE t.key = $1`, key).Scan)
	return v, missing(err, "template")
}

// Versions lists those of one template, newest first.
func (s *Store) Versions(ctx context.Context, key string, p Page) ([]TemplateVersion, rapport.ID, error) {
	if !storable(key) {
		return []TemplateVersion{}, 0, nil
	}
	rows, err := collect(ctx, s, scanVersion, `SELECT `+versionColumns+` FROM template_versions v JOIN templates t ON t.id = v.template_id
		WHERE t.key = $1 AND v.id < $2 ORDER BY v.id DESC LIMIT $3`, key, p.after(), p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(v TemplateVersion) rapport.ID { return v.ID })
	return out, next, nil
}

// ArchiveTemplate puts a template away, or takes it out again.
func (s *Store) ArchiveTemplate(ctx context.Context, key string, archived bool) error {
	if !storable(key) {
		return rapport.NotFound("template")
	}
	q, args := `UPDATE templates SET archived_at = 0 WHERE key = $1`, []any{key}
	if archived {
		q, args = `UPDATE templates SET archived_at = CASE archived_at WHEN 0 THEN $2 ELSE archived_at END WHERE key = $1`, append(args, ms(s.Now()))
	}
	n, err := s.exec(ctx, q, args...)
	if err == nil && n == 0 {
		return rapport.NotFound("template")
	}
	return err
}

// Templates lists the current version of each template that is in use, or of each that is archived; the newest template first.
func (s *Store) Templates(ctx context.Context, archived bool, p Page) ([]TemplateVersion, rapport.ID, error) {
	rows, err := collect(ctx, s, scanVersion, `SELECT `+versionColumns+` FROM templates t JOIN template_versions v ON v.id = t.current
		WHERE t.id < $1 AND (t.archived_at > 0) = CAST($2 AS BOOLEAN) ORDER BY t.id DESC LIMIT $3`, p.after(), archived, p.Limit+1)
	if err != nil {
		return nil, 0, err
	}
	out, next := pageOf(rows, p.Limit, func(v TemplateVersion) rapport.ID { return v.Template })
	return out, next, nil
}
