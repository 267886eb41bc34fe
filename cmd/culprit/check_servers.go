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

// probe asks every query of a configuration, if a server is to be asked. The
// error is what is wrong with them.
func (c *configCheck) probe(ctx context.Context, cfg *config.Config) (asked string, err error) {
	switch {
	case c.url != "":
		if cfg.Prometheus.URL, err = parseURL("--prometheus.url", c.url); err != nil {
			return "", err
		}
	case !c.servers:
		return "", nil
	}
	client, err := bounded.New(cfg.Prometheus)
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	finder, err := find.New(cfg.Prometheus)
	if err != nil {
		return "", err
	}
	defer finder.Close()
	if err := finder.Reach(ctx); err != nil {
		return "", err
	}
	rules, err := finder.Rules(ctx)
	if err != nil {
		fmt.Fprintf(c.err, "warning: %s; whether there are such alerts is not known\n", err)
	}
	p := probe.Probe{API: client.API(), Alerting: rules, Now: time.Now(), Parallel: cfg.Prometheus.MaxConcurrentQueries}
	found, n, err := p.Run(ctx, cfg)
	if err == nil && len(found) > 0 {
		err = config.Errors(found)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(", %s answered", number(n, "question")), nil
}

// askServers asks Grafana and connects to the hooks of a configuration. It
// prints who answers and returns who does not.
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

// askGrafana reads an annotation, which only a Grafana gives, and only to those
// whose token may.
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
