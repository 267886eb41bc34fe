// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kingpin/v2"
	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

const explainHelp = `Explain an alert, now or at a time in the past, or any expression without an alert.

Select the alert by name, by matchers, or both:

  culprit explain CheckoutErrors 'service="cart"' --prometheus.url http://prometheus:9090
  culprit explain CheckoutErrors --at 2h             two hours ago
  culprit explain CheckoutErrors --at 3h --until 2h  between two times, whether it fired or not
  culprit explain --expr 'sum(rate(errors_total[5m])) > 3'

Nothing is written anywhere unless --publish is given.`

// explainOptions are the flags of explain.
type explainOptions struct {
	server       *server
	words        []string // name and matchers of the alert
	expr         string
	at, until    string
	alertmanager string
	publish      bool
	queries      bool
	format       string
}

func addExplain(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("explain", explainHelp)
	o := &explainOptions{server: serverFlags(cmd)}
	cmd.Arg("alert", "Name of the alert, or matchers such as 'service=~\"cart|checkout\"'.").StringsVar(&o.words)
	cmd.Flag("expr", "PromQL to explain as if it were an alert's expression.").PlaceHolder("EXPR").StringVar(&o.expr)
	cmd.Flag("at", "Time to explain: RFC 3339, Unix seconds, or how long ago, such as 2h. With --until, the start of the period.").
		PlaceHolder("TIME").StringVar(&o.at)
	cmd.Flag("until", "End of the period to explain.").PlaceHolder("TIME").StringVar(&o.until)
	cmd.Flag("alertmanager.url", "Take the alert from this Alertmanager.").PlaceHolder("URL").StringVar(&o.alertmanager)
	cmd.Flag("publish", "Write the causes to the alert and its silences in Alertmanager, as the daemon does.").BoolVar(&o.publish)
	cmd.Flag("queries", "Show every query.").BoolVar(&o.queries)
	cmd.Flag("format", "Output format: table, or json for the whole report.").Default("table").EnumVar(&o.format, "table", "json")
	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error { return o.run(ctx, s) }
}

func (o *explainOptions) run(ctx context.Context, s streams) error {
	ask, err := o.ask(time.Now())
	if err != nil {
		return usageError{err}
	}
	cfg, err := o.server.load()
	if err != nil {
		return err
	}
	peers, err := o.peers(cfg)
	if err != nil {
		return err
	}
	subject, server, err := o.subject(ctx, cfg, peers, ask)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return ofAsking(err)
	}
	n, err := newNarrator(server, s.err)
	if err != nil {
		return err
	}
	n.subject(subject)
	question := explain.QuestionOf(cfg, subject)
	question.Prometheus = server.Name
	r := explain.Report(ctx, n, question)
	n.done(r)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if o.publish {
		r.Sent = receiver.Publish(ctx, cfg, peers, n.fetcher, r)
		n.sent(r.Sent)
	}
	return o.print(s.out, r)
}

// ask parses the question.
func (o *explainOptions) ask(now time.Time) (find.Ask, error) {
	ask := find.Ask{Expr: o.expr}
	var err error
	if ask.Matchers, err = find.Matchers(o.words); err != nil {
		return ask, err
	}
	if ask.At, err = find.Time(o.at, now); err != nil {
		return ask, err
	}
	if ask.Until, err = find.Time(o.until, now); err != nil {
		return ask, err
	}
	switch {
	case len(o.words) == 0 && o.expr == "":
		return ask, errors.New("name an alert to explain, or give an expression with --expr")
	case o.fromAlertmanager() && o.expr != "":
		return ask, errors.New("an expression is in no Alertmanager: leave out --alertmanager.url and --publish, or --expr")
	case o.fromAlertmanager() && (o.at != "" || o.until != ""):
		return ask, errors.New("Alertmanager knows nothing of the past: leave out --alertmanager.url and --publish, or --at and --until")
	}
	return ask, nil
}

func (o *explainOptions) fromAlertmanager() bool { return o.alertmanager != "" || o.publish }

// peers are the Alertmanagers named by flags or configuration.
func (o *explainOptions) peers(cfg *config.Config) ([]*alertmanager.Client, error) {
	if o.alertmanager != "" {
		u, err := parseURL("--alertmanager.url", o.alertmanager)
		if err != nil {
			return nil, err
		}
		cfg.Alertmanagers = []config.Alertmanager{{URL: u, HTTPConfig: commonconfig.DefaultHTTPClientConfig}}
	}
	if o.publish && len(cfg.Alertmanagers) == 0 {
		return nil, usageError{errors.New("--publish needs to know where: give --alertmanager.url, or a --config.file with alertmanagers")}
	}
	var peers []*alertmanager.Client
	for _, am := range cfg.Alertmanagers {
		peer, err := alertmanager.New(am, alertmanager.Options{})
		if err != nil {
			return nil, fmt.Errorf("alertmanager %s: %w", am.URL, err)
		}
		peers = append(peers, peer)
	}
	return peers, nil
}

// subject finds what to explain, and the Prometheus to query.
func (o *explainOptions) subject(ctx context.Context, cfg *config.Config, peers []*alertmanager.Client, ask find.Ask) (find.Subject, *config.Prometheus, error) {
	if o.fromAlertmanager() {
		s, err := find.InAlertmanager(ctx, peers, ask.Matchers, time.Now())
		if err != nil {
			return s, nil, err
		}
		server, err := cfg.Prometheus.Of(s.Alert.Labels) // from Alertmanager, so all labels are known
		return s, server, err
	}
	server, err := ask.Server(cfg.Prometheus)
	if err != nil {
		return find.Subject{}, nil, err
	}
	finder, err := find.New(*server)
	if err != nil {
		return find.Subject{}, nil, err
	}
	defer finder.Close()
	s, err := finder.Resolve(ctx, ask, time.Now())
	return s, server, err
}

// ofAsking makes a usage error of an unclear question.
func ofAsking(err error) error {
	if errors.Is(err, find.ErrUnclear) {
		return usageError{err}
	}
	return err
}

func (o *explainOptions) print(w io.Writer, r report.Report) error {
	if o.format == "json" {
		return printJSON(w, r)
	}
	return printReport(w, r, o.queries)
}

// printJSON prints an indented value.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printJSONLine prints a value on one line.
func printJSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
