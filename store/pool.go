package store

import "database/sql"

// Pools tells how busy the connections are, for metrics: "write" and "read" of SQLite, "all" of PostgreSQL.
func (s *Store) Pools() map[string]sql.DBStats {
	if s.read == s.db {
		return map[string]sql.DBStats{"all": s.db.Stats()}
	}
	return map[string]sql.DBStats{"write": s.db.Stats(), "read": s.read.Stats()}
}
