// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Annotations that culprit writes on alerts. It leaves all others alone.
const (
	AnnotationSummary  = "culprit_summary"  // one line
	AnnotationCauses   = "culprit_causes"   // the confident causes, at most five lines; else one guess or nothing
	AnnotationReport   = "culprit_report"   // URL of the report
	AnnotationIncident = "culprit_incident" // one line, if the alert is one of several
)

const (
	annotationLimit = 1024 // bytes of one annotation
	causeLines      = 5

	repostRate  = 50 // batches per second to one peer
	repostBurst = 100
	repostBatch = 512 // alerts in one request; each request needs two reads of all similar alerts

	// settled is how long an incident must be unchanged before alerts are posted only for its line,
	// which changes with each of the incident's alerts.
	settled = 30 * time.Second

	minLeft      = 15 * time.Second // an alert that ends sooner is left alone
	shortLife    = 6 * time.Second  // five, plus one because the server's clock is read to the second
	freshFor     = time.Second      // from reading an alert to posting it
	timeoutSlack = 2 * time.Second
	statusFor    = 10 * time.Minute // how long a peer's status is cached
	statusPause  = 10 * time.Second // until a peer that failed to return it is asked again
)

// Annotations writes the causes on the alert itself: it posts the alert back to Alertmanager with
// annotations added.
//
// There is no API to annotate an alert: a post replaces the stored alert, and
// one at the wrong moment does harm. A post after the alert has ended starts it
// again, until the end that is in the post; a post with an early end ends the
// alert if its sender never names one. So for each peer by itself:
//
//   - The alert is read from the peer within the second before it is posted
//     there. An alert that ends within 15 s is left alone, and a resolved one
//     is never posted.
//   - If its Prometheus ([Source]) no longer lists it as firing, or does not
//     answer, it is left alone. An alert that has ended between our read and our
//     post would else fire until Prometheus sends its end again, a minute later.
//   - If its Prometheus lists it as firing, and its end is not the one that
//     Alertmanager gives to alerts without any, the post names an end five
//     seconds from now. Alertmanager keeps the later end that Prometheus has
//     given, and if the alert ends in just that instant the mistake lasts
//     seconds and not a minute. In all other cases the end is copied.
//   - The alert is read back at once. If its end has come closer (senders with
//     and without an end are mixed), the old end is restored and the alert is
//     only posted with its end copied from then on.
//   - Everything else of the alert goes back as it came.
//
// Prometheus sends each firing alert again every minute, without our
// annotations. [Annotations.Keep] puts them back as soon as that happens, and
// [Annotations.Reconcile] whatever it has missed.
type Annotations struct {
	base
	source     Source
	peers      []*annotationPeer
	reposts    *prometheus.CounterVec
	reappeared prometheus.Counter
}

// annotationPeer is one Alertmanager and what we have learned about it, all of which may be lost.
type annotationPeer struct {
	client *alertmanager.Client
	limit  *limiter
	past   history
	rhythm rhythm

	mu     sync.Mutex
	status alertmanager.Status // the last one known
	until  time.Time           // end of its validity

	ahead atomic.Int64 // how far the peer's clock is ahead of ours, in nanoseconds
}

// NewAnnotations makes the sink for the peers of an Alertmanager cluster.
func NewAnnotations(peers []*alertmanager.Client, opts Options) *Annotations {
	a := &Annotations{
		base: newBase(NameAnnotation, opts), source: opts.Source,
		reposts: counters(opts.Registerer, "culprit_alert_reposts_total",
			"Alerts posted back to an Alertmanager with annotations, by outcome.", "outcome"),
		reappeared: counters(opts.Registerer, "culprit_alert_reappearances_total",
			"Alerts that ended and fired again with their old start within 60 s of a post by culprit. Should stay 0.").WithLabelValues(),
	}
	for _, c := range peers {
		a.peers = append(a.peers, &annotationPeer{client: c, limit: newLimiter(repostRate, repostBurst)})
	}
	return a
}

// Another returns a sink for other alerts of the same peers. The two share the rate limit and
// nothing else, so that neither waits while the other asks its [Source].
func (a *Annotations) Another() *Annotations {
	other := *a
	other.peers = nil
	for _, p := range a.peers {
		other.peers = append(other.peers, &annotationPeer{client: p.client, limit: p.limit})
	}
	return &other
}

// Over notes that an alert has resolved.
func (a *Annotations) Over(fingerprint string) {
	for _, p := range a.peers {
		p.past.gone(fingerprint, a.now())
		p.rhythm.forget(fingerprint)
	}
}

// Send annotates the alert on every peer that has it. There is one outcome per peer; its ref is the
// peer's address.
func (a *Annotations) Send(ctx context.Context, m Message) []report.Sent {
	return a.SendAll(ctx, []Message{m})[0]
}

