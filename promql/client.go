// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/bounded"
	"github.com/culprit-dev/culprit/tracing"
)

// ErrUnreachable is the error of a fetch in which no query was answered.
var ErrUnreachable = errors.New("Prometheus is unreachable")

// The limits, unless configured.
const (
	defaultConcurrency = 4 // of the 20 that a Prometheus allows
	defaultTimeout     = 10 * time.Second
	defaultMaxSeries   = 20_000
	defaultMaxQueries  = 500
	defaultMaxSamples  = 5_000_000
	defaultMaxTime     = time.Minute
	mostPoints         = 2_000_000 // per answer
)

// Fetcher queries one Prometheus. It is safe for concurrent use: its limit on concurrent
// queries covers all users together, and answers are shared for a minute.
type Fetcher struct {
	name     string // as configured; empty: it is the only server
	client   *bounded.Client
	api      v1.API // endpoints other than queries
	ruler    v1.API // rules and their alerts
	metrics  *counts
	slots    chan struct{}
	timeout  time.Duration
	most     limits
	mostTime time.Duration

	memory     *memory // answers to queries
	ruleMemory *memory // rules only, so that the answers of a storm don't evict them
	breaker    breaker
	storms     *storms
	alerts     sharedAlerts
}

// NewFetcher returns a Fetcher for the configured server. It doesn't connect. A nil m counts
// nothing.
func NewFetcher(conf config.Prometheus, m *Metrics) (*Fetcher, error) {
	client, err := bounded.New(conf)
	if err != nil {
		return nil, err
	}
	ruler, err := bounded.NewRuler(conf)
	if err != nil {
		return nil, err
	}
	f := &Fetcher{
		name:    conf.Name,
		client:  client,
		api:     client.API(),
		ruler:   v1.NewAPI(withoutAlerts{ruler}),
		metrics: m.of(conf.Name),
		slots:   make(chan struct{}, cmp.Or(max(0, conf.MaxConcurrentQueries), defaultConcurrency)),
		timeout: cmp.Or(max(0, time.Duration(conf.QueryTimeout)), defaultTimeout),
		most: limits{
			queries: cmp.Or(max(0, conf.MaxQueries), defaultMaxQueries),
			series:  cmp.Or(max(0, conf.MaxSeries), defaultMaxSeries),
			samples: cmp.Or(max(0, conf.MaxSamples), defaultMaxSamples),
		},
		mostTime:   cmp.Or(max(0, time.Duration(conf.MaxTime)), defaultMaxTime),
		memory:     newMemory(),
		ruleMemory: newMemory(),
		storms:     newStorms(),
	}
	f.ruleMemory.failing = f.timeout // as long as a server that hangs may have delayed an alert
	return f, nil
}

// Name returns the configured name of the server; it may be empty.
func (f *Fetcher) Name() string { return f.name }

// CloseIdleConnections closes the connections that are not in use.
func (f *Fetcher) CloseIdleConnections() { f.client.CloseIdleConnections() }

// withoutAlerts requests rules without their alerts, of which there may be thousands;
// Prometheus 2.53 and later support that.
type withoutAlerts struct{ *bounded.Client }

func (c withoutAlerts) URL(endpoint string, args map[string]string) *url.URL {
	u := c.Client.URL(endpoint, args)
	if strings.HasSuffix(endpoint, "/rules") {
		u.RawQuery += "&exclude_alerts=true"
	}
	return u
}

// do makes one request, waiting for a slot. It fails at once while the breaker is open.
func (f *Fetcher) do(ctx context.Context, endpoint string, request func(context.Context) error) error {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return gaveUp{context.Cause(ctx)}
	}
	if err := f.breaker.allow(time.Now()); err != nil {
		f.metrics.spared.WithLabelValues(sparedBreaker).Inc()
		return err
	}
	defer f.breaker.forget() // also if the request panics
	within, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	start := time.Now()
	within, span := tracing.Start(within, "prometheus "+endpoint, oteltrace.WithSpanKind(oteltrace.SpanKindClient))
	err := serverMessage(request(within))
	tracing.End(span, err)
	f.metrics.observe(endpoint, time.Since(start), err)
	if ctx.Err() != nil && err != nil {
		return gaveUp{context.Cause(ctx)}
	}
	f.learn(err)
	return err
}

// gaveUp wraps the error of a caller that was cancelled or out of time. It says nothing about
// the server.
type gaveUp struct{ error }

func (e gaveUp) Unwrap() error { return e.error }

// learn reports to the breaker how a request ended.
func (f *Fetcher) learn(err error) {
	open := 0.0
	if f.breaker.note(time.Now(), !unreached(err)) {
		open = 1
	}
	f.metrics.open.Set(open)
}

// serverMessage returns an error with the server's own message, which the client drops for some
// statuses: a query that took too long gets a 503.
func serverMessage(err error) error {
	var api *v1.Error
	if !errors.As(err, &api) || api.Detail == "" {
		return err
	}
	var body struct{ ErrorType, Error string }
	if json.Unmarshal([]byte(api.Detail), &body) != nil || body.Error == "" {
		return err
	}
	return bounded.Refused(v1.ErrorType(body.ErrorType), body.Error)
}
