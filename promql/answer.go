package promql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Answer is what Prometheus said to one query.
type Answer struct {
	Value    model.Value
	Warnings []string // of the server, such as missing stores of Thanos
	Err      error

	cut int // series of which only so many are here; 0: these are all
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

// request asks Prometheus one question.
func (f *Fetcher) request(ctx context.Context, q Query) Answer {
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
		a.hold(f.limit(q))
	}
	return a
}

// limit is how many series an answer may have.
func (f *Fetcher) limit(q Query) int {
	points := 1
	if !q.instant() {
		points = int(q.End.Sub(q.Start)/q.Step) + 1
	}
	return max(1, min(f.most.series, mostPoints/points))
}

// hold holds an answer to a number of series, also where the server doesn't
// know the parameter `limit`. The server's own word about it is left out.
func (a *Answer) hold(most int) {
	switch v := a.Value.(type) {
	case model.Vector:
		if len(v) > most {
			a.Value, a.cut = v[:most], most
		}
	case model.Matrix:
		if len(v) > most {
			a.Value, a.cut = v[:most], most
		}
	}
	a.Warnings = slices.DeleteFunc(a.Warnings, func(w string) bool { return strings.Contains(w, "truncated due to limit") })
}

// unreached says whether err is about the way to the server; an error page
// (502) is a proxy's.
func unreached(err error) bool {
	var api *v1.Error
	if errors.As(err, &api) {
		return api.Type == v1.ErrServer
	}
	return err != nil && !errors.As(err, new(*overBudget))
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
