// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// reconciler compares what Alertmanager has with what was reported. The
// webhook is the hint, Alertmanager is the truth: whatever was lost on the way
// is found here, within one interval.
type reconciler struct {
	live      func() *live
	store     *store
	queue     Queue
	stats     func(context.Context) (broker.Stats, error) // of the queue
	publisher *publisher
	receivers *receivers
	routes    *routeWatch
	refresh   func(context.Context, view)
	judge     judge
	said      said
	reader    report.CommentReader
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time
	interval  time.Duration

	mu      sync.Mutex
	reached map[string]bool      // servers that have answered since the start
	gone    map[string]time.Time // fingerprint of an open report → since when no Alertmanager has its alert
	told    map[string]time.Time // fingerprint of an alert that is too large → when that was said
}

// view is what one round has seen of the Alertmanagers.
type view struct {
	peers  []peerView
	groups map[string]group  // fingerprint → the group on culprit's own receiver; nil: not read yet
	ours   func(string) bool // whether a receiver of Alertmanager is culprit's
	whole  bool              // every peer has answered
}

// peerView is what one peer has.
type peerView struct {
	client *alertmanager.Client
	alerts []alertmanager.Alert
	err    error
}

func newReconciler(d *Daemon) *reconciler {
	return &reconciler{
		live: d.live.Load, store: d.store, queue: d.broker, stats: d.broker.Stats, publisher: d.publisher, receivers: d.receivers, refresh: d.refresh,
		routes: &routeWatch{receivers: d.receivers, external: d.external, metrics: d.metrics, log: d.log, judged: map[string][sha256.Size]byte{}},

		judge: d.judge(), said: said{d.said, d.opt.Now}, reader: report.NewCommentReader(),
		metrics: d.metrics, log: d.log, now: d.opt.Now, interval: d.opt.Reconcile,
		reached: map[string]bool{}, gone: map[string]time.Time{}, told: map[string]time.Time{},
	}
}

const (
	// grace is how long an alert may be without a report before it counts as
	// missed: its webhook may be on the way.
	grace = 10 * time.Second
	// goneFor is how long no Alertmanager may have an alert before its report
	// is closed. One that has restarted gets its alerts back within a minute,
	// when Prometheus sends them again.
	goneFor = 3 * time.Minute
	// maxTold is how many alerts are remembered of which it was said that they
	// are too large.
	maxTold = 1000
)

