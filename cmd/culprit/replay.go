// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

const replayHelp = `Explain past alerts, as if culprit had been running.

  culprit replay --from 7d --prometheus.url http://prometheus:9090

The alerts are read from the series ALERTS and ALERTS_FOR_STATE in Prometheus, their expressions from its current rules. Nothing is
written anywhere. Ctrl-C shows the results so far.

  culprit replay --case cases.json --prometheus.url http://prometheus:9090

explains cases written by culprit export again, and compares today's answers with people's feedback on the original ones.`

type replayOptions struct {
	server   *server
	words    []string
	cases    []string
	from, to string
	after    time.Duration
	step     time.Duration
	limit    int
	parallel int
	format   string
}

func addReplay(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("replay", replayHelp)
	o := &replayOptions{server: serverFlags(cmd)}
	cmd.Arg("alert", "Only alerts of this name, or that fit these matchers.").StringsVar(&o.words)
	cmd.Flag("from", "Start of the period: RFC 3339, Unix seconds, or how long ago, such as 7d.").PlaceHolder("TIME").StringVar(&o.from)
	cmd.Flag("case", "File of cases written by culprit export, instead of --from. Repeatable.").PlaceHolder("FILE").ExistingFilesVar(&o.cases)
	cmd.Flag("to", "End of the period. Default: now.").PlaceHolder("TIME").StringVar(&o.to)
	cmd.Flag("after", "How long after it started firing to explain each alert.").Default("1m").DurationVar(&o.after)
	cmd.Flag("step", "Resolution of the search. Alerts that fired for less than this may be missed.").Default("1m").DurationVar(&o.step)
	cmd.Flag("limit", "Maximum number of alerts to explain, spread evenly over all.").Default("200").IntVar(&o.limit)
	cmd.Flag("parallel", "Alerts explained at the same time.").Default("2").IntVar(&o.parallel)
	cmd.Flag("format", "Output format: table, or json with the whole reports.").Default("table").EnumVar(&o.format, "table", "json")
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error { return o.run(ctx, s, time.Now()) }
}

// replayed is the result.
type replayed struct {
	From     time.Time                `json:"from"`
	To       time.Time                `json:"to"`
	Found    int                      `json:"found"` // number of alerts; and of reports, unless there was a limit
	Verdicts map[analysis.Verdict]int `json:"verdicts"`
	Requests int                      `json:"requests"` // to Prometheus
	Seconds  float64                  `json:"seconds"`  // of Prometheus' time
	Reports  []report.Report          `json:"reports"`
	Cases    []compared               `json:"cases,omitempty"` // of --case

	of []report.ReplayCase
}

func (o *replayOptions) run(ctx context.Context, s streams, now time.Time) error {
	if len(o.cases) > 0 {
		return o.again(ctx, s)
	}
	from, to, err := o.span(now)
	if err != nil {
		return usageError{err}
	}
	cfg, err := o.server.load()
	if err != nil {
		return err
	}
	alerts, err := o.alerts(ctx, cfg, from, to)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return ofAsking(err)
	}
	result := replayed{From: from, To: to, Found: len(alerts), Verdicts: map[analysis.Verdict]int{}, Reports: []report.Report{}}
	fmt.Fprintf(s.err, "%s began to fire between %s and %s\n", number(len(alerts), "alert"), from.UTC().Format(timeLayout), to.UTC().Format(timeLayout))
	if len(alerts) > o.limit {
		fmt.Fprintf(s.err, "note: %d of them are explained; --limit raises that\n", o.limit)
		alerts = spread(alerts, o.limit)
	}
	questions := make([]explain.Question, len(alerts))
	for i, a := range alerts {
		questions[i] = explain.QuestionOf(cfg, find.Subject{Alert: a.Alert.Alert, Onset: a.Onset, Now: a.StartsAt.Add(o.after)})
		questions[i].Prometheus = a.prometheus
	}
	return o.show(ctx, s, cfg, questions, &result)
}

// again explains the alerts of cases again.
func (o *replayOptions) again(ctx context.Context, s streams) error {
	if o.from != "" || o.to != "" || len(o.words) > 0 {
		return usageError{errors.New("--case says which alerts are explained; leave --from, --to and names out")}
	}
	cases, err := readCases(o.cases)
	if err != nil {
		return err
	}
	cfg, err := o.server.load()
	if err != nil {
		return err
	}
	questions := make([]explain.Question, len(cases))
	for i, c := range cases {
		questions[i] = questionOf(cfg, c)
	}
	result := &replayed{Found: len(cases), Verdicts: map[analysis.Verdict]int{}, Reports: []report.Report{}, of: cases}
	return o.show(ctx, s, cfg, questions, result)
}