// SendAll is Send for several alerts in one request.
func (a *Annotations) SendAll(ctx context.Context, ms []Message) [][]report.Sent {
	sent := make([][]report.Sent, len(ms))
	var want []wanted
	var at []int // index in ms of each element of want
	for i, m := range ms {
		if m.Resolved {
			a.Over(m.Report.Alert.Fingerprint)
			continue
		}
		want, at = append(want, wantOf(m)), append(at, i)
		sent[i] = make([]report.Sent, len(a.peers))
	}
	if len(want) == 0 {
		return sent
	}
	var wg sync.WaitGroup
	for n, p := range a.peers {
		wg.Go(func() {
			for i, t := range a.repost(ctx, p, filterFor(want), want) {
				sent[at[i]][n] = a.outcome(p, t)
			}
		})
	}
	wg.Wait()
	return sent
}

// Reconcile restores annotations on alerts that have lost them, as every alert does when Prometheus
// resends it, and updates old ones. alerts are all alerts just read from the peer; open holds the
// message of each alert to annotate, by fingerprint. It returns the outcomes of the alerts it
// posted, by fingerprint.
func (a *Annotations) Reconcile(ctx context.Context, peer *alertmanager.Client, alerts []alertmanager.Alert, open map[string]Message) map[string]report.Sent {
	i := slices.IndexFunc(a.peers, func(p *annotationPeer) bool { return p.client.Address() == peer.Address() })
	if i < 0 {
		return nil
	}
	p := a.peers[i]
	a.reappeared.Add(float64(p.past.sweep(alerts, a.now())))
	var lost []wanted
	for _, alert := range alerts {
		m, ok := open[alert.Fingerprint]
		if !ok || m.Resolved {
			continue
		}
		p.rhythm.observe(alert, p.onClock(alert.AskedAt))
		want := wantOf(m)
		if a.now().Sub(m.Incident.UpdatedAt) < settled {
			want.keepIncident(alert.Annotations)
		}
		if !carries(alert.Annotations, want.annotations) {
			lost = append(lost, want)
		}
	}
	sent := make(map[string]report.Sent, len(lost))
	for batch := range slices.Chunk(lost, repostBatch) {
		for _, t := range a.repost(ctx, p, filterFor(batch), batch) {
			sent[t.fingerprint] = a.outcome(p, t)
		}
	}
	return sent
}

// wanted is an alert with the annotations that it should have.
type wanted struct {
	fingerprint string
	labels      model.LabelSet
	annotations model.LabelSet
	ifLost      bool // post only if it has none of ours
	anyway      bool // post whatever it has
}

// has reports whether nothing needs to be posted.
func (w wanted) has(have model.LabelSet) bool {
	switch {
	case w.anyway:
		return false
	case w.ifLost && have[AnnotationSummary] != "":
		return true
	}
	return carries(have, w.annotations)
}

func wantOf(m Message) wanted {
	return wanted{
		fingerprint: m.Report.Alert.Fingerprint,
		labels:      m.Report.Alert.Labels,
		annotations: annotationsOf(m),
	}
}

// keepIncident keeps the alert's present line about the incident.
func (w wanted) keepIncident(have model.LabelSet) {
	if line, ok := have[AnnotationIncident]; ok && w.annotations[AnnotationIncident] != "" {
		w.annotations[AnnotationIncident] = line
	}
}

// filterFor selects the alerts of a batch and few others: by their common labels and by their
// names.
func filterFor(batch []wanted) alertmanager.Filter {
	f := alertmanager.Exactly(shared(batch))
	names := map[string]bool{}
	for _, w := range batch {
		names[string(w.labels[model.AlertNameLabel])] = true
	}
	if len(names) > 1 {
		f.OneOf(model.AlertNameLabel, slices.Sorted(maps.Keys(names)))
	}
	return f
}

// shared returns the labels that all alerts of a batch have in common.
func shared(batch []wanted) model.LabelSet {
	all := batch[0].labels.Clone()
	for _, w := range batch[1:] {
		maps.DeleteFunc(all, func(name model.LabelName, value model.LabelValue) bool { return w.labels[name] != value })
	}
	return all
}

// annotationsOf renders the annotations. A URL that is too long is left out: half of one is
// worthless.
func annotationsOf(m Message) model.LabelSet {
	ls := model.LabelSet{}
	add := func(name model.LabelName, text string) {
		if text = clip(text, annotationLimit); text != "" {
			ls[name] = model.LabelValue(text)
		}
	}
	add(AnnotationSummary, m.Report.Line())
	add(AnnotationCauses, strings.Join(m.Report.CauseLines(causeLines), "\n"))
	if len(m.Report.URL) <= annotationLimit {
		add(AnnotationReport, m.Report.URL)
	}
	if len(m.Incident.Reports) > 1 {
		add(AnnotationIncident, m.Incident.Line())
	}
	return ls
}

func ours() []model.LabelName {
	return []model.LabelName{AnnotationSummary, AnnotationCauses, AnnotationReport, AnnotationIncident}
}

// carries reports whether an alert has exactly our annotations.
func carries(have, want model.LabelSet) bool {
	for _, name := range ours() {
		if have[name] != want[name] {
			return false
		}
	}
	return true
}

