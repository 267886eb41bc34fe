// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/config/outgoing"
	"github.com/culprit-dev/culprit/promql/bounded"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/grafana"
	"github.com/culprit-dev/culprit/receiver/probe"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// probe runs every query of a configuration, if wanted, and says how many were answered.
func (c *configCheck) probe(ctx context.Context, cfg *config.Config) (asked string, wrong []error) {
	if c.url == "" && !c.servers {
		return "", nil
	}
	if err := choose(cfg, c.name, c.url); err != nil {
		return "", []error{err}
	}
	p := probe.Probe{Servers: cfg.Prometheus, Now: time.Now(), Parallel: cfg.Prometheus[0].MaxConcurrentQueries}
	listed := true
	for _, server := range cfg.Prometheus {
		lists, err := c.reach(ctx, server, &p)
		if err != nil && server.Name != "" {
			err = fmt.Errorf("prometheus %q: %w", server.Name, err)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
		listed = listed && lists
	}
	if len(wrong) > 0 {
		return "", wrong
	}
	if !listed {
		p.Alerting = nil // incomplete ones would say wrong things
	}
	found, n, err := p.Run(ctx, cfg)
	if err == nil && len(found) > 0 {
		err = config.Errors(found)
	}
	if err != nil {
		return "", []error{err}
	}
	return fmt.Sprintf(", %s answered", number(n, "question")), nil
}

// reach adds a server to a probe if it answers. lists means that it lists its rules.
func (c *configCheck) reach(ctx context.Context, server config.Prometheus, p *probe.Probe) (lists bool, err error) {
	client, err := bounded.New(server)
	if err != nil {
		return false, err
	}
	finder, err := find.New(server)
	if err != nil {
		return false, err
	}
	defer finder.Close()
	if err := finder.Reach(ctx); err != nil {
		return false, err
	}
	p.APIs = append(p.APIs, client.API())
	rules, err := finder.Rules(ctx)
	if err != nil {
		fmt.Fprintf(c.err, "warning: %s; whether there are such alerts is not known\n", err)
		return false, nil
	}
	p.Alerting = append(p.Alerting, rules...)
	return true, nil
}

// askServers connects to the Grafana and the hooks of a configuration. It prints which answer, and
// returns those that don't.
func askServers(ctx context.Context, cfg *config.Config, w io.Writer) (wrong []error) {
	note := func(address string, err error) {
		if err != nil {
			wrong = append(wrong, oneLine(err))
			return
		}
		fmt.Fprintf(w, "%s: answers\n", address)
	}
	if g := cfg.Grafana; g != nil {
		note(g.URL.String(), askGrafana(ctx, *g))
	}
	for _, h := range cfg.RecoveryWebhooks {
		note(h.URL.String(), reachHook(ctx, h))
	}
	return wrong
}

// askGrafana reads an annotation, which only a Grafana returns, and only to a permitted token.
func askGrafana(ctx context.Context, conf config.Grafana) error {
	client, err := grafana.New(conf)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	_, err = client.Find(ctx, grafana.Query{Limit: 1})
	if remote.ReasonOf(err) == remote.Malformed {
		return fmt.Errorf("%s answers with something that is not a list of annotations (is grafana.url right?)", conf.URL)
	}
	return err
}

func reachHook(ctx context.Context, conf config.RecoveryWebhook) error {
	ctx, cancel := context.WithTimeout(ctx, remote.DefaultTimeout)
	defer cancel()
	if err := outgoing.Reach(ctx, conf.URL.Reveal(), conf.HTTPConfig); err != nil {
		return fmt.Errorf("the hook at %s does not answer: %w (is it up, and is the address right?)", conf.URL, err)
	}
	return nil
}
