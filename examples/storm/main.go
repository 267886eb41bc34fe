// SPDX-License-Identifier: Apache-2.0

// Storm fires many different alerts within seconds and measures how culprit copes.
//
//	go run ./examples/storm
//	go run ./examples/storm --alerts 200 --within 2s
//	go run ./examples/storm --alerts 5000 --group 5000 --max-memory 400
//	go run ./examples/storm --alerts 5000 --group 10 --max-memory 400
//
// With --group that many alerts form one group, and Alertmanager waits until all of it fire: they
// come in one message.
//
// The alerts are real: a rule of the lab's Prometheus fires on one series after the other, the
// lab's Alertmanager sends a webhook for each, and culprit, compiled and run as a separate process,
// queries that Prometheus for two days of a shop's metrics about each one. All servers share the
// machine, so the times are those of a small box that runs everything; the memory is culprit's
// alone.
//
// It prints a table and exits with 1 if an alert has no report or two, or if culprit needs more
// memory than --max-memory.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are those of the command line.
type options struct {
	alerts  int
	group   int // alerts in one group; 1: each is one of its own
	within  time.Duration
	limit   time.Duration
	memory  int64 // MB
	binary  string
	workers int
	seed    uint64
	history time.Duration // of the shop
}

func parse(args []string) (o options, err error) {
	app := kingpin.New("storm", "Lets many alerts fire at once and measures what culprit makes of them.")
	app.HelpFlag.Short('h')
	app.Flag("alerts", "How many different alerts fire.").Default("1000").IntVar(&o.alerts)
	app.Flag("group", "How many of them are one alert group, which comes in one message.").Default("1").IntVar(&o.group)
	app.Flag("within", "In which time.").Default("10s").DurationVar(&o.within)
	app.Flag("limit", "How long to wait for the last report.").Default("10m").DurationVar(&o.limit)
	app.Flag("max-memory", "The most memory that culprit may need, in MB.").Default("300").Int64Var(&o.memory)
	app.Flag("culprit", "A culprit that is compiled already.").StringVar(&o.binary)
	app.Flag("workers", "Alerts that culprit explains at a time.").Default("4").IntVar(&o.workers)
	app.Flag("history", "How long the shop has been watched.").Default("50h").DurationVar(&o.history)
	app.Flag("seed", "Another seed makes another shop.").Default("1").Uint64Var(&o.seed)
	_, err = app.Parse(args)
	if err == nil && o.group < 1 {
		err = fmt.Errorf("a group has at least one alert: have %d", o.group)
	}
	if err == nil && (o.alerts < 1 || o.within < time.Second) {
		err = fmt.Errorf("a storm has at least one alert and takes a second: have %d within %s", o.alerts, o.within)
	}
	return o, err
}

// run runs the whole storm. The table goes to stdout, progress to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 2
	}
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	m, err := measure(ctx, o, say)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	m.print(stdout)
	if wrong := m.wrong(o); len(wrong) > 0 {
		for _, w := range wrong {
			fmt.Fprintln(stderr, "failed:", w)
		}
		return 1
	}
	return 0
}

// print writes the table.
func (m measurement) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = w.Flush() }()
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("alerts fired", "%d within %.1fs", m.fired, m.firing.Seconds())
	row("alerts in one group", "%d", m.group)
	row("alerts with a report", "%d", len(m.reports))
	row("reports of an alert that had one", "%d", m.twice())
	row("alerts with their causes on them", "%d", len(m.annotated))
	row("webhook to annotation, p50 p90 p99 max", "%.1fs %.1fs %.1fs %.1fs",
		quantile(m.annotated, 0.50), quantile(m.annotated, 0.90), quantile(m.annotated, 0.99), quantile(m.annotated, 1))
	row("first alert to last report", "%.1fs", m.last.Seconds())
	row("reports per second", "%.1f", float64(len(m.reports))/m.last.Seconds())
	row("analyses, with those made again", "%d", m.analyses)
	row("queries to Prometheus", "%d", m.queries)
	row("most memory of culprit", "%.0f MB", float64(m.rss)/1e6)
}

// wrong lists what failed.
func (m measurement) wrong(o options) []string {
	var wrong []string
	if missing := o.alerts - len(m.reports); missing > 0 {
		wrong = append(wrong, fmt.Sprintf("%d alerts have no report after %s", missing, o.limit))
	}
	if n := m.twice(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d reports are of an alert that had one", n))
	}
	if m.rss > o.memory*1e6 {
		wrong = append(wrong, fmt.Sprintf("culprit needed %.0f MB, more than %d", float64(m.rss)/1e6, o.memory))
	}
	return wrong
}