// annotated merges our annotations with the foreign ones.
func annotated(have, want model.LabelSet) model.LabelSet {
	all := have.Clone()
	for _, name := range ours() {
		delete(all, name)
	}
	maps.Copy(all, want)
	return all
}

// attempt is one alert of a repost. It is decided as soon as it has a result.
type attempt struct {
	wanted
	confirmed bool // its Prometheus says that it fires
	short     bool // posted with an early end
	before    alertmanager.Alert
	after     alertmanager.Alert // as read back
	body      json.RawMessage
	result    repostResult
	err       error
}

func (t *attempt) decide(r repostResult, err error) { t.result, t.err = r, err }

// undecided returns the attempts without a result.
func undecided(tries []*attempt) []*attempt {
	var left []*attempt
	for _, t := range tries {
		if t.result == "" {
			left = append(left, t)
		}
	}
	return left
}

// repost posts alerts back to one peer, with all guards. It returns decided attempts, in the order
// of want.
func (a *Annotations) repost(ctx context.Context, p *annotationPeer, filter alertmanager.Filter, want []wanted) []*attempt {
	tries := a.read(ctx, p, filter, want)
	pending := undecided(tries)
	p.recheckSkipped(tries)
	if len(pending) == 0 {
		return tries
	}
	if time.Since(pending[0].before.AskedAt) > freshFor {
		decideAll(pending, repostLate, retryError{errLate})
		return tries
	}
	bodies := make([]json.RawMessage, len(pending))
	for i, t := range pending {
		bodies[i] = t.body
		p.past.posted(t.fingerprint, a.now())
	}
	start := time.Now()
	err := p.client.PostAlerts(ctx, bodies...)
	a.readBack(ctx, p, filter, pending, err)
	p.compare(pending, start)
	return tries
}

// read reads alerts and asks their Prometheus, and decides which of them to post, and how.
func (a *Annotations) read(ctx context.Context, p *annotationPeer, filter alertmanager.Filter, want []wanted) []*attempt {
	tries := make([]*attempt, len(want))
	for i, w := range want {
		tries[i] = &attempt{wanted: w}
		a.ask(ctx, tries[i])
	}
	timeout := p.ask(ctx).ResolveTimeout
	if err := p.limit.wait(ctx); err != nil {
		decideAll(undecided(tries), repostLimited, retryError{err})
		return tries
	}
	alerts, err := p.client.Alerts(ctx, filter)
	if err != nil {
		decideAll(undecided(tries), repostReadFailed, err)
		return tries
	}
	byFingerprint := index(alerts)
	for _, t := range undecided(tries) {
		a.prepare(p, t, byFingerprint, timeout)
	}
	return tries
}

// ask asks the alert's Prometheus whether it fires.
func (a *Annotations) ask(ctx context.Context, t *attempt) {
	known, firing, err := a.firing(ctx, t.labels)
	switch {
	case err != nil:
		t.decide(repostUnconfirmed, retryError{fmt.Errorf("Prometheus does not say whether the alert still fires: %w", err)})
	case known && !firing:
		t.decide(repostNotFiring, nil)
	}
	t.confirmed = known && firing
}

func (a *Annotations) firing(ctx context.Context, ls model.LabelSet) (known, firing bool, err error) {
	if a.source == nil {
		return false, false, nil
	}
	return a.source.Firing(ctx, ls)
}

// prepare decides whether and how to post an alert.
func (a *Annotations) prepare(p *annotationPeer, t *attempt, alerts map[string]alertmanager.Alert, timeout time.Duration) {
	alert, ok := alerts[t.fingerprint]
	if !ok {
		p.rhythm.forget(t.fingerprint)
		t.decide(repostAbsent, nil)
		return
	}
	p.rhythm.observe(alert, p.onClock(alert.AskedAt))
	if p.past.seen(alert) {
		a.reappeared.Inc()
	}
	if t.has(alert.Annotations) {
		t.decide(repostUnchanged, nil)
		return
	}
	if alert.EndsAt.Sub(alert.ReadAt) <= minLeft {
		t.decide(repostEnding, nil)
		return
	}
	t.before = alert
	var end time.Time
	if t.confirmed && !mayLackEnd(alert, timeout) && !p.past.verbatimOnly(t.fingerprint) {
		t.short, end = true, alert.ReadAt.Add(shortLife)
	}
	t.body = alert.Repost(annotated(alert.Annotations, t.annotations), end)
}

// mayLackEnd reports whether the sender may have set no end, so that the end we see was set by
// Alertmanager.
func mayLackEnd(alert alertmanager.Alert, timeout time.Duration) bool {
	return timeout == 0 || (alert.EndsAt.Sub(alert.UpdatedAt)-timeout).Abs() <= timeoutSlack
}

func index(alerts []alertmanager.Alert) map[string]alertmanager.Alert {
	byFingerprint := make(map[string]alertmanager.Alert, len(alerts))
	for _, alert := range alerts {
		byFingerprint[alert.Fingerprint] = alert
	}
	return byFingerprint
}
