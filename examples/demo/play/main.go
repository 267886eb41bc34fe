// SPDX-License-Identifier: Apache-2.0

// Play is the demo itself: it breaks a small web shop and shows what culprit
// makes of it. Run it as
//
//	go run ./examples/demo
//
// which says what is compiled before it can say anything itself.
//
// Everything runs in this one process: two days of a shop's metrics in a real
// Prometheus, a real Alertmanager, a Grafana that only records its calls, a
// pager for people, and culprit. Then the shop breaks. The demo follows the
// alert until a person has got everything, prints each thing when it is there,
// and compares it with what was broken. The first compile takes some minutes,
// because Prometheus' rule manager brings the clients of every cloud with it.
//
// # Servers of your own
//
// With --prometheus.url the demo's shop is there to be scraped, and the demo
// prints the scrape configuration and the rules to load. Such a Prometheus has
// no history of the shop: give it half an hour with --fault-after 30m.
// --alertmanager.url prints the configuration to load as well, and
// --grafana.url with --grafana.token-file writes a real annotation. The rule
// OrdersLow compares with yesterday and so can't fire there before a day.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // something is wrong
	exitUsage  = 2
)

// run runs the whole demo. Results go to stdout, progress to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	if err != nil {
		fmt.Fprintln(stderr, "error:", err)
		return exitUsage
	}
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(stderr, "%5.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
	}
	say("Starting a shop, Prometheus, Alertmanager and culprit in this process")
	s, err := tell(ctx, o, stdout, say)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "error:", err)
		return exitFailed
	case ctx.Err() != nil && o.once:
		fmt.Fprintln(stderr, "error: stopped before the end of the story")
		return exitFailed
	case len(s.failed()) > 0:
		for _, c := range s.failed() {
			fmt.Fprintf(stderr, "failed: %s: %v\n", c.claim, c.err)
		}
		return exitFailed
	}
	return exitOK
}

// tell plays the story and prints its results.
func tell(ctx context.Context, o options, stdout io.Writer, say func(string, ...any)) (s *seen, err error) {
	w, err := startWorld(ctx, o, say)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := w.Close(); err == nil {
			err = closing
		}
	}()
	if err := w.startCulprit(ctx); err != nil {
		return nil, err
	}
	say("%s", w.plot())
	p := newPrinter(stdout)
	if o.format == "text" {
		w.shown = p.update
	}
	s = w.watch(ctx)
	if err := p.show(o.format, s); err != nil {
		return s, err
	}
	if !o.once && ctx.Err() == nil {
		say("Everything stays up until Ctrl-C: Prometheus %s, Alertmanager %s, culprit %s",
			w.prometheusURL, w.alertmanagerURL, w.culpritURL())
		<-ctx.Done()
	}
	return s, nil
}
