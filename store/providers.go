package store

import (
	"context"
	"time"

	"rapport"
)

// StoredProvider is a provider entry that came through the API, not from the configuration file.
type StoredProvider struct {
	Name      string
	Driver    string
	Channel   rapport.Channel
	Priority  int     // lower first
	Rate      float64 // messages a second; 0: no limit of ours
	Settings  string  // sealed by the caller; the store does not read it
	Version   int64   // grows with every change, so that a process sees that its connection is stale
	UpdatedAt time.Time
}

const providerColumns = `name, driver, channel, priority, rate, settings, version, updated_at`

func scanProvider(scan func(...any) error) (p StoredProvider, err error) {
	var updated int64
	err = scan(&p.Name, &p.Driver, &p.Channel, &p.Priority, &p.Rate, &p.Settings, &p.Version, &updated)
	p.UpdatedAt = at(updated)
	return
}

// Providers lists all of them by name.
func (s *Store) Providers(ctx context.Context) ([]StoredProvider, error) {
	return collect(ctx, s, scanProvider, `SELECT `+providerColumns+` FROM providers ORDER BY name`)
}

// Provider finds one.
func (s *Store) Provider(ctx context.Context, name string) (StoredProvider, error) {
	if !storable(name) {
		return StoredProvider{}, rapport.NotFound("provider")
	}
	p, err := scanProvider(s.row(ctx, `SELECT `+providerColumns+` FROM providers WHERE name = $1`, name).Scan)
	return p, missing(err, "provider")
}

// PutProvider creates or replaces one. Its Version is a new id, so that it differs even from that of a
// provider of this name that was deleted before.
func (s *Store) PutProvider(ctx context.Context, p StoredProvider) error {
	_, err := s.exec(ctx, `INSERT INTO providers (`+providerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (name) DO UPDATE SET driver = excluded.driver, channel = excluded.channel, priority = excluded.priority, rate = excluded.rate,
		settings = excluded.settings, version = excluded.version, updated_at = excluded.updated_at`,
		p.Name, p.Driver, string(p.Channel), p.Priority, p.Rate, p.Settings, s.NewID(), ms(s.Now()))
	return err
}

// DeleteProvider removes one.
func (s *Store) DeleteProvider(ctx context.Context, name string) error {
	n, err := s.exec(ctx, `DELETE FROM providers WHERE name = $1`, name)
	if err == nil && n == 0 {
		return rapport.NotFound("provider")
	}
	return err
}
