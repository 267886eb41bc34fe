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

// reconciler compares Alertmanager's alerts with the reports. The webhook is a hint, Alertmanager
// is the source of truth: whatever was lost on the way is found within one interval.
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

	mu             sync.Mutex
	reached        map[string]bool      // servers that have answered since the start
	gone           map[string]time.Time // fingerprint of an open report → since when no Alertmanager has its alert
	loggedTooLarge map[string]time.Time // fingerprint of an alert that is too large → when that was logged
}

// view is what one round read from the Alertmanagers.
type view struct {
	peers  []peerView
	groups map[string]group  // fingerprint → alert group, preferably of culprit's receiver; nil: not read yet
	ours   func(string) bool // whether a receiver is culprit's
	whole  bool              // every peer has answered
}

// peerView is what one peer returned.
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
		reached: map[string]bool{}, gone: map[string]time.Time{}, loggedTooLarge: map[string]time.Time{},
	}
}

const (
	// grace is how long a new alert may lack a report: its webhook may be on the way.
	grace = 10 * time.Second
	// goneFor is how long an alert must be missing at every Alertmanager before its report is
	// closed. A restarted Alertmanager has its alerts back within a minute, when Prometheus resends
	// them.
	goneFor = 3 * time.Minute
	// maxLogged bounds the memory of alerts logged as too large.
	maxLogged = 1000
)

// run makes a round at once, then one per interval until ctx ends.
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
		return // incomplete because the daemon is stopping: missing alerts are not gone
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
		if r.hasAnswered(p.Title()) {
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
			r.markAnswered("Prometheus")
			r.markAnswered(p.Title())
		})
	}
	wg.Wait()
}

// look reads the alerts of every peer.
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
		r.markAnswered("Alertmanager")
	}
	return v
}

func (v *view) outcome() string {
	switch {
	case v.whole, len(v.peers) == 0: // no Alertmanager, nothing to fail
		return "ok"
	case slices.ContainsFunc(v.peers, func(p peerView) bool { return p.err == nil }):
		return "partial"
	}
	return "failed"
}

// alerts returns the alerts of all peers without duplicates, with the earliest start.
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

// enqueueMissed enqueues alerts that lack a report, or whose report deserves a retry.
func (r *reconciler) enqueueMissed(ctx context.Context, live *live, v *view) {
	again := r.retryBudget(ctx)
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

// isEcho reports whether a resolved alert may still show as firing only because it was read before
// its end was known, or because culprit had just posted it: it then fires a few seconds more. If it
// stays, for instance after Alertmanager had lost it, the next round sees it.
func isEcho(a alertmanager.Alert, known record) bool {
	return known.over(a.StartsAt) && (time.Since(a.AskedAt) > grace || a.AskedAt.Sub(known.UpdatedAt).Abs() < grace)
}

// maxRetries bounds the retries of a round, so that new alerts don't wait long behind them.
const maxRetries = 200

// retryBudget is how many retries may be enqueued now: none while alerts wait for their first
// look.
func (r *reconciler) retryBudget(ctx context.Context) int {
	s, err := r.stats(ctx)
	if err != nil || s.Pending > 0 { // unknown or busy: leave it to the next round
		return 0
	}
	return maxRetries
}

// tooLarge logs, once an hour, that an alert can't be explained.
func (r *reconciler) tooLarge(a report.Alert, why error) {
	if last, ok := r.loggedTooLarge[a.Fingerprint]; ok && r.now().Sub(last).Abs() < time.Hour {
		return
	}
	if len(r.loggedTooLarge) > maxLogged {
		clear(r.loggedTooLarge)
	}
	r.loggedTooLarge[a.Fingerprint] = r.now()
	r.metrics.unreported.Inc()
	r.log.Error("An alert has no report", "fingerprint", a.Fingerprint, "err", why)
}

// due reports whether an open report deserves another look: failed queries may succeed now, and
// what the first seconds of an incident did not show may be clear minutes later. The delays double.
func (r *reconciler) due(known record) bool {
	rep, age := known.Report, r.now().Sub(known.AnalyzedAt).Abs() // clocks may go back
	if rep.Result.Verdict == analysis.Explained && rep.Status == report.Complete {
		return known.Tries == 1 && age >= 2*time.Minute && !saysWhy(rep)
	}
	return known.Tries < 8 && age >= time.Minute<<min(known.Tries-1, 5)
}

// saysWhy reports whether a report with a model of the series names one with confidence.
func saysWhy(rep report.Report) bool {
	return rep.Result.Fit == nil || slices.ContainsFunc(rep.Result.Causes, func(c analysis.Finding) bool {
		return c.Kind == analysis.KindSeries && c.Confidence != analysis.Low
	})
}

// stripped is an alert without culprit's own annotations.
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

// closeGone closes the reports of alerts that no Alertmanager has any more.
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

func (r *reconciler) markAnswered(server string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached[server] = true
}

func (r *reconciler) hasAnswered(server string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reached[server]
}

// missing names the servers that have not answered since the start, unless another of their kind
// has.
func (r *reconciler) missing() []string {
	var names []string
	live := r.live()
	if !r.hasAnswered("Prometheus") {
		names = r.silent()
	}
	if len(live.peers) > 0 && !r.hasAnswered("Alertmanager") {
		names = append(names, fmt.Sprintf("Alertmanager at %s", live.peers[0].Address()))
	}
	return names
}

// silent names every Prometheus that has not answered since the start.
func (r *reconciler) silent() []string {
	var names []string
	for _, p := range r.live().config.Prometheus {
		if title := p.Title(); !r.hasAnswered(title) {
			names = append(names, title)
		}
	}
	return names
}
