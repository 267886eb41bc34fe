// SPDX-License-Identifier: Apache-2.0

// Package sink writes causes where the person on call already looks: on the
// alert, in the comment of a silence, on Grafana, and to a recovery webhook.
//
// Every sink has the method Send, which takes a [Message] and returns the outcome for
// each place that it wrote to or tried to write to. Sending a message again is safe:
// what exists is left alone. A sink keeps no state that it can't lose. What must be
// remembered is in the Ref of the outcome, which the caller stores in the report or its
// incident and passes to the sink with the next message.
//
// Writes to Alertmanager can do harm: an alert posted at the wrong moment fires again
// or ends; a silence updated at the wrong moment comes back to life. [Annotations],
// [Silences] and [Notes] guard against this, and each guard has a test against the real
// Alertmanager.
package sink

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// The names of the sinks in outcomes.
const (
	NameAnnotation = "annotation"
	NameSilence    = "silence"
	NameNote       = "note"
	NameGrafana    = "grafana"
	NameWebhook    = "webhook"
)

// Message is what a sink is told: the report of one alert and the incident that
// it belongs to. Resolved says that the alert has ended; the incident has ended
// when its ResolvedAt is set, or when it has no id, which is an alert alone.
// Ends is how often the sink was told before that the incident has ended.
type Message struct {
	Report   report.Report
	Incident report.Incident
	Resolved bool
	Ends     int
}

// key names what the message is about: the incident, or the alert alone.
func (m Message) key() string {
	if m.Incident.ID != "" {
		return m.Incident.ID
	}
	return m.Report.ID
}

// closed says whether nothing of the incident is open any more.
func (m Message) closed() bool {
	if m.Incident.ID == "" {
		return m.Resolved
	}
	return m.Incident.ResolvedAt != nil
}

// sent returns the refs of what a sink has written for the message's report and
// incident, oldest first.
func (m Message) sent(sink string) []string {
	var refs []string
	for _, s := range slices.Concat(m.Incident.Sent, m.Report.Sent) {
		if s.Sink == sink && s.Status == report.SentOK && s.Ref != "" {
			refs = append(refs, s.Ref)
		}
	}
	return refs
}

// Source tells whether an alert that Alertmanager shows still fires where it
// comes from.
type Source interface {
	// Firing looks for the alert with these labels. Known says that this
	// server can tell: it evaluates a rule that makes such alerts, and its
	// external labels are among the alert's. Firing says that it fires there
	// now. An error means that the server could not be asked.
	//
	// It is called before each write, so answers should be remembered, and for
	// a second at most.
	Firing(ctx context.Context, labels model.LabelSet) (known, firing bool, err error)
}

// Options is what all sinks take. The zero value is good.
type Options struct {
	Logger     *slog.Logger          // default: no logs
	Registerer prometheus.Registerer // nil: metrics are not shown
	Now        func() time.Time      // default: time.Now
	Source     Source                // nil: nothing is known of where alerts come from
}

// base is what all sinks are made of.
type base struct {
	name     string
	log      *slog.Logger
	now      func() time.Time
	failures *prometheus.CounterVec
}

func newBase(name string, opts Options) base {
	b := base{name: name, log: opts.Logger, now: opts.Now}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.now == nil {
		b.now = time.Now
	}
	b.log = b.log.With("sink", name)
	b.failures = counters(opts.Registerer, "culprit_sink_failures_total",
		"Write-backs that failed, by sink and reason.", "sink", "reason")
	return b
}

func (b base) ok(ref string) report.Sent {
	return report.Sent{Sink: b.name, Status: report.SentOK, Ref: ref, At: b.now()}
}

func (b base) skipped(ref, why string) report.Sent {
	return report.Sent{Sink: b.name, Status: report.SentSkipped, Ref: ref, Error: why, At: b.now()}
}

func (b base) failed(ref string, err error) report.Sent {
	reason := remote.ReasonOf(err)
	if reason == "" {
		reason = "other"
	}
	b.failures.WithLabelValues(b.name, string(reason)).Inc()
	b.log.Warn("A write-back failed", "ref", ref, "err", err)
	sent := report.Sent{
		Sink: b.name, Status: report.SentFailed, Ref: ref, Error: err.Error(),
		At: b.now(), Retryable: retryable(err),
	}
	var e *remote.Error
	if errors.As(err, &e) {
		sent.After = e.After
	}
	return sent
}

// later marks an error after which the same message should be sent again.
type later struct{ error }

// never marks an error that the same message will always meet.
type never struct{ error }

// retryable says whether the same message may be taken later. Everything may
// pass: servers come back, people correct tokens and addresses. Only a server
// that has read the message and refuses it will refuse it again; it is tried
// anew when there is something else to say.
func retryable(err error) bool {
	var n never
	var e *remote.Error
	switch {
	case errors.As(err, &n):
		return false
	case errors.As(err, &e) && e.Reason == remote.Refused:
		return e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooEarly
	default:
		return true
	}
}

// counters registers a counter, or finds it when a sink of an earlier
// configuration has registered it.
func counters(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	if reg == nil {
		return c
	}
	var known prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &known) {
		return known.ExistingCollector.(*prometheus.CounterVec)
	} else if err != nil {
		panic("sink: " + err.Error()) // the metric's name or labels are wrong: a mistake in this package
	}
	return c
}

// clip shortens a text to a number of bytes, at a whole character, and makes
// it valid UTF-8.
func clip(text string, limit int) string {
	const dots = "…"
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:max(limit-len(dots), 0)], "") + dots
}

// oneLine replaces line breaks and other runs of white space by one space.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
