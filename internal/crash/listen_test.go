package crash_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// listen serves on the loopback interface until the test ends.
func listen(t *testing.T, serve http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(serve)
	t.Cleanup(s.Close)
	return s.URL
}
