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

// ErrUnreachable is the error of a fetch to which no query was answered.
var ErrUnreachable = errors.New("Prometheus is unreachable")

// The limits, where the configuration doesn't say.
const (
	defaultConcurrency = 4 // of the 20 that a Prometheus allows
	defaultTimeout     = 10 * time.Second
	defaultMaxSeries   = 20_000
	defaultMaxQueries  = 500
	defaultMaxSamples  = 5_000_000
	defaultMaxTime     = time.Minute
	mostPoints         = 2_000_000 // of one answer
)

// Fetcher asks one Prometheus. It is safe for concurrent use; its limit on
// queries at a time holds for all users together. What one alert has asked
// isn't asked again for another within a minute.
type Fetcher struct {
	name     string // in the configuration; empty: it is the only one
	client   *bounded.Client
	api      v1.API // what isn't a query
	ruler    v1.API // rules and their alerts
	metrics  *counts
	turns    chan struct{}
	timeout  time.Duration
	most     limits
	mostTime time.Duration

	memory  *memory
	book    *memory // of the rules only: the answers of a storm don't push them out
	breaker breaker
	storms  *storms
	alerts  sharedAlerts
}

// NewFetcher returns a Fetcher for the server of the configuration. It doesn't
// connect. A nil m counts nothing.
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
		turns:   make(chan struct{}, cmp.Or(max(0, conf.MaxConcurrentQueries), defaultConcurrency)),
		timeout: cmp.Or(max(0, time.Duration(conf.QueryTimeout)), defaultTimeout),
		most: limits{
			queries: cmp.Or(max(0, conf.MaxQueries), defaultMaxQueries),
			series:  cmp.Or(max(0, conf.MaxSeries), defaultMaxSeries),
			samples: cmp.Or(max(0, conf.MaxSamples), defaultMaxSamples),
		},
		mostTime: cmp.Or(max(0, time.Duration(conf.MaxTime)), defaultMaxTime),
		memory:   newMemory(),
		book:     newMemory(),
		storms:   newStorms(),
	}
	f.book.failing = f.timeout // as long as a server that hangs may have kept an alert waiting
	return f, nil
}

// Name is that of the server in the configuration; it is empty if it has none.
func (f *Fetcher) Name() string { return f.name }

// CloseIdleConnections gives the connections back that nobody uses.
func (f *Fetcher) CloseIdleConnections() { f.client.CloseIdleConnections() }

// withoutAlerts reads rules without their alerts, which may be thousands:
// Prometheus knows of that from 2.53 on.
type withoutAlerts struct{ *bounded.Client }

func (c withoutAlerts) URL(endpoint string, args map[string]string) *url.URL {
	u := c.Client.URL(endpoint, args)
	if strings.HasSuffix(endpoint, "/rules") {
		u.RawQuery += "&exclude_alerts=true"
	}
	return u
}

// do makes one request when it is its turn, unless the server is being left
// alone.
func (f *Fetcher) do(ctx context.Context, endpoint string, request func(context.Context) error) error {
	select {
	case f.turns <- struct{}{}:
		defer func() { <-f.turns }()
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
	err := spoken(request(within))
	tracing.End(span, err)
	f.metrics.observe(endpoint, time.Since(start), err)
	if ctx.Err() != nil && err != nil {
		return gaveUp{context.Cause(ctx)}
	}
	f.learn(err)
	return err
}

// gaveUp is the error of who asked, for want of time or interest. It says
// nothing of the server.
type gaveUp struct{ error }

func (e gaveUp) Unwrap() error { return e.error }

// learn tells the breaker how a request ended.
func (f *Fetcher) learn(err error) {
	open := 0.0
	if f.breaker.note(time.Now(), !unreached(err)) {
		open = 1
	}
	f.metrics.open.Set(open)
}

// spoken is an error with what the server said, which the client leaves aside
// for some statuses: a query that took too long answers 503.
func spoken(err error) error {
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
