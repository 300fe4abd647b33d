package gateway

import (
	"context"
	"time"
)

// setUpTime is how long a provider may take to be set up.
const setUpTime = 30 * time.Second

// SetUpProviders proves the logins of all providers that can, and arranges what they want arranged, side by
// side and in the background. One that cannot be reached stops nobody: its messages are tried all the same,
// and rapport doctor says what to mend.
func (g *Gateway) SetUpProviders(ctx context.Context) {
	for _, p := range g.Hub.All() {
		s, ok := p.Setup()
		if !ok {
			continue
		}
		g.spawn(func() {
			limited, cancel := context.WithTimeout(ctx, setUpTime)
			defer cancel()
			if err := s.Setup(limited); err != nil && ctx.Err() == nil {
				g.Log.Warn("a provider could not be set up; rapport doctor says what to mend", "provider", p.Entry().Name, "error", err)
			}
		})
	}
}
