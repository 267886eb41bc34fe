// SPDX-License-Identifier: Apache-2.0

// Soak lets alerts fire and end for a long time while everything around three replicas of culprit
// breaks and recovers, at random, and reports at the end whether anything was lost.
//
//	go run ./examples/soak --for 1h --rate 5
//	go run ./examples/soak --for 2m --seed 7
//
// The same seed draws the same faults in the same order. The replicas are separate processes that
// are killed, terminated, stopped and reloaded; their Prometheus, Alertmanager, Grafana and hook
// hang or refuse; the disk of one is filled, where the system allows a small one (Linux). A process
// can't be given another clock: instead, some alerts come from senders whose clocks are an hour
// early or late.
//
// One replica, the witness, is never killed, to see whether its memory grows. Soak prints a table
// and exits with 1 if a promise did not hold.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/examples/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are those of the command line.
type options struct {
	length time.Duration
	rate   int
	seed   uint64
	binary string
	logs   string
}

func parse(args []string) (o options, err error) {
	app := kingpin.New("soak", "Lets alerts fire for a long time while everything around culprit breaks and is mended.")
	app.HelpFlag.Short('h')
	app.Flag("for", "How long alerts begin; it takes some minutes more until all have ended.").Default("1h").DurationVar(&o.length)
	app.Flag("rate", "Alerts that begin in a second.").Default("5").IntVar(&o.rate)
	app.Flag("seed", "Of the faults and of how long each alert lasts; 0: one that is drawn.").Default("0").Uint64Var(&o.seed)
	app.Flag("culprit", "A culprit that is compiled already.").StringVar(&o.binary)
	app.Flag("logs", "A folder for what the replicas say.").StringVar(&o.logs)
	if _, err = app.Parse(args); err != nil {
		return o, err
	}
	if o.length < time.Second || o.rate < 1 {
		return o, fmt.Errorf("--for=%s --rate=%d: one second and one alert at least", o.length, o.rate)
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(1_000_000)
	}
	return o, nil
}

// run runs everything. The table goes to stdout, progress to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 2
	}
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%7.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(stdout, "seed %d\n", o.seed)
	v, err := soak(ctx, o, say)
	v.print(stdout)
	if err == nil && v.broken() {
		err = errors.New("a promise did not hold")
	}
	if err != nil {
		fmt.Fprintf(stderr, "error: %v (seed %d)\n", err, o.seed)
		return 1
	}
	return 0
}

// soak compiles culprit, soaks it, and judges the result.
func soak(ctx context.Context, o options, say func(string, ...any)) (v verdicts, err error) {
	if o.binary == "" {
		dir, err := os.MkdirTemp("", "culprit-soak-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		say("Compiling culprit")
		if o.binary, err = lab.BuildCulprit(ctx, dir); err != nil {
			return nil, err
		}
	}
	p, err := newPond(ctx, o, say)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.soak(ctx); err != nil {
		return nil, errors.Join(err, p.Logs())
	}
	return p.judge(ctx), nil
}
