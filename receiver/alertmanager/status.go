// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// Status is a server's status.
type Status struct {
	Version string // may be empty
	// ResolveTimeout is how long an alert posted without an end lives; 0 if unknown.
	ResolveTimeout time.Duration
	// GroupWaits are the distinct group_wait values of the routes, ascending.
	GroupWaits []time.Duration
	Config     string // the configuration as YAML, without secrets
}

type statusJSON struct {
	VersionInfo struct {
		Version string `json:"version"`
	} `json:"versionInfo"`
	Config struct {
		Original string `json:"original"`
	} `json:"config"`
}

// Alertmanager's defaults.
const (
	defaultResolveTimeout = 5 * time.Minute
	defaultGroupWait      = 30 * time.Second
)

// Status reads the server's version and configuration.
func (c *Client) Status(ctx context.Context) (Status, error) {
	read, err := get[statusJSON](ctx, c, "read the status", "/api/v2/status", nil)
	if err != nil {
		return Status{}, err
	}
	answer := read.value
	s := Status{Version: answer.VersionInfo.Version, Config: answer.Config.Original}
	s.ResolveTimeout, s.GroupWaits = times(answer.Config.Original)
	return s, nil
}

// times extracts the resolve timeout and the group_wait values from a configuration.
func times(original string) (resolve time.Duration, waits []time.Duration) {
	var conf struct {
		Global *struct {
			ResolveTimeout model.Duration `yaml:"resolve_timeout"`
		} `yaml:"global"`
		Route *routeTimes `yaml:"route"`
	}
	if err := yaml.Unmarshal([]byte(original), &conf); err != nil || conf.Route == nil {
		return 0, nil
	}
	waits = conf.Route.waits(defaultGroupWait, nil)
	slices.Sort(waits)
	waits = slices.Compact(waits)
	if conf.Global == nil || conf.Global.ResolveTimeout == 0 {
		return defaultResolveTimeout, waits
	}
	return time.Duration(conf.Global.ResolveTimeout), waits
}

// routeTimes is the timing of a route.
type routeTimes struct {
	GroupWait *model.Duration `yaml:"group_wait"`
	Routes    []routeTimes    `yaml:"routes"`
}

// waits appends the group_wait of a route and of all below it, which inherit it.
func (r *routeTimes) waits(above time.Duration, all []time.Duration) []time.Duration {
	if r.GroupWait != nil {
		above = time.Duration(*r.GroupWait)
	}
	all = append(all, above)
	for _, below := range r.Routes {
		all = below.waits(above, all)
	}
	return all
}
