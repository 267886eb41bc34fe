// SPDX-License-Identifier: Apache-2.0

// Package sink writes causes where the person on call already looks: on the alert, in silence
// comments, in Grafana, and to recovery webhooks.
//
// Every sink has a Send method, which takes a [Message] and returns one outcome per target. Send is
// idempotent: what exists is left alone. A sink keeps no state that it can't lose. What must be
// remembered is in the Ref of the outcome, which the caller stores with the report or incident and
// passes back with the next message.
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

// Names of the sinks in outcomes.
const (
	NameAnnotation = "annotation"
	NameSilence    = "silence"
	NameNote       = "note"
	NameGrafana    = "grafana"
	NameWebhook    = "webhook"
)

// Message is what a sink is to write: the report of one alert, and its incident. An alert without
// an incident ID stands alone. Resolved means that the alert is resolved; the incident is over when
// its ResolvedAt is set. Ends is how many ends of the incident the sink has accepted already.
type Message struct {
	Report   report.Report
	Incident report.Incident
	Resolved bool
	Ends     int
}

// key identifies the subject: the incident, or the lone alert.
func (m Message) key() string {
	if m.Incident.ID != "" {
		return m.Incident.ID
	}
	return m.Report.ID
}

// closed reports whether the incident, or the lone alert, is over.
func (m Message) closed() bool {
	if m.Incident.ID == "" {
		return m.Resolved
	}
	return m.Incident.ResolvedAt != nil
}

// sent returns the refs of what a sink has written for the report and the incident, oldest first.
func (m Message) sent(sink string) []string {
	var refs []string
	for _, s := range slices.Concat(m.Incident.Sent, m.Report.Sent) {
		if s.Sink == sink && s.Status == report.SentOK && s.Ref != "" {
			refs = append(refs, s.Ref)
		}
	}
	return refs
}

// Source knows whether an alert in Alertmanager still fires at its origin.
type Source interface {
	// Firing looks up the alert with these labels. known means that this server can tell: it
	// evaluates a rule that makes such alerts, and its external labels are among the alert's.
	// firing means that the alert fires there now. An error means that the server could not be
	// asked.
	//
	// It is called before every write: implementations should cache answers, for at most a second.
	Firing(ctx context.Context, labels model.LabelSet) (known, firing bool, err error)
}

// Options configure any sink. The zero value is valid.
type Options struct {
	Logger     *slog.Logger          // default: no logs
	Registerer prometheus.Registerer // nil: metrics are not exported
	Now        func() time.Time      // default: time.Now
	Source     Source                // nil: origins of alerts are unknown
}

// base is common to all sinks.
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

// retryError marks an error after which the same message is to be sent again.
type retryError struct{ error }

// permanentError marks an error that the same message always causes.
type permanentError struct{ error }

// retryable reports whether a retry of the same message may succeed. Nearly everything passes:
// servers come back, people fix tokens and addresses. Only a server that has read the message and
// refused it will do so again; it is tried when there is something else to send.
func retryable(err error) bool {
	var n permanentError
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

// counters registers a counter, or returns the one that a sink of an earlier configuration
// registered.
func counters(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	if reg == nil {
		return c
	}
	var known prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &known) {
		return known.ExistingCollector.(*prometheus.CounterVec)
	} else if err != nil {
		panic("sink: " + err.Error()) // invalid name or labels: a bug in this package
	}
	return c
}

// clip shortens a text to a number of bytes, at a character boundary, and makes it valid UTF-8.
func clip(text string, limit int) string {
	const dots = "…"
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:max(limit-len(dots), 0)], "") + dots
}

// oneLine collapses white space, including line breaks, to single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
