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
		s.DiskFree, s.DiskTotal = int64(fs.Bavail)*int64(fs.Bsize), int64(fs.Blocks)*int64(fs.Bsize)
	}
	return s
}
