// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// Servers are the configured Prometheus servers. Each has its own [Fetcher] with all state of a
// server: connections, the limit on queries, the breaker, answers, rules, alerts and storms. So
// no server's answer is used for another.
type Servers struct {
	conf   config.Servers
	byName map[string]*Fetcher
}

// NewServers returns the servers of a configuration. It doesn't connect. A nil m counts
// nothing.
func NewServers(conf config.Servers, m *Metrics) (*Servers, error) {
	s := &Servers{conf: conf, byName: map[string]*Fetcher{}}
	for _, p := range conf {
		f, err := NewFetcher(p, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Title(), err)
		}
		f.memory.most /= len(conf) // the servers share the memory limit
		f.ruleMemory.most /= len(conf)
		s.byName[p.Name] = f
	}
	return s, nil
}

// Of returns the server of an alert; see [config.Servers.Of].
func (s *Servers) Of(alert model.LabelSet) (*Fetcher, error) { return s.fetcher(s.conf.Of(alert)) }

// Named returns the server of a name; see [config.Servers.Named].
func (s *Servers) Named(name string) (*Fetcher, error) { return s.fetcher(s.conf.Named(name)) }

func (s *Servers) fetcher(p *config.Prometheus, err error) (*Fetcher, error) {
	if err != nil {
		return nil, err
	}
	return s.byName[p.Name], nil
}

// Firing asks the alert's server whether it fires there; see [Fetcher.Firing]. An alert that
// belongs to no server is unknown.
func (s *Servers) Firing(ctx context.Context, alert model.LabelSet) (known, firing bool, err error) {
	f, err := s.Of(alert)
	if err != nil {
		return false, false, nil
	}
	return f.Firing(ctx, alert)
}

// CloseIdleConnections closes the connections that are not in use.
func (s *Servers) CloseIdleConnections() {
	for _, f := range s.byName {
		f.CloseIdleConnections()
	}
}
