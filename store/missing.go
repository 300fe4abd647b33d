package store

import (
	"database/sql"
	"errors"

	"rapport"
)

// missing turns "no rows" into "there is no such <what>" and leaves every other error as it is.
func missing(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return rapport.NotFound(what)
	}
	return err
}
