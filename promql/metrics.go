// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/bounded"
)

// Metrics counts the requests to Prometheus servers. It outlives a Fetcher, which is replaced
// when the configuration is reloaded.
type Metrics struct {
	queries  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	shared   *prometheus.CounterVec
	spared   *prometheus.CounterVec
	open     *prometheus.GaugeVec
	series   prometheus.Histogram
	samples  prometheus.Histogram
	asked    prometheus.Histogram

	annotations *prometheus.CounterVec
}

// labelServer holds the configured name of a server; it is empty if there is only one, without
// a name.
const labelServer = "server"

// NewMetrics registers the metrics; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	m := &Metrics{
		queries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_prometheus_queries_total",
			Help: "Requests to Prometheus by outcome: ok, refused, timeout, unreachable or canceled.",
		}, []string{"outcome", labelServer}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "culprit_prometheus_query_duration_seconds",
			Help:    "Time Prometheus took to answer, without waiting for a slot.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint", labelServer}),
		shared: f.NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_prometheus_queries_shared_total",
			Help: "Queries answered from another alert's answer.",
		}, []string{labelServer}),
		spared: f.NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_prometheus_queries_spared_total",
			Help: "Queries that were not sent, by reason: budget of the analysis, storm of alerts, or breaker.",
		}, []string{"reason", labelServer}),
		open: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "culprit_prometheus_breaker_open",
			Help: "1 while Prometheus is left alone because it did not answer.",
		}, []string{labelServer}),
	}
	m.register(f)
	return m
}

// register adds the metrics about the cost of an analysis.
func (m *Metrics) register(f promauto.Factory) {
	m.annotations = f.NewCounterVec(prometheus.CounterOpts{
		Name: "culprit_rule_annotations_total",
		Help: "Analyses of alerts by what became of the culprit_* annotations of their rules: used, mistaken (a part was left out) or unread (rules could not be read, or several fit).",
	}, []string{"outcome", labelServer})
	m.asked = f.NewHistogram(prometheus.HistogramOpts{
		Name: "culprit_analysis_queries", Help: "Queries sent per analysis; a narrowed second pass counts as another analysis.",
		Buckets: prometheus.ExponentialBuckets(5, 2, 8),
	})
	m.series = f.NewHistogram(prometheus.HistogramOpts{
		Name: "culprit_analysis_series", Help: "Series read per analysis; a narrowed second pass counts as another analysis.",
		Buckets: prometheus.ExponentialBuckets(10, 4, 8),
	})
	m.samples = f.NewHistogram(prometheus.HistogramOpts{
		Name: "culprit_analysis_samples", Help: "Samples read per analysis; a narrowed second pass counts as another analysis.",
		Buckets: prometheus.ExponentialBuckets(1000, 4, 8),
	})
}

// Forget removes the metrics of servers that are no longer configured: an open breaker would
// stay open for ever.
func (m *Metrics) Forget(last, now config.Servers) {
	for _, p := range last {
		if _, err := now.Named(p.Name); err == nil {
			continue
		}
		of := prometheus.Labels{labelServer: p.Name}
		for _, family := range []interface{ DeletePartialMatch(prometheus.Labels) int }{m.queries, m.duration, m.shared, m.spared, m.open, m.annotations} {
			family.DeletePartialMatch(of)
		}
	}
}

// counts are the metrics of one server.
type counts struct {
	*Metrics // of all servers

	queries  *prometheus.CounterVec // by outcome
	duration prometheus.ObserverVec // by endpoint
	shared   prometheus.Counter
	spared   *prometheus.CounterVec // by reason
	open     prometheus.Gauge

	annotations *prometheus.CounterVec // by outcome
}

// of returns the metrics of a server; m may be nil.
func (m *Metrics) of(server string) *counts {
	if m == nil {
		m = NewMetrics(nil)
	}
	own := prometheus.Labels{labelServer: server}
	c := &counts{
		Metrics: m, queries: m.queries.MustCurryWith(own), duration: m.duration.MustCurryWith(own),
		shared: m.shared.With(own), spared: m.spared.MustCurryWith(own), open: m.open.With(own),
		annotations: m.annotations.MustCurryWith(own),
	}
	for _, o := range []outcome{outcomeOK, outcomeRefused, outcomeTimeout, outcomeUnreachable, outcomeCanceled} {
		c.queries.WithLabelValues(string(o))
	}
	for _, r := range []string{sparedBudget, sparedStorm, sparedBreaker} {
		c.spared.WithLabelValues(r)
	}
	for _, o := range []string{annotationsUsed, annotationsMistaken, annotationsUnread} {
		c.annotations.WithLabelValues(o)
	}
	return c
}

// Reasons for not sending a query.
const (
	sparedBudget  = "budget"
	sparedStorm   = "storm"
	sparedBreaker = "breaker"
)

// Outcomes of reading annotations of alerting rules.
const (
	annotationsUsed     = "used"
	annotationsMistaken = "mistaken"
	annotationsUnread   = "unread"
)

func (c *counts) annotated(outcome string) { c.annotations.WithLabelValues(outcome).Inc() }

// spent records the cost of an analysis since the last record: a narrowed second pass counts
// separately.
func (m *Metrics) spent(b *budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	cost := limits{b.queries, b.most.series - b.seriesLeft(), b.samples}
	m.asked.Observe(float64(cost.queries - b.noted.queries))
	m.series.Observe(float64(cost.series - b.noted.series))
	m.samples.Observe(float64(cost.samples - b.noted.samples))
	b.noted = cost
}

func (c *counts) observe(endpoint string, took time.Duration, err error) {
	c.queries.WithLabelValues(string(outcomeOf(err))).Inc()
	c.duration.WithLabelValues(endpoint).Observe(took.Seconds())
}

// outcome is a closed set of ways in which a request ends.
type outcome string

const (
	outcomeOK          outcome = "ok"
	outcomeRefused     outcome = "refused" // the server answered with an error
	outcomeTimeout     outcome = "timeout"
	outcomeUnreachable outcome = "unreachable"
	outcomeCanceled    outcome = "canceled"
)

func outcomeOf(err error) outcome {
	var api *v1.Error
	switch {
	case err == nil:
		return outcomeOK
	case errors.Is(err, context.DeadlineExceeded):
		return outcomeTimeout
	case errors.Is(err, context.Canceled):
		return outcomeCanceled
	case errors.As(err, new(*bounded.Cut)):
		return outcomeRefused
	case errors.As(err, &api):
		if api.Type == v1.ErrTimeout {
			return outcomeTimeout
		}
		return outcomeRefused
	default:
		return outcomeUnreachable
	}
}
