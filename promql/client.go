package promql

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/config"
)

// ErrUnreachable is the error of a fetch to which no query was answered.
var ErrUnreachable = errors.New("Prometheus is unreachable")

// The limits, where the configuration doesn't say.
const (
	defaultConcurrency = 4 // of the 20 that a Prometheus allows
	defaultTimeout     = 10 * time.Second
	defaultMaxSeries   = 20_000
	defaultMaxQueries  = 500
	defaultMaxSamples  = 20_000_000
	defaultMaxTime     = time.Minute
	mostPoints         = 2_000_000 // of one answer
)

// Fetcher asks one Prometheus. It is safe for concurrent use; its limit on
// queries at a time holds for all users together. What one alert has asked
// isn't asked again for another within a minute.
type Fetcher struct {
	api      v1.API
	metrics  *Metrics
	turns    chan struct{}
	timeout  time.Duration
	most     limits
	mostTime time.Duration

	memory  *memory
	breaker breaker
	storms  *storms
	alerts  sharedAlerts
}

// NewFetcher returns a Fetcher for the server of the configuration. It doesn't
// connect. A nil m counts nothing.
func NewFetcher(conf config.Prometheus, m *Metrics) (*Fetcher, error) {
	if conf.URL == nil || conf.URL.URL == nil {
		return nil, errors.New("prometheus: no url; hint: set prometheus.url, as in http://prometheus:9090")
	}
	client, err := commonconfig.NewClientFromConfig(conf.HTTPConfig, "culprit")
	if err != nil {
		return nil, fmt.Errorf("prometheus: http_config: %w", err)
	}
	c, err := api.NewClient(api.Config{Address: conf.URL.String(), Client: client})
	if err != nil {
		return nil, fmt.Errorf("prometheus: url %s: %w", conf.URL.Redacted(), err)
	}
	if m == nil {
		m = NewMetrics(nil)
	}
	return &Fetcher{
		api:     v1.NewAPI(uncached{c}),
		metrics: m,
		turns:   make(chan struct{}, cmp.Or(max(0, conf.MaxConcurrentQueries), defaultConcurrency)),
		timeout: cmp.Or(max(0, time.Duration(conf.QueryTimeout)), defaultTimeout),
		most: limits{
			queries: cmp.Or(max(0, conf.MaxQueries), defaultMaxQueries),
			series:  cmp.Or(max(0, conf.MaxSeries), defaultMaxSeries),
			samples: cmp.Or(max(0, conf.MaxSamples), defaultMaxSamples),
		},
		mostTime: cmp.Or(max(0, time.Duration(conf.MaxTime)), defaultMaxTime),
		memory:   newMemory(),
		storms:   newStorms(),
	}, nil
}

// uncached adds nocache=1 to every address: with it VictoriaMetrics leaves
// start and end of a range alone; others ignore it. And it makes a warning of
// VictoriaMetrics' own way to say that some of its storage didn't answer.
type uncached struct{ api.Client }

func (c uncached) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	resp, body, err := c.Client.Do(ctx, req)
	const head = 100 // it stands before the data
	if n := min(head, len(body)); bytes.Contains(body[:n], []byte(`"isPartial":true`)) {
		body = bytes.Replace(body, []byte(`"isPartial":true`), []byte(`"warnings":["some of the storage did not answer (isPartial)"]`), 1)
	}
	return resp, body, err
}

func (c uncached) URL(endpoint string, args map[string]string) *url.URL {
	u := c.Client.URL(endpoint, args)
	q := u.Query()
	q.Set("nocache", "1")
	if strings.HasSuffix(endpoint, "/rules") {
		q.Set("exclude_alerts", "true") // they may be thousands; known from Prometheus 2.53 on
	}
	u.RawQuery = q.Encode()
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
	within, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	start := time.Now()
	err := spoken(request(within))
	f.metrics.observe(endpoint, time.Since(start), err)
	if ctx.Err() != nil && err != nil {
		f.breaker.forget()
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
	return &v1.Error{Type: v1.ErrorType(body.ErrorType), Msg: body.Error}
}
