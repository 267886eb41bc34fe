package promql

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// ErrUnreachable is the error of a fetch to which no query was answered.
var ErrUnreachable = errors.New("Prometheus is unreachable")

// The limits, where the configuration doesn't say.
const (
	defaultConcurrency = 4 // of the 20 that a Prometheus allows
	defaultTimeout     = 10 * time.Second
	defaultMaxSeries   = 20_000
	mostPoints         = 2_000_000 // of one answer
)

// Fetcher asks one Prometheus. It is safe for concurrent use; its limit on
// queries at a time holds for all users together.
type Fetcher struct {
	api       v1.API
	metrics   *Metrics
	turns     chan struct{}
	timeout   time.Duration
	maxSeries int

	alerts sharedAlerts
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
		api:       v1.NewAPI(uncached{c}),
		metrics:   m,
		turns:     make(chan struct{}, cmp.Or(max(0, conf.MaxConcurrentQueries), defaultConcurrency)),
		timeout:   cmp.Or(max(0, time.Duration(conf.QueryTimeout)), defaultTimeout),
		maxSeries: cmp.Or(max(0, conf.MaxSeries), defaultMaxSeries),
	}, nil
}

// uncached adds nocache=1 to every address: with it VictoriaMetrics leaves
// start and end of a range alone; others ignore it.
type uncached struct{ api.Client }

func (c uncached) URL(endpoint string, args map[string]string) *url.URL {
	u := c.Client.URL(endpoint, args)
	q := u.Query()
	q.Set("nocache", "1")
	u.RawQuery = q.Encode()
	return u
}

// do makes one request when it is its turn.
func (f *Fetcher) do(ctx context.Context, endpoint string, request func(context.Context) error) error {
	select {
	case f.turns <- struct{}{}:
		defer func() { <-f.turns }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	start := time.Now()
	err := spoken(request(ctx))
	f.metrics.observe(endpoint, time.Since(start), err)
	return err
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

// Answer is what Prometheus said to one query.
type Answer struct {
	Value    model.Value
	Warnings []string // of the server, such as missing stores of Thanos
	Err      error
}

// Answers are keyed by query, so they are the same in whatever order they
// came.
type Answers map[string]Answer

// errNothing stands for the answer to what nobody asked.
var errNothing = errors.New("not asked")

// to returns the answer to q; its error says so if q was not asked.
func (a Answers) to(q Query) Answer {
	if answer, ok := a[q.key()]; ok {
		return answer
	}
	return Answer{Err: errNothing}
}

// query asks one question.
func (f *Fetcher) query(ctx context.Context, q Query) Answer {
	var a Answer
	endpoint := "query"
	if !q.instant() {
		endpoint = "query_range"
	}
	limit := v1.WithLimit(uint64(f.limit(q) + 1)) // one more tells that there are more
	a.Err = f.do(ctx, endpoint, func(ctx context.Context) error {
		var w v1.Warnings
		var err error
		if q.instant() {
			a.Value, w, _, err = f.api.Query(ctx, q.Query, q.End, v1.WithTimeout(f.timeout), limit)
		} else {
			a.Value, w, _, err = f.api.QueryRange(ctx, q.Query, v1.Range{Start: q.Start, End: q.End, Step: q.Step}, v1.WithTimeout(f.timeout), limit)
		}
		a.Warnings = w
		return err
	})
	if a.Err == nil {
		f.cut(&a, f.limit(q))
	}
	return a
}

// seriesOf asks for the series that selectors select.
func (f *Fetcher) seriesOf(ctx context.Context, selectors []string, start, end time.Time) (series []model.LabelSet, said v1.Warnings, err error) {
	err = f.do(ctx, "series", func(ctx context.Context) (err error) {
		series, said, _, err = f.api.Series(ctx, selectors, start, end, v1.WithLimit(seriesSample))
		return err
	})
	return series[:min(len(series), seriesSample)], said, err
}

// limit is how many series an answer may have.
func (f *Fetcher) limit(q Query) int {
	points := 1
	if !q.instant() {
		points = int(q.End.Sub(q.Start)/q.Step) + 1
	}
	return max(1, min(f.maxSeries, mostPoints/points))
}

// cut holds an answer to a number of series, also where the server doesn't
// know the parameter `limit`. The server's own word about it is replaced.
func (f *Fetcher) cut(a *Answer, most int) {
	cut := false
	switch v := a.Value.(type) {
	case model.Vector:
		if cut = len(v) > most; cut {
			a.Value = v[:most]
		}
	case model.Matrix:
		if cut = len(v) > most; cut {
			a.Value = v[:most]
		}
	}
	kept := a.Warnings[:0]
	for _, w := range a.Warnings {
		if !strings.Contains(w, "truncated due to limit") {
			kept = append(kept, w)
		}
	}
	a.Warnings = kept
	if cut {
		a.Warnings = append(a.Warnings, fmt.Sprintf("more than %d series: only the first %d were looked at; hint: aggregate more in the query, or raise prometheus.max_series", most, most))
	}
}

// ask asks all questions, each once, and returns when all are answered. When
// the first of them show that nobody answers, the rest is not asked.
func (f *Fetcher) ask(ctx context.Context, qs []Query) Answers {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := Answers{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var reached, missed int
	started := map[string]bool{}
	for _, q := range qs {
		key := q.key()
		if started[key] {
			continue
		}
		started[key] = true
		wg.Go(func() {
			a := f.query(ctx, q)
			if cause := context.Cause(ctx); a.Err != nil && errors.Is(cause, ErrUnreachable) {
				a.Err = cause
			}
			mu.Lock()
			defer mu.Unlock()
			answers[key] = a
			if unreached(a.Err) {
				missed++
			} else {
				reached++
			}
			if reached == 0 && missed >= cap(f.turns) {
				cancel(fmt.Errorf("%w: %w", ErrUnreachable, a.Err))
			}
		})
	}
	wg.Wait()
	return answers
}

// unreached says whether err is about the way to the server; an error page
// (502) is a proxy's.
func unreached(err error) bool {
	var api *v1.Error
	if errors.As(err, &api) {
		return api.Type == v1.ErrServer
	}
	return err != nil
}

// explain is an error of Prometheus in words for people.
func explain(err error) string {
	var api *v1.Error
	switch {
	case errors.As(err, &api) && api.Type == v1.ErrTimeout, errors.Is(err, context.DeadlineExceeded):
		return "Prometheus took too long; hint: raise prometheus.query_timeout, or ask for less"
	case errors.As(err, &api):
		return fmt.Sprintf("Prometheus refused the query (%s): %s", api.Type, api.Msg)
	default:
		return err.Error()
	}
}
