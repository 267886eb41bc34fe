// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"sync"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// keeper lets an annotator restore the annotations of its alerts.
type keeper struct {
	*Daemon
	ctx context.Context
	of  annotator
}

var _ sink.Keeper = keeper{}

// Open implements sink.Keeper.
func (k keeper) Open(fingerprint string) (sink.Message, bool) {
	r, ok := k.store.current(fingerprint)
	if !ok || !r.open() {
		return sink.Message{}, false
	}
	m := k.messageOf(r)
	return m, k.of.Takes(m)
}

// Kept implements sink.Keeper.
func (k keeper) Kept(m sink.Message, s report.Sent) {
	k.record(k.ctx, m.Report.ID, sink.NameAnnotation, k.of.peer, s)
}

// expect watches an alert that another replica has explained: if that replica's annotation is not
// there in time, this one writes it.
func (d *Daemon) expect(fingerprint string) {
	for _, a := range d.live.Load().annotators {
		a.Expect(fingerprint)
	}
}

// keep restores annotations that resends erase, until ctx ends. It restarts after each reload.
func (d *Daemon) keep(ctx context.Context) {
	for ctx.Err() == nil {
		current, stop := context.WithCancel(ctx)
		var open []string
		for _, r := range d.store.openRecords() {
			open = append(open, r.Report.Alert.Fingerprint)
		}
		var running sync.WaitGroup
		for _, a := range d.live.Load().annotators {
			running.Go(func() { a.Keep(current, keeper{Daemon: d, ctx: current, of: a}, open) })
		}
		select {
		case <-ctx.Done():
		case <-d.reloaded:
		}
		stop()
		running.Wait()
	}
}
