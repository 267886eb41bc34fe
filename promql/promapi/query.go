// SPDX-License-Identifier: Apache-2.0

package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxPoints is Prometheus' limit on the points of a range query.
const maxPoints = 11_000

func (a API) query(r *http.Request) (Answer, error) {
	t, err := Time(r, "time", time.Now())
	if err != nil {
		return Answer{}, err
	}
	q, err := a.Engine.NewInstantQuery(r.Context(), a.Storage, nil, r.Form.Get("query"), t)
	if err != nil {
		return Answer{}, BadData("invalid parameter \"query\": %w", err)
	}
	return execute(r, q)
}

func (a API) queryRange(r *http.Request) (Answer, error) {
	start, err := Time(r, "start", time.Time{})
	if err != nil {
		return Answer{}, err
	}
	end, err := Time(r, "end", time.Time{})
	if err != nil {
		return Answer{}, err
	}
	step, err := duration(r, "step")
	if err != nil {
		return Answer{}, err
	}
	if step <= 0 || end.Before(start) {
		return Answer{}, BadData("step must be positive and end not before start, have step %s from %s to %s", step, start, end)
	}
	if end.Sub(start)/step > maxPoints {
		return Answer{}, BadData("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	q, err := a.Engine.NewRangeQuery(r.Context(), a.Storage, nil, r.Form.Get("query"), start, end, step)
	if err != nil {
		return Answer{}, BadData("invalid parameter \"query\": %w", err)
	}
	return execute(r, q)
}

// execute runs a query within the timeout and the limit of the request.
func execute(r *http.Request, q promql.Query) (Answer, error) {
	defer q.Close()
	ctx := r.Context()
	if r.Form.Has("timeout") {
		timeout, err := duration(r, "timeout")
		if err != nil {
			return Answer{}, err
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	limit, err := limitOf(r)
	if err != nil {
		return Answer{}, err
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		return Answer{}, res.Err
	}
	warnings, truncated := res.Warnings, false
	switch v := res.Value.(type) {
	case promql.Vector:
		res.Value, truncated = first(v, limit)
	case promql.Matrix:
		res.Value, truncated = first(v, limit)
	}
	if truncated {
		warnings = warnings.Add(errors.New("results truncated due to limit"))
	}
	return Answer{json.RawMessage(encodeValue(res.Value)), warnings}, nil
}

func (a API) series(r *http.Request) (Answer, error) {
	if len(r.Form["match[]"]) == 0 {
		return Answer{}, BadData("no match[] parameter provided")
	}
	return find(a, r, func(querier storage.Querier, selectors [][]*labels.Matcher) ([]labels.Labels, annotations.Annotations, error) {
		sets := make([]storage.SeriesSet, len(selectors))
		for i, matchers := range selectors {
			sets[i] = querier.Select(r.Context(), true, nil, matchers...)
		}
		merged := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
		list := []labels.Labels{}
		for merged.Next() {
			list = append(list, merged.At().Labels())
		}
		return list, merged.Warnings(), merged.Err()
	})
}

func (a API) labelNames(r *http.Request) (Answer, error) {
	return a.eachSelector(r, func(q storage.Querier, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(r.Context(), nil, matchers...)
	})
}

func (a API) labelValues(r *http.Request) (Answer, error) {
	name := model.UnescapeName(r.PathValue("name"), model.ValueEncodingEscaping)
	return a.eachSelector(r, func(q storage.Querier, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(r.Context(), name, nil, matchers...)
	})
}

// eachSelector queries names or values for each selector, or once without any, and answers with
// the sorted union.
func (a API) eachSelector(r *http.Request,
	ask func(storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error),
) (Answer, error) {
	return find(a, r, func(querier storage.Querier, selectors [][]*labels.Matcher) ([]string, annotations.Annotations, error) {
		if len(selectors) == 0 {
			selectors = append(selectors, nil)
		}
		all := []string{}
		var warnings annotations.Annotations
		for _, matchers := range selectors {
			list, warns, err := ask(querier, matchers)
			if err != nil {
				return nil, nil, err
			}
			warnings.Merge(warns)
			for _, s := range list {
				all = append(all, strings.Clone(s)) // it must outlive the querier
			}
		}
		slices.Sort(all)
		return slices.Compact(all), warnings, nil
	})
}

// find queries the storage with the selectors and time range of a request, and applies its
// limit.
func find[T any](a API, r *http.Request,
	look func(storage.Querier, [][]*labels.Matcher) ([]T, annotations.Annotations, error),
) (Answer, error) {
	selectors, err := a.Parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return Answer{}, BadData("invalid parameter \"match[]\": %w", err)
	}
	limit, err := limitOf(r)
	if err != nil {
		return Answer{}, err
	}
	querier, err := a.querier(r)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = querier.Close() }()
	list, warnings, err := look(querier, selectors)
	if err != nil {
		return Answer{}, err
	}
	return limited(list, limit, warnings), nil
}

// querier opens the storage for the time range of a request.
func (a API) querier(r *http.Request) (storage.Querier, error) {
	start, err := Time(r, "start", time.UnixMilli(math.MinInt64))
	if err != nil {
		return nil, err
	}
	end, err := Time(r, "end", time.UnixMilli(math.MaxInt64))
	if err != nil {
		return nil, err
	}
	return a.Storage.Querier(start.UnixMilli(), end.UnixMilli())
}

// limited answers with at most limit elements of a list; 0 is no limit.
func limited[T any](list []T, limit int, warnings annotations.Annotations) Answer {
	list, truncated := first(list, limit)
	if truncated {
		warnings = warnings.Add(errors.New("results truncated due to limit"))
	}
	return Answer{list, warnings}
}

// first returns the first n elements of a list, or all if n is 0, and whether any were left
// out.
func first[S ~[]T, T any](list S, n int) (S, bool) {
	if n == 0 || len(list) <= n {
		return list, false
	}
	return list[:n], true
}