// show answers the questions and prints the result.
func (o *replayOptions) show(ctx context.Context, s streams, cfg *config.Config, questions []explain.Question, result *replayed) error {
	if err := o.explain(ctx, s, cfg, questions, result); err != nil {
		return err
	}
	result.Cases = compare(result.of, result.Reports)
	show := result.print
	if o.format == "json" {
		show = func(w io.Writer) error { return printJSON(w, *result) }
	}
	if err := show(s.out); err != nil {
		return err
	}
	if n := len(result.Reports); n < len(questions) {
		return fmt.Errorf("%w after %d of %s", errInterrupted, n, number(len(questions), "alert"))
	}
	return nil
}

func (o *replayOptions) span(now time.Time) (from, to time.Time, err error) {
	if o.from == "" {
		return from, to, errors.New("required flag(s) '--from' not provided; hint: say from when on, such as --from 7d, or name cases with --case")
	}
	if from, err = find.Time(o.from, now); err != nil {
		return from, to, err
	}
	if to, err = find.Time(o.to, now); err != nil {
		return from, to, err
	}
	if to.IsZero() {
		to = now
	}
	switch {
	case !from.Before(to):
		err = fmt.Errorf("--from %s is not before --to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case o.step < time.Second || o.limit < 1 || o.parallel < 1 || o.after < 0:
		err = errors.New("--step must be a second or more, --limit and --parallel 1 or more, and --after not negative")
	}
	return from.UTC().Truncate(time.Second), to.UTC().Truncate(time.Second), err
}

// alerts returns the alerts that each Prometheus recorded, earliest first.
func (o *replayOptions) alerts(ctx context.Context, cfg *config.Config, from, to time.Time) (all []remembered, err error) {
	ms, err := find.Matchers(o.words)
	if err != nil {
		return nil, err
	}
	for _, server := range cfg.Prometheus {
		found, err := o.of(ctx, server, ms, from, to)
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			if len(ms) > 0 || cfg.RuleFor(a.Labels) != nil { // explicitly requested alerts are explained even if the daemon would not
				all = append(all, remembered{a, server.Name})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b remembered) int { return a.StartsAt.Compare(b.StartsAt) })
	return all, nil
}

// remembered is a past alert, with the name of its Prometheus.
type remembered struct {
	find.Alert
	prometheus string
}

// of returns the alerts recorded by one Prometheus.
func (o *replayOptions) of(ctx context.Context, server config.Prometheus, ms labels.Matchers, from, to time.Time) ([]find.Alert, error) {
	finder, err := find.New(server)
	if err != nil {
		return nil, err
	}
	defer finder.Close()
	return finder.Between(ctx, ms, from, to, o.step)
}

// spread selects n alerts, evenly.
func spread(alerts []remembered, n int) []remembered {
	kept := make([]remembered, n)
	for i := range kept {
		kept[i] = alerts[i*len(alerts)/n]
	}
	return kept
}

// explain explains every alert, or as many as possible until ctx ends. The reports are in the order
// of the alerts.
func (o *replayOptions) explain(ctx context.Context, s streams, cfg *config.Config, questions []explain.Question, result *replayed) error {
	registry := prometheus.NewRegistry()
	servers, err := promql.NewServers(cfg.Prometheus, promql.NewMetrics(registry))
	if err != nil {
		return err
	}
	p := &progress{w: s.err, total: len(questions), start: time.Now(), cost: func() string { return costOf(registry) }, rewrites: isTerminal(s.err)}
	reports := make([]*report.Report, len(questions))
	var g errgroup.Group
	g.SetLimit(o.parallel)
	for i, q := range questions {
		g.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			r := explain.ReportBy(ctx, servers, q)
			if ctx.Err() != nil {
				return nil // it only says that time is up
			}
			reports[i] = &r
			p.done(string(q.Alert.Labels[model.AlertNameLabel]))
			return nil
		})
	}
	_ = g.Wait() // errors are part of the reports
	p.end()
	for _, r := range reports {
		if r != nil {
			result.Reports = append(result.Reports, *r)
			result.Verdicts[r.Result.Verdict]++
		}
	}
	result.Requests, result.Seconds = spent(registry)
	return nil
}

func (r replayed) print(w io.Writer) error {
	if len(r.of) > 0 {
		return printCompared(w, r.Cases)
	}
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "FIRED\tALERT\tVERDICT\tANSWER")
	for _, one := range r.Reports {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", one.Alert.StartsAt.UTC().Format(timeLayout), one.Name(), one.Result.Verdict, one.Summary)
	}
	_ = t.Flush() // writing to a buffer can't fail
	fmt.Fprintln(&text)
	if len(r.Reports) == 0 {
		text.Reset()
	}
	if r.Found == 0 {
		text.WriteString("no alert began to fire\n")
	}
	for _, v := range report.Verdicts() {
		if n := r.Verdicts[v]; n > 0 {
			fmt.Fprintf(&text, "%d of %d: %s\n", n, len(r.Reports), v)
		}
	}
	_, err := w.Write(trimLines(text.Bytes()))
	return err
}