// run makes a round at once and then one an interval until ctx ends.
func (r *reconciler) run(ctx context.Context) {
	ticker := time.NewTicker(r.interval)
	defer ticker.Stop()
	for {
		r.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (r *reconciler) round(ctx context.Context) {
	live := r.live()
	r.ping(ctx, live)
	v := r.look(ctx, live)
	if ctx.Err() != nil {
		return // what was not seen because the daemon stops is not gone
	}
	r.metrics.reconciles.WithLabelValues(v.outcome()).Inc()
	r.routes.look(ctx, v)
	r.enqueueMissed(ctx, live, &v)
	if v.whole {
		r.closeGone(ctx, v)
	}
	r.refresh(ctx, v)
	r.comments(ctx, v)
	r.store.settle(ctx)
	open := r.store.openIncidents()
	r.publisher.catchUp()
	r.metrics.openIncidents.Set(float64(len(open)))
}

// ping asks each Prometheus until it has answered once.
func (r *reconciler) ping(ctx context.Context, live *live) {
	var wg sync.WaitGroup
	for i := range live.config.Prometheus {
		p := &live.config.Prometheus[i]
		if r.has(p.Title()) {
			continue
		}
		wg.Go(func() {
			f, err := live.servers.Named(p.Name)
			if err == nil {
				err = f.Ping(ctx)
			}
			if err != nil {
				r.log.Warn("Prometheus does not answer yet", "prometheus", p.Name, "err", err)
				return
			}
			r.mark("Prometheus")
			r.mark(p.Title())
		})
	}
	wg.Wait()
}

// look reads the alerts and the groups of every peer.
func (r *reconciler) look(ctx context.Context, live *live) view {
	v := view{peers: make([]peerView, len(live.peers)), ours: r.receivers.ours, whole: len(live.peers) > 0}
	var wg sync.WaitGroup
	for i, client := range live.peers {
		wg.Go(func() {
			p := peerView{client: client}
			p.alerts, p.err = client.Alerts(ctx, alertmanager.Filter{})
			v.peers[i] = p
		})
	}
	wg.Wait()
	for _, p := range v.peers {
		if p.err != nil {
			v.whole = false
			r.log.Warn("Alertmanager can't be read; trying again", "alertmanager", p.client.Address(), "err", p.err)
			continue
		}
		r.mark("Alertmanager")
	}
	return v
}

func (v *view) outcome() string {
	switch {
	case v.whole, len(v.peers) == 0: // without an Alertmanager there is nothing that could fail
		return "ok"
	case slices.ContainsFunc(v.peers, func(p peerView) bool { return p.err == nil }):
		return "partial"
	}
	return "failed"
}

// alerts are those of all peers, each once, with its earliest start.
func (v *view) alerts() []alertmanager.Alert {
	at := map[string]int{}
	var all []alertmanager.Alert
	for _, p := range v.peers {
		for _, a := range p.alerts {
			i, ok := at[a.Fingerprint]
			if !ok {
				at[a.Fingerprint] = len(all)
				all = append(all, a)
			} else if a.StartsAt.Before(all[i].StartsAt) {
				all[i] = a
			}
		}
	}
	return all
}

// enqueueMissed makes jobs for the alerts that are to be explained and have no
// report, or whose report deserves another try.
func (r *reconciler) enqueueMissed(ctx context.Context, live *live, v *view) {
	again := r.mayLookAgain(ctx)
	for _, a := range v.alerts() {
		if live.config.RuleFor(a.Labels) == nil || r.now().Sub(a.StartsAt).Abs() < grace {
			continue
		}
		known, ok := r.store.current(a.Fingerprint)
		if ok && (isEcho(a, known) || known.open() && (again == 0 || !r.due(known))) {
			continue
		}
		alert, err := bounded(stripped(a))
		if err != nil {
			r.tooLarge(alert, err)
			continue
		}
		j := job{Alert: alert, Status: statusFiring, Reason: reasonReconcile, ReceivedAt: r.now()}
		if ok && known.open() {
			j.Reason, j.Group, again = reasonRetry, known.Group, again-1
		} else {
			j.Group = v.groupOf(ctx, a)
		}
		if err := publish(ctx, r.queue, j, r.metrics); err != nil {
			r.log.Error("A missed alert can't be enqueued; trying again", "alert", a.Labels[model.AlertNameLabel], "err", err)
		}
	}
}

// isEcho says whether an alert may be there only because it was read before its end
// was known, or posted by culprit at that moment: then it fires for some seconds
// more. If it stays, as one does that Alertmanager had lost, the next round sees it.
func isEcho(a alertmanager.Alert, known record) bool {
	return known.over(a.StartsAt) && (time.Since(a.AskedAt) > grace || a.AskedAt.Sub(known.UpdatedAt).Abs() < grace)
}

// mostAgain is how many alerts a round looks at again: those that come meanwhile
// wait for no more than these.
const mostAgain = 200

// mayLookAgain is how many alerts may be looked at again now: none while others
// wait for their first look.
func (r *reconciler) mayLookAgain(ctx context.Context) int {
	s, err := r.stats(ctx)
	if err != nil || s.Pending > 0 { // the next round may know more
		return 0
	}
	return mostAgain
}

// tooLarge says once an hour that an alert can't be explained.
func (r *reconciler) tooLarge(a report.Alert, why error) {
	if last, ok := r.told[a.Fingerprint]; ok && r.now().Sub(last).Abs() < time.Hour {
		return
	}
	if len(r.told) > maxTold {
		clear(r.told)
	}
	r.told[a.Fingerprint] = r.now()
	r.metrics.unreported.Inc()
	r.log.Error("An alert has no report", "fingerprint", a.Fingerprint, "err", why)
}

// due says whether an open report deserves another look: queries that failed
// may succeed now, and what could not be told from the first seconds of an
// incident may be plain some minutes later. The pauses double.
func (r *reconciler) due(known record) bool {
	rep, age := known.Report, r.now().Sub(known.AnalyzedAt).Abs() // also when a clock went back
	if rep.Result.Verdict == analysis.Explained && rep.Status == report.Complete {
		return known.Tries == 1 && age >= 2*time.Minute && !saysWhy(rep)
	}
	return known.Tries < 8 && age >= time.Minute<<min(known.Tries-1, 5)
}

// saysWhy says whether a report that looked at series names one with
// confidence.
func saysWhy(rep report.Report) bool {
	return rep.Result.Fit == nil || slices.ContainsFunc(rep.Result.Causes, func(c analysis.Finding) bool {
		return c.Kind == analysis.KindSeries && c.Confidence != analysis.Low
	})
}

// stripped is an alert without what culprit itself has written on it.
func stripped(a alertmanager.Alert) report.Alert {
	annotations := model.LabelSet{}
	for name, value := range a.Annotations {
		if !config.WrittenByCulprit(string(name)) {
			annotations[name] = value
		}
	}
	return report.Alert{
		Labels: a.Labels, Annotations: annotations, StartsAt: a.StartsAt,
		GeneratorURL: a.GeneratorURL, Fingerprint: a.Fingerprint,
	}
}

// closeGone ends the reports whose alert no Alertmanager has any more.
func (r *reconciler) closeGone(ctx context.Context, v view) {
	there := map[string]bool{}
	for _, a := range v.alerts() {
		there[a.Fingerprint] = true
	}
	now := r.now()
	still := map[string]time.Time{}
	for _, known := range r.store.openRecords() {
		fp := known.Report.Alert.Fingerprint
		if there[fp] {
			continue
		}
		since, ok := r.gone[fp]
		if !ok {
			since = now
		}
		still[fp] = since
		if now.Sub(since) < goneFor {
			continue
		}
		j := job{Alert: known.Report.Alert, Status: statusResolved, Group: known.Group, Reason: reasonReconcile, ReceivedAt: now}
		j.Alert.EndsAt = since
		if err := publish(ctx, r.queue, j, r.metrics); err != nil {
			r.log.Error("The end of an alert can't be enqueued; trying again", "report", known.Report.ID, "err", err)
		}
	}
	r.gone = still
}

func (r *reconciler) mark(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached[server] = true
}

func (r *reconciler) has(server string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached[server]
}

// missing names the servers that have not answered since the start, as long as none
// of their kind has.
func (r *reconciler) missing() []string {
	var names []string
	live := r.live()
	if !r.has("Prometheus") {
		names = r.silent()
	}
	if len(live.peers) > 0 && !r.has("Alertmanager") {
		names = append(names, fmt.Sprintf("Alertmanager at %s", live.peers[0].Address()))
	}
	return names
}

// silent names every Prometheus that has not answered since the start.
func (r *reconciler) silent() []string {
	var names []string
	for _, p := range r.live().config.Prometheus {
		if title := p.Title(); !r.has(title) {
			names = append(names, title)
		}
	}
	return names
}
