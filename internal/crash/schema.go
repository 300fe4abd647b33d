package crash

import (
	"context"
	"os/exec"
	"time"
)

// Newer makes the database look as if a newer binary had migrated it, or takes that back.
func (h *Harness) Newer(ctx context.Context, on bool) error {
	db, err := h.database()
	if err != nil {
		return err
	}
	defer db.Close()
	q := `DELETE FROM goose_db_version WHERE version_id = 99999`
	if on {
		q = `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`
	}
	_, err = db.ExecContext(ctx, q)
	return err
}

// Halt kills every process.
func (h *Harness) Halt() {
	for _, p := range h.procs {
		p.kill()
	}
}

// Again starts every process again, until it is ready.
func (h *Harness) Again(ctx context.Context) error {
	for _, p := range h.procs {
		if err := p.start(); err != nil {
			return err
		}
	}
	for _, p := range h.procs {
		if err := p.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Try runs the binary in a role that it should refuse, and returns what it said. It is killed after a while.
func (h *Harness) Try(ctx context.Context, role string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.Bin, role, "--config", h.config())
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
