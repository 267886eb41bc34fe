// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// Servers are the Prometheus servers of a configuration. Each has a [Fetcher] of its
// own, which holds everything that is kept of a server: connections, the limit
// on queries, the breaker, answers, rules, alerts and storms. So nothing that
// one server was asked answers for another.
type Servers struct {
	conf   config.Servers
	byName map[string]*Fetcher
}

// NewServers returns the servers of a configuration. It doesn't connect. A nil m
// counts nothing.
func NewServers(conf config.Servers, m *Metrics) (*Servers, error) {
	s := &Servers{conf: conf, byName: map[string]*Fetcher{}}
	for _, p := range conf {
		f, err := NewFetcher(p, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Title(), err)
		}
		f.memory.most /= len(conf) // the memory of the daemon is one
		f.book.most /= len(conf)
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

// Firing asks the server of an alert whether it fires there; see [Fetcher.Firing].
// Nobody knows of an alert that belongs to no server.
func (s *Servers) Firing(ctx context.Context, alert model.LabelSet) (known, firing bool, err error) {
	f, err := s.Of(alert)
	if err != nil {
		return false, false, nil
	}
	return f.Firing(ctx, alert)
}

// CloseIdleConnections gives the connections back that nobody uses.
func (s *Servers) CloseIdleConnections() {
	for _, f := range s.byName {
		f.CloseIdleConnections()
	}
}
