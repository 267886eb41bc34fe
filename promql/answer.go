// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/attribute"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/culprit-dev/culprit/promql/bounded"
)

// Answer is the answer of Prometheus to one query.
type Answer struct {
	Value    model.Value
	Warnings []string // of the server, such as unavailable stores of Thanos
	Err      error

	cut *bounded.Cut // what is missing from it; nil: nothing
}

// Answers maps query keys to answers, so that the order of arrival does not matter.
type Answers map[string]Answer

// errNothing is the error of a query that was not sent.
var errNothing = errors.New("not asked")

// to returns the answer to q, or one with errNothing.
func (a Answers) to(q Query) Answer {
	if answer, ok := a[q.key()]; ok {
		return answer
	}
	return Answer{Err: errNothing}
}

// request sends one query.
func (f *Fetcher) request(ctx context.Context, q Query) Answer {
	var a Answer
	endpoint := "query"
	if !q.instant() {
		endpoint = "query_range"
	}
	err := f.do(ctx, endpoint, func(ctx context.Context) error {
		q.describe(oteltrace.SpanFromContext(ctx))
		var err error
		a.Value, a.Warnings, err = f.client.Query(ctx, bounded.Question{
			Query: q.Query, Start: q.Start, End: q.End, Step: q.Step, Timeout: f.timeout,
			Series: f.limit(q), Samples: mostPoints,
		})
		if errors.As(err, &a.cut) && a.Value != nil { // use the part that was read
			err = nil // what was read is of use
		}
		return err
	})
	a.Err = err
	a.Warnings = slices.DeleteFunc(a.Warnings, func(w string) bool { return strings.Contains(w, "truncated due to limit") })
	return a
}

// describe adds the query to a span.
func (q Query) describe(span oteltrace.Span) {
	if span.IsRecording() {
		span.SetAttributes(attribute.String("culprit.role", string(q.Role)), attribute.String("culprit.name", q.Name), attribute.String("db.query.text", q.Query))
	}
}

// limit returns how many series an answer may have. The query for earlier firings gives one
// series; a server that answers more is confused.
func (f *Fetcher) limit(q Query) int {
	if q.Role == RoleBaseline {
		return 1
	}
	points := 1
	if !q.instant() {
		points = int(q.End.Sub(q.Start)/q.Step) + 1
	}
	return max(1, min(f.most.series, mostPoints/points))
}

// unreached says whether err means that the server was not reached. An error page (502) comes
// from a proxy.
func unreached(err error) bool {
	var api *v1.Error
	if errors.As(err, &api) {
		return api.Type == v1.ErrServer
	}
	return err != nil && !errors.As(err, new(*overBudget)) && !errors.As(err, new(*bounded.Cut))
}

// explain words an error of Prometheus for people.
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

// missing returns the queries that have not been sent yet.
func (a Answers) missing(qs []Query) []Query {
	return slices.DeleteFunc(slices.Clone(qs), func(q Query) bool { _, asked := a[q.key()]; return asked })
}

// unreached returns an error if none of the queries was answered.
func (a Answers) unreached(qs []Query) error {
	var first error
	for _, q := range qs {
		err := a.to(q).Err
		if !unreached(err) {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil || errors.Is(first, ErrUnreachable) {
		return first
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, first)
}

// each calls f for every series.
func each(v model.Value, f func(model.Metric, []model.SamplePair)) {
	switch v := v.(type) {
	case model.Vector:
		for _, s := range v {
			f(s.Metric, []model.SamplePair{{Timestamp: s.Timestamp, Value: s.Value}})
		}
	case model.Matrix:
		for _, s := range v {
			f(s.Metric, s.Values)
		}
	}
}

// single returns the value of an answer with exactly one series, else 0.
func single(v model.Value) float64 {
	if vector, ok := v.(model.Vector); ok && len(vector) == 1 {
		return float64(vector[0].Value)
	}
	return 0
}
