package gateway

import (
	"github.com/nyaruka/phonenumbers/v2"

	"rapport"
)

// replyChannel is where an answer goes: where it says, else where the thread began. A call is answered by a call, so who
// writes in a thread that began with one says where.
func replyChannel(t rapport.Thread, wanted rapport.Channel) (rapport.Channel, error) {
	switch {
	case wanted != "":
		return wanted, nil
	case t.Channel == rapport.Phone:
		return "", rapport.Invalid("channel", "is required: this thread began with a call; name a channel on which the customer can be written to, such as sms, or call them")
	}
	return t.Channel, nil
}

// landlineReason is why an address is off that is a landline's number.
const landlineReason = "landline"

// landline tells whether a number in E.164 can be called and not texted. Where a country's numbers do not show it (+1) it
// may well be a mobile one.
func landline(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	return err == nil && phonenumbers.GetNumberType(n) == phonenumbers.FIXED_LINE
}
