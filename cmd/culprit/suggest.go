// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/suggest"
)

const suggestHelp = `Suggest rules to start from, derived from your alerting rules.

  culprit suggest --prometheus.url http://prometheus:9090 > rules.yml
  culprit suggest --rules alerts.yml more.yml          without a server

Files are Prometheus rule files or PrometheusRule objects. If you also name a server, its labels and candidates are used.

--format json prints an array with one object per alerting rule. Every string is PromQL that can be queried:

  alert, expr       those of the rule
  kind              additive, ratio, mean, quantile, extremum, age, change, presence or other
  target            what is measured; the alert fires where "target operator threshold" and its guards hold
  operator          >, >=, <, <=, == or !=; reversed if the rule has the threshold on its left
  threshold         a number, or PromQL that returns a scalar; if two series are compared, the target is their difference and this is 0
  numerator,        ratio, mean: the target is numerator / denominator before rounding and clamping, including 100 * and 1 - a/b;
  denominator       quantile: the events beyond the threshold, and all events; else empty
  condition         the comparison, its guards and every other branch of an "or": it returns series exactly where the alert fires
  error             why nothing can be measured; only alert and expr are set then

The exit status is 0 even if some rules measure nothing.`

type suggestOptions struct {
	server *server
	files  fileNames
	format string
}

func addSuggest(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("suggest", suggestHelp)
	o := &suggestOptions{server: serverFlags(cmd)}
	cmd.Flag("rules", "File with alerting rules, instead of the server's rules.").PlaceHolder("FILE").SetValue(&o.files)
	cmd.Arg("file", "Additional files with alerting rules.").SetValue(&o.files)
	cmd.Flag("format", "Output format: yaml, a rule file to edit, or json, an array of what was derived from each rule.").Default("yaml").EnumVar(&o.format, "yaml", "json")
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error { return o.run(ctx, s) }
}

func (o *suggestOptions) run(ctx context.Context, s streams) error {
	rules, source, err := o.rules(ctx, s.in)
	if err != nil {
		return err
	}
	entries := make([]suggest.Entry, len(rules))
	for i, r := range rules {
		entries[i] = suggest.New(r)
	}
	tell(s.err, entries)
	if o.format == "json" {
		list := make([]promql.Suggestion, len(rules))
		for i, r := range rules {
			list[i] = promql.Suggest(r)
		}
		return printJSON(s.out, list)
	}
	if o.asks() {
		if err := o.look(ctx, s.err, rules, entries); err != nil {
			return err
		}
	}
	return suggest.Write(s.out, source, entries)
}

func (o *suggestOptions) asks() bool { return o.server.url != "" || o.server.configFile != "" }

// rules reads rules from files or the server.
func (o *suggestOptions) rules(ctx context.Context, stdin io.Reader) (rules []promql.AlertingRule, source string, err error) {
	if len(o.files) == 0 && !o.asks() {
		return nil, "", usageError{errors.New("no rules to read: give --rules FILE, or --prometheus.url")}
	}
	if len(o.files) == 0 {
		return o.rulesOfServer(ctx)
	}
	for _, file := range o.files {
		more, err := readInput(file, stdin, func(r io.Reader) ([]promql.AlertingRule, error) { return promql.ReadAlertingRules("alerting rules", r) })
		if err != nil {
			return nil, "", err
		}
		rules = append(rules, more...)
	}
	if len(o.files) > 3 {
		return rules, number(len(o.files), "file"), nil
	}
	return rules, strings.Join(o.files, ", "), nil
}

func (o *suggestOptions) rulesOfServer(ctx context.Context) (rules []promql.AlertingRule, source string, err error) {
	cfg, err := o.server.load()
	if err != nil {
		return nil, "", err
	}
	server, err := only(cfg)
	if err != nil {
		return nil, "", err
	}
	finder, err := find.New(*server)
	if err != nil {
		return nil, "", err
	}
	defer finder.Close()
	list, err := finder.Rules(ctx)
	for _, r := range list {
		labels := map[string]string{}
		for name, v := range r.Labels {
			labels[string(name)] = string(v)
		}
		rules = append(rules, promql.AlertingRule{Alert: r.Name, Expr: r.Query, Labels: labels})
	}
	return rules, server.Asked(), err
}

// tell prints how many rules could be analysed, and why the others could not.
func tell(w io.Writer, entries []suggest.Entry) {
	derived := 0
	for _, e := range entries {
		if e.Err == nil {
			derived++
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", e.Alert, e.Err)
	}
	if len(entries) == 0 {
		fmt.Fprintln(w, "there are no alerting rules (name rule files of Prometheus, or the server that evaluates them)")
		return
	}
	fmt.Fprintf(w, "the KPI of %d of %s could be derived\n", derived, number(len(entries), "alerting rule"))
}

// look surveys the server for each entry.
func (o *suggestOptions) look(ctx context.Context, w io.Writer, rules []promql.AlertingRule, entries []suggest.Entry) error {
	cfg, err := o.server.load()
	if err != nil {
		return err
	}
	server, err := only(cfg)
	if err != nil {
		return err
	}
	fetcher, err := promql.NewFetcher(*server, nil)
	if err != nil {
		return err
	}
	start := time.Now()
	var g errgroup.Group
	g.SetLimit(server.MaxConcurrentQueries)
	for i := range entries {
		g.Go(func() error {
			entries[i].Look(ctx, fetcher, rules[i], cfg.Candidates, start)
			return ctx.Err()
		})
	}
	err = g.Wait()
	fmt.Fprintf(w, "asked %s what there is for them (%s)\n", server.Asked(), took(start))
	return err
}
