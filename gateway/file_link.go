package gateway

import (
	"context"
	"time"

	"rapport"
	"rapport/channels"
	"rapport/store"
)

// FileLimits are what files one message may carry, by channel; none on a channel that is not there.
type FileLimits map[rapport.Channel]channels.FileLimit

// FileLimits tells what answers in a thread may carry.
func (g *Gateway) FileLimits(ctx context.Context, thread rapport.ID) (FileLimits, error) {
	sandbox, err := g.cameBySandbox(ctx, g.Store, thread)
	return g.fileLimits(sandbox), err
}

// fileLimits are those of the channels' providers: of several of one channel the most generous counts, since what the first
// does not take goes by the next.
func (g *Gateway) fileLimits(sandbox bool) FileLimits {
	out := FileLimits{}
	for _, ch := range rapport.Channels {
		for _, p := range g.Hub.Route(ch, sandbox) {
			if limit, ok := p.Caps().Files[ch]; ok && limit.Bytes > out[ch].Bytes {
				limit.Bytes = min(limit.Bytes, maxAttachments)
				out[ch] = limit
			}
		}
	}
	return out
}

// linkedDays is how many days the link to a file works that a provider is to fetch. A provider does so when it sends,
// which the longest queue of theirs delays by hours.
const linkedDays = 3

// fileLink is where a provider can fetch a file of ours; "" while nobody can reach us.
func (g *Gateway) fileLink(file rapport.ID) string {
	if g.set.PublicURL == "" {
		return ""
	}
	return g.link("/f/", useFile, file, dayOf(g.now()))
}

// LinkedFile is the file that a link from fileLink leads to.
func (g *Gateway) LinkedFile(ctx context.Context, token string) (rapport.File, error) {
	id, day, ok := g.readToken(useFile, token)
	if age := dayOf(g.now()) - day; !ok || age < 0 || age >= linkedDays {
		return rapport.File{}, rapport.NotFound("file")
	}
	f, err := g.Store.File(ctx, id)
	if err == nil && !f.Complete {
		err = rapport.NotFound("file")
	}
	return f, err
}

// dayOf counts days since 1970; two bytes hold them until the year 2149.
func dayOf(t time.Time) int { return int(t.Unix() / 86400) }

// canText takes back that a number is a fixed line: a text message has come from it.
func canText(ctx context.Context, s *store.Store, u *arrival, w *writer) error {
	if u.page != nil || u.Message.Channel != rapport.SMS || w.address.Off != landlineReason {
		return nil
	}
	w.address.Off = ""
	return s.SwitchAddress(ctx, w.address.ID, "")
}
