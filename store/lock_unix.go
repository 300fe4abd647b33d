//go:build unix

package store

import (
	"fmt"
	"os"
	"syscall"
)

// lockFile takes the lock that says "one process uses this SQLite file". The kernel gives it free when
// the process dies, however it dies, so whoever holds it knows that every earlier owner is dead.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w (%s)", ErrLocked, path)
	}
	return f, nil
}
