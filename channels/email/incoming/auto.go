package incoming

func (m *Mail) challenges() bool                           { return false }
func (m *Mail) automatic() bool                            { return false }
func (m *Mail) unanswerable() bool                         { return m.Hops > maxHops }
func answers(subject string) bool                          { return false }
func (m *Mail) ChecksBy(authserv string) map[string]string { return nil }
