// SPDX-License-Identifier: Apache-2.0

// Faults injects faults into culprit, one scenario after the other, and reports which of
// its promises held.
//
//	go run ./examples/faults
//	go run ./examples/faults --only clusters --runs 20
//
// Everything is real that can be: culprit is compiled and run as separate processes, which are
// killed, stopped and starved; Prometheus and Alertmanager are those of the lab. A scenario is a
// function in a file of its own, named in [scenarios].
//
// It prints a table, one row for each promise, and exits with 1 if one did not hold.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
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

// scenario injects one kind of fault and records in the field which promises held. Its error means
// that the fault could not be injected; with [errSkip] in it, not on this machine.
type scenario func(ctx context.Context, f *field) error

var errSkip = errors.New("not on this machine")

// scenarios returns all scenarios by name.
func scenarios() map[string]scenario {
	return map[string]scenario{
		"answers":  answers,
		"clusters": clusters,
		"disk":     disk,
		"erased":   erased,
		"first":    first,
		"kills":    kills,
		"leaders":  leaders,
		"sinks":    sinks,
		"upgrade":  upgrade,
	}
}

// options are those of the command line.
type options struct {
	only   []string
	runs   int
	binary string
	logs   bool
}

func parse(args []string) (o options, err error) {
	names := slices.Sorted(maps.Keys(scenarios()))
	app := kingpin.New("faults", "Harms culprit in many ways and says which of its promises held.")
	app.HelpFlag.Short('h')
	app.Flag("only", "A scenario, of "+strings.Join(names, ", ")+"; may be repeated. Left out: all.").EnumsVar(&o.only, names...)
	app.Flag("runs", "How often each of them.").Default("5").IntVar(&o.runs)
	app.Flag("culprit", "A culprit that is compiled already.").StringVar(&o.binary)
	app.Flag("logs", "Show what culprit says in runs in which a promise did not hold.").BoolVar(&o.logs)
	if _, err = app.Parse(args); err != nil {
		return o, err
	}
	if o.runs < 1 {
		return o, fmt.Errorf("--runs=%d: once at least", o.runs)
	}
	if len(o.only) == 0 {
		o.only = names
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
		fmt.Fprintf(stderr, "%6.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	all, err := harm(ctx, o, say)
	all.print(stdout)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return 1
	}
	if all.broken() {
		return 1
	}
	return 0
}

// harm runs the scenarios one after the other, as they share the machine.
func harm(ctx context.Context, o options, say func(string, ...any)) (all tally, err error) {
	if o.binary == "" {
		dir, err := os.MkdirTemp("", "culprit-faults-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		say("Compiling culprit")
		if o.binary, err = lab.BuildCulprit(ctx, dir); err != nil {
			return nil, err
		}
	}
	for _, name := range o.only {
		for n := range o.runs {
			say("%s, run %d of %d", name, n+1, o.runs)
			err := all.run(ctx, name, o, say)
			if errors.Is(err, errSkip) {
				say("%s is left out: %v", name, err)
				break
			}
			if err != nil {
				return all, fmt.Errorf("%s, run %d: %w", name, n+1, err)
			}
		}
	}
	return all, nil
}

// run runs a scenario once, in a field of its own.
func (t *tally) run(ctx context.Context, name string, o options, say func(string, ...any)) (err error) {
	f, err := newField(o.binary, say)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := scenarios()[name](ctx, f); err != nil {
		return errors.Join(err, f.Logs())
	}
	for _, p := range f.promises {
		t.add(name, p)
	}
	if o.logs && slices.ContainsFunc(f.promises, func(p promise) bool { return p.err != nil }) {
		say("%v", f.Logs())
	}
	return nil
}
