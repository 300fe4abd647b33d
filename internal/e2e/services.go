package e2e

import (
	"os"
	"testing"

	"rapport/store/storetest"
)

// services names a fresh PostgreSQL database and the Redis that make test started. Without them the test
// fails when it must not be left out, and is left out otherwise.
func services(t *testing.T) (database, redis string) {
	t.Helper()
	database, ok := storetest.EmptyPostgres(t)
	redis = os.Getenv("RAPPORT_TEST_REDIS_URL")
	if !ok || redis == "" {
		if os.Getenv("RAPPORT_TEST_REQUIRED") != "" {
			t.Fatal("RAPPORT_TEST_REDIS_URL is not set: run the tests with make test")
		}
		t.Skip("PostgreSQL and Redis are left out; make test starts them")
	}
	return database, redis
}
