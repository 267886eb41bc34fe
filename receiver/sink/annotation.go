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

// The annotations that culprit writes on alerts. All others are left alone.
const (
	AnnotationSummary  = "culprit_summary"  // one line
	AnnotationCauses   = "culprit_causes"   // the confident causes, at most five lines; else one guess or nothing
	AnnotationReport   = "culprit_report"   // the address of the report
	AnnotationIncident = "culprit_incident" // one line, when the alert is one of several
)

const (
	annotationLimit = 1024 // bytes of one annotation
	causeLines      = 5

	repostRate  = 50 // batches a second to one peer
	repostBurst = 100
	repostBatch = 512 // alerts in one request; each needs two reads of all that are like them

	// settled is how long an incident must have stayed as it is before alerts
	// are posted only for its line, which changes with each of its alerts.
	settled = 30 * time.Second

	minLeft      = 15 * time.Second // an alert that ends sooner is left alone
	shortLife    = 6 * time.Second  // five, and one because the server's clock is read to the second
	freshFor     = time.Second      // from the read of an alert to its post
	timeoutSlack = 2 * time.Second
	statusFor    = 10 * time.Minute // how long a peer's resolve timeout is believed
	statusPause  = 10 * time.Second // before a peer that didn't tell it is asked again
)

// Annotations writes the causes on the alert itself, by posting the alert back
// to Alertmanager with annotations added.
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

// annotationPeer is one Alertmanager and what is remembered of it. All of that
// can be lost.
type annotationPeer struct {
	client *alertmanager.Client
	limit  *limiter
	past   history
	rhythm rhythm

	mu     sync.Mutex
	status alertmanager.Status // as far as it is known
	until  time.Time           // how long that is believed

	ahead atomic.Int64 // nanoseconds that the peer's clock is ahead of ours
}

// NewAnnotations makes the sink for all peers of an Alertmanager cluster.
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

// Over takes note that an alert has resolved.
func (a *Annotations) Over(fingerprint string) {
	for _, p := range a.peers {
		p.past.gone(fingerprint, a.now())
		p.rhythm.forget(fingerprint)
	}
}

// Send annotates the alert on every peer that has it. There is one outcome for
// each peer; the ref is its address.
func (a *Annotations) Send(ctx context.Context, m Message) []report.Sent {
	return a.SendAll(ctx, []Message{m})[0]
}

// SendAll is Send for several alerts, at the cost of one.
func (a *Annotations) SendAll(ctx context.Context, ms []Message) [][]report.Sent {
	sent := make([][]report.Sent, len(ms))
	var want []wanted
	var at []int // the place in ms of each that is wanted
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
			for i, t := range a.repost(ctx, p, among(want), want) {
				sent[at[i]][n] = a.outcome(p, t)
			}
		})
	}
	wg.Wait()
	return sent
}

// Reconcile puts annotations back on alerts that have lost them, as every alert
// does when Prometheus sends it again, or that carry old ones. The alerts are
// all that have just been read from the peer; open holds the message of each
// alert that should be annotated, by fingerprint. It returns what became of the
// alerts that had to be posted, by fingerprint.
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
		p.rhythm.saw(alert, p.onClock(alert.AskedAt))
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
		for _, t := range a.repost(ctx, p, among(batch), batch) {
			sent[t.fingerprint] = a.outcome(p, t)
		}
	}
	return sent
}

// wanted is an alert and the annotations that it should carry.
type wanted struct {
	fingerprint string
	labels      model.LabelSet
	annotations model.LabelSet
	ifLost      bool // it is posted only if it carries none of ours
	anyway      bool // it is posted whatever it carries
}

// has says whether an alert need not be posted.
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

// keepIncident leaves the line of the incident as the alert has it.
func (w wanted) keepIncident(have model.LabelSet) {
	if line, ok := have[AnnotationIncident]; ok && w.annotations[AnnotationIncident] != "" {
		w.annotations[AnnotationIncident] = line
	}
}

// among lets the alerts of a batch through, and few others: by what they have
// alike, and by their names.
func among(batch []wanted) alertmanager.Filter {
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

// shared are the labels that all alerts of a batch have alike.
func shared(batch []wanted) model.LabelSet {
	all := batch[0].labels.Clone()
	for _, w := range batch[1:] {
		maps.DeleteFunc(all, func(name model.LabelName, value model.LabelValue) bool { return w.labels[name] != value })
	}
	return all
}

// annotationsOf writes the texts. An address that is too long is left out: half
// of one is worth nothing.
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

// carries says whether an alert has our annotations just so.
func carries(have, want model.LabelSet) bool {
	for _, name := range ours() {
		if have[name] != want[name] {
			return false
		}
	}
	return true
}

// annotated returns all foreign annotations and ours.
func annotated(have, want model.LabelSet) model.LabelSet {
	all := have.Clone()
	for _, name := range ours() {
		delete(all, name)
	}
	maps.Copy(all, want)
	return all
}

// attempt is one alert on its way through a repost. It is decided as soon as it
// has an outcome.
type attempt struct {
	wanted
	confirmed bool // its Prometheus lists it as firing
	short     bool // posted with an early end
	before    alertmanager.Alert
	after     alertmanager.Alert // as it was read back
	body      json.RawMessage
	result    repostResult
	err       error
}

func (t *attempt) decide(r repostResult, err error) { t.result, t.err = r, err }

// undecided are the attempts that have no outcome yet.
func undecided(tries []*attempt) []*attempt {
	var left []*attempt
	for _, t := range tries {
		if t.result == "" {
			left = append(left, t)
		}
	}
	return left
}

// repost posts alerts back to one peer, with all guards. Every attempt that it
// returns is decided; they are in the order of want.
func (a *Annotations) repost(ctx context.Context, p *annotationPeer, filter alertmanager.Filter, want []wanted) []*attempt {
	tries := a.read(ctx, p, filter, want)
	pending := undecided(tries)
	p.hope(tries)
	if len(pending) == 0 {
		return tries
	}
	if time.Since(pending[0].before.AskedAt) > freshFor {
		decideAll(pending, repostLate, later{errLate})
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

// read asks for alerts and their senders, and decides which of them are posted,
// and how.
func (a *Annotations) read(ctx context.Context, p *annotationPeer, filter alertmanager.Filter, want []wanted) []*attempt {
	tries := make([]*attempt, len(want))
	for i, w := range want {
		tries[i] = &attempt{wanted: w}
		a.ask(ctx, tries[i])
	}
	timeout := p.ask(ctx).ResolveTimeout
	if err := p.limit.wait(ctx); err != nil {
		decideAll(undecided(tries), repostLimited, later{err})
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

// ask asks the alert's Prometheus about it.
func (a *Annotations) ask(ctx context.Context, t *attempt) {
	known, firing, err := a.firing(ctx, t.labels)
	switch {
	case err != nil:
		t.decide(repostUnconfirmed, later{fmt.Errorf("Prometheus does not say whether the alert still fires: %w", err)})
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

// prepare decides whether an alert is posted, and how.
func (a *Annotations) prepare(p *annotationPeer, t *attempt, alerts map[string]alertmanager.Alert, timeout time.Duration) {
	alert, ok := alerts[t.fingerprint]
	if !ok {
		p.rhythm.forget(t.fingerprint)
		t.decide(repostAbsent, nil)
		return
	}
	p.rhythm.saw(alert, p.onClock(alert.AskedAt))
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

// mayLackEnd says whether the sender may have named no end, so that the one
// that is shown is Alertmanager's own.
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
