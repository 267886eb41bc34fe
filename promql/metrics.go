package promql

import (
	"context"
	"errors"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics count what Prometheus is asked. They outlive a Fetcher, which is
// made anew when the configuration is reloaded.
type Metrics struct {
	queries  *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// NewMetrics registers the metrics; reg may be nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		queries: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_prometheus_queries_total",
			Help: "Requests to Prometheus by outcome: ok, refused, timeout, unreachable or canceled.",
		}, []string{"outcome"}),
		duration: promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
			Name:    "culprit_prometheus_query_duration_seconds",
			Help:    "Time that Prometheus took to answer, without waiting for a turn.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"endpoint"}),
	}
	for _, o := range []outcome{outcomeOK, outcomeRefused, outcomeTimeout, outcomeUnreachable, outcomeCanceled} {
		m.queries.WithLabelValues(string(o))
	}
	return m
}

func (m *Metrics) observe(endpoint string, took time.Duration, err error) {
	m.queries.WithLabelValues(string(outcomeOf(err))).Inc()
	m.duration.WithLabelValues(endpoint).Observe(took.Seconds())
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
	case errors.As(err, &api):
		if api.Type == v1.ErrTimeout {
			return outcomeTimeout
		}
		return outcomeRefused
	default:
		return outcomeUnreachable
	}
}
