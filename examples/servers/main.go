// SPDX-License-Identifier: Apache-2.0

// Servers breaks real servers in everyday ways and prints what culprit says about each alert.
//
//	go run ./examples/servers
//	go run ./examples/servers --only redis-memory --only disk-full --times 1
//
// Redis, PostgreSQL, HAProxy, a small service, their exporters, Prometheus and Alertmanager are the
// programs of the machine, as a distribution ships them; the rules are well-known public ones. It
// installs nothing: it lists what is missing, with the command to install it. It requires Linux,
// and root for mounts.
//
// Two culprits get every alert: one without any rule, one with the rules of `culprit suggest`.
// After some quiet time each fault is injected, held, repaired, and injected a second time. The
// first line of every report is judged: true, useless (says no cause) or false. The directory of
// --dir keeps Prometheus' data and every report; --again explains each of them once more with the
// current culprit.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
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
	only       []string
	times      int
	quiet      time.Duration
	hold       time.Duration
	pause      time.Duration
	interval   time.Duration
	lanes      int
	dir        string
	culprit    string
	prometheus string
	suggested  bool
	again      bool
	ask        string
}

func parse(args []string) (o options, err error) {
	var names []string
	for _, f := range faults() {
		names = append(names, f.name)
	}
	app := kingpin.New("servers", "Breaks real servers in everyday ways and shows what culprit says of each alert.")
	app.HelpFlag.Short('h')
	app.Flag("only", "A fault; may be repeated. Left out: all.").EnumsVar(&o.only, names...)
	app.Flag("times", "How often each of them.").Default("2").IntVar(&o.times)
	app.Flag("quiet", "How long nothing happens before the first.").Default("20m").DurationVar(&o.quiet)
	app.Flag("hold", "How long a fault lasts at least.").Default("2m").DurationVar(&o.hold)
	app.Flag("pause", "How long nothing happens between two faults of the same servers.").Default("1m").DurationVar(&o.pause)
	app.Flag("interval", "How often everything is scraped.").Default("5s").DurationVar(&o.interval)
	app.Flag("at-once", "Faults at a time, of servers that have nothing in common.").Default("5").IntVar(&o.lanes)
	app.Flag("dir", "Folder of all data, kept; left out: one that is removed at the end.").StringVar(&o.dir)
	app.Flag("culprit", "A culprit that is compiled already.").StringVar(&o.culprit)
	app.Flag("prometheus", "Prometheus to run.").Default("prometheus").StringVar(&o.prometheus)
	app.Flag("suggested", "Ask a second culprit, with suggested rules.").Default("true").BoolVar(&o.suggested)
	app.Flag("again", "Break nothing: ask once more about every report of an earlier run, which --dir has.").BoolVar(&o.again)
	app.Flag("ask", "For --again: a Prometheus that has the data of the run, where one runs already.").PlaceHolder("URL").StringVar(&o.ask)
	if _, err = app.Parse(args); err != nil {
		return o, err
	}
	if o.times < 1 || o.lanes < 1 {
		return o, fmt.Errorf("--times=%d --at-once=%d: one at least", o.times, o.lanes)
	}
	if o.again && o.dir == "" {
		return o, errors.New("--again wants the --dir of an earlier run")
	}
	if len(o.only) == 0 {
		o.only = names
	}
	return o, nil
}

// run runs everything. The table goes to stdout, progress to stderr. With "service NAME ADDRESS" it
// is instead the small service that the others watch.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 3 && args[0] == "service" {
		return fail(stderr, serve(ctx, args[2]))
	}
	o, err := parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 2
	}
	if err := missing(o.prometheus); err != nil {
		return fail(stderr, err)
	}
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%s %6.0fs  %s\n", time.Now().Format(time.TimeOnly), time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	ask := tell
	if o.again {
		ask = again
	}
	lines, err := ask(ctx, o, say)
	printLines(stdout, lines)
	if err == nil && slices.ContainsFunc(lines, func(l line) bool { return l.judged == isFalse }) {
		err = fmt.Errorf("a first line is false")
	}
	return fail(stderr, err)
}

func fail(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "error:", err)
	return 1
}
