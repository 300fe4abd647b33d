package main

import (
	"context"
	"syscall"
	"time"

	"rapport/api"
)

// around tells what the program sees of its machine.
func (a *App) around(ctx context.Context) api.Surroundings {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s := api.Surroundings{Queue: "redis", QueueErr: a.queue.Ping(ctx), HintsLost: a.queue.Lost()}
	if a.redis != nil {
		s.Queue = "embedded"
	}
	var fs syscall.Statfs_t
	if syscall.Statfs(a.Config.DataDir, &fs) == nil {
		block := uint64(fs.Bsize)
		s.DiskFree, s.DiskTotal = int64(fs.Bavail*block), int64(fs.Blocks*block)
	}
	return s
}
