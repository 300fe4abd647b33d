package gateway

import (
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers/v2"
	"github.com/nyaruka/phonenumbers/v2/timezone"

	"rapport"
)

// zonesOfPhone tells in which zones the owner of a phone number may be: those of its area code where it has one,
// else those of the country, all of them. Other addresses tell nothing.
func zonesOfPhone(a rapport.Address) (zones []*time.Location) {
	if a.Channel != rapport.SMS && a.Channel != rapport.WhatsApp || !strings.HasPrefix(a.Value, "+") {
		return nil
	}
	n, err := phonenumbers.Parse(a.Value, "")
	if err != nil {
		return nil
	}
	names, err := timezone.GetTimeZonesForNumber(n)
	if err != nil || slices.Contains(names, timezone.Unknown) {
		return nil
	}
	for _, name := range names {
		if z, err := zone(name); err == nil {
			zones = append(zones, z)
		}
	}
	return zones
}
