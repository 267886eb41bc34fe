// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/routes"
)

// routeCheck checks the routes of each Alertmanager once.
type routeCheck struct {
	urls []*config.URL
}

func newRouteCheck(urls []string) (*routeCheck, error) {
	c := &routeCheck{}
	for _, text := range urls {
		u, err := parseURL("--alertmanager.url", text)
		if err != nil {
			return nil, err
		}
		c.urls = append(c.urls, u)
	}
	return c, nil
}

// judge prints what is right and returns what is wrong. It checks the given servers, and if all is
// set those of the configuration.
func (c *routeCheck) judge(ctx context.Context, cfg *config.Config, all bool, w io.Writer) (mistakes []error) {
	urls := c.urls
	c.urls = nil // done, also for further files
	if all {
		for _, am := range cfg.Alertmanagers {
			if !slices.ContainsFunc(urls, func(u *config.URL) bool { return sameServer(u, am.URL) }) {
				urls = append(urls, am.URL)
			}
		}
	}
	for _, u := range urls {
		address, verdict, err := judgeAt(ctx, serverAt(cfg, u))
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		fmt.Fprint(w, said(address, verdict))
		if len(verdict.Problems) > 0 {
			mistakes = append(mistakes, wrong(address, verdict))
		}
	}
	return mistakes
}

// judgeAt reads and checks the routes of one server.
func judgeAt(ctx context.Context, server config.Alertmanager) (address string, v routes.Verdict, err error) {
	client, err := alertmanager.New(server, alertmanager.Options{})
	if err != nil {
		return "", v, err
	}
	address = client.Address()
	status, err := client.Status(ctx)
	if err != nil {
		return address, v, fmt.Errorf("Alertmanager at %s can't be asked for its routes: %w", address, err)
	}
	if strings.TrimSpace(status.Config) == "" {
		return address, v, fmt.Errorf("Alertmanager at %s shows no configuration (look at its routes with its own tools)", address)
	}
	var known routes.Known
	if server.Receiver != "" {
		known.Names = []string{server.Receiver}
	}
	if v, err = routes.Check(status.Config, known); err != nil {
		return address, v, fmt.Errorf("Alertmanager at %s: %w", address, err)
	}
	if server.Receiver != "" && !slices.Contains(v.Receivers, server.Receiver) {
		err = fmt.Errorf("Alertmanager at %s has no receiver %q with a webhook (correct receiver: of this Alertmanager under alertmanagers:)", address, server.Receiver)
	}
	return address, v, err
}

// serverAt returns how to reach a URL: with its settings in the configuration, or else those of the
// first peer.
func serverAt(cfg *config.Config, u *config.URL) config.Alertmanager {
	server := config.Alertmanager{HTTPConfig: commonconfig.DefaultHTTPClientConfig}
	for i, am := range cfg.Alertmanagers {
		if same := sameServer(am.URL, u); same || i == 0 {
			server = am
			if same {
				break
			}
		}
	}
	server.URL = u
	return server
}

func sameServer(a, b *config.URL) bool {
	return strings.TrimSuffix(a.String(), "/") == strings.TrimSuffix(b.String(), "/")
}

// said describes what is right.
func said(address string, v routes.Verdict) string {
	var b strings.Builder
	if v.Routed {
		fmt.Fprintf(&b, "%s: culprit is the receiver %s (%s)\n", address, strings.Join(v.Receivers, ", "), v.How)
	}
	if v.Safe != "" {
		fmt.Fprintf(&b, "%s: nobody is left out because of culprit: %s\n", address, v.Safe)
	}
	return b.String()
}

// wrong describes what is wrong, with the lines that fix it.
func wrong(address string, v routes.Verdict) error {
	var b strings.Builder
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "%s: %s: %s\n", address, p.Kind, p.Text)
	}
	if v.Write != "" {
		fmt.Fprintf(&b, "\nWrite this into the configuration of Alertmanager, and ask again. (Alerts that fire while routes move are sent once more.)\n\n%s", v.Write)
	}
	return errors.New(strings.TrimRight(b.String(), "\n"))
}
