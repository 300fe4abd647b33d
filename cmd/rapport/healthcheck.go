package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rapport/config"
)

func (c *cli) healthcheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "healthcheck",
		Short:   "Ask the process of this machine whether it lives (for containers)",
		Long:    `Asks /healthz at metrics.addr or, where that is empty, at http.addr. Silent, and exit code 0, when the process answers.`,
		Example: "  rapport healthcheck || echo it does not answer",
		Args:    cobra.NoArgs,
	}
	load := c.settings(cmd, "http.addr", "metrics.addr")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := load(config.RoleTool)
		if err != nil {
			return err
		}
		addr := cfg.Metrics.Addr
		if addr == "" {
			addr = cfg.HTTP.Addr
		}
		return alive(cmd.Context(), "http://"+reachable(addr)+"/healthz")
	}
	return cmd
}

func alive(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
	return fmt.Errorf("%s answers %s: %s", url, resp.Status, strings.TrimSpace(string(said)))
}
