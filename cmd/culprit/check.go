// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/bounded"
	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/probe"
)

const checkHelp = `Load configurations, parse every template and query, and show every mistake.

With --prometheus.url every query is asked there, too, with a placeholder for each value that comes from the alert. What returns nothing, or
is refused, is a mistake as well.

With --alertmanager.url the routes that it has now are read: whether culprit hears of alerts at once, and whether anybody is no
longer told because of it. It prints the lines that fix it.`

func addCheck(app *kingpin.Application, commands map[string]command) {
	check := app.Command("check", "Check files without running anything.")
	cmd := check.Command("config", checkHelp)
	files := cmd.Arg("file", "Configuration file.").Required().Strings()
	url := cmd.Flag("prometheus.url", "Prometheus at which every query is tried.").PlaceHolder("URL").String()
	alertmanagers := cmd.Flag("alertmanager.url", "Alertmanager whose routes are judged; repeatable.").PlaceHolder("URL").Strings()
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error {
		routes, err := newRouteCheck(*alertmanagers)
		if err != nil {
			return err
		}
		return checkConfigs(ctx, *files, *url, routes, s)
	}
}

// checkConfigs says of each file what it holds or what is wrong with it.
func checkConfigs(ctx context.Context, files []string, url string, routes *routeCheck, s streams) error {
	if url != "" {
		if _, err := parseURL("--prometheus.url", url); err != nil {
			return err
		}
	}
	var mistakes []error
	for _, file := range files {
		cfg, err := receiver.LoadConfig(file)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		for _, w := range cfg.Warnings {
			fmt.Fprintf(s.err, "warning: %s\n", w)
		}
		asked, err := probeConfig(ctx, cfg, url, s.err)
		if ctx.Err() != nil {
			return errInterrupted
		}
		if errors.Is(err, find.ErrUnreachable) {
			url = "" // once is enough
		}
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		fmt.Fprintf(s.out, "%s: fine, %s%s\n", file, number(len(cfg.Rules), "rule"), asked)
		mistakes = append(mistakes, routes.judge(ctx, cfg, s.out)...)
	}
	if len(mistakes) > 0 {
		return findingError{errors.Join(mistakes...)}
	}
	return nil
}

// probeConfig asks every query of a configuration. The error is what is wrong
// with them.
func probeConfig(ctx context.Context, cfg *config.Config, url string, w io.Writer) (asked string, err error) {
	if url == "" {
		return "", nil
	}
	if cfg.Prometheus.URL, err = parseURL("--prometheus.url", url); err != nil {
		return "", err
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
		fmt.Fprintf(w, "warning: %s; whether there are such alerts is not known\n", err)
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
