// SPDX-License-Identifier: Apache-2.0

package promtest

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
)

func (s *Server) query(r *http.Request) (any, error) {
	at, err := timeOf(r, "time")
	if err != nil {
		return nil, err
	}
	q, err := s.engine.NewInstantQuery(r.Context(), s.db, nil, r.Form.Get("query"), at)
	if err != nil {
		return nil, badData("invalid parameter \"query\": %w", err)
	}
	return s.execute(r, q)
}

func (s *Server) queryRange(r *http.Request) (any, error) {
	start, err := timeOf(r, "start")
	if err != nil {
		return nil, err
	}
	end, err := timeOf(r, "end")
	if err != nil {
		return nil, err
	}
	step, err := strconv.ParseFloat(r.Form.Get("step"), 64)
	if err != nil || step <= 0 {
		return nil, badData("invalid parameter \"step\": %q", r.Form.Get("step"))
	}
	if end.Sub(start).Seconds()/step > 11_000 {
		return nil, badData("exceeded maximum resolution of 11,000 points per timeseries")
	}
	q, err := s.engine.NewRangeQuery(r.Context(), s.db, nil, r.Form.Get("query"), start, end, time.Duration(step*float64(time.Second)))
	if err != nil {
		return nil, badData("invalid parameter \"query\": %w", err)
	}
	return s.execute(r, q)
}

// timeOf reads Unix seconds with a fraction.
func timeOf(r *http.Request, name string) (time.Time, error) {
	sec, err := strconv.ParseFloat(r.Form.Get(name), 64)
	if err != nil {
		return time.Time{}, badData("invalid parameter %q: %w", name, err)
	}
	return time.UnixMilli(int64(math.Round(sec * 1000))).UTC(), nil
}

func (s *Server) execute(r *http.Request, q promql.Query) (any, error) {
	defer q.Close()
	res := q.Exec(r.Context())
	if res.Err != nil {
		return nil, res.Err
	}
	switch v := res.Value.(type) {
	case promql.Vector:
		return result("vector", vector(v, s.limit(r))), nil
	case promql.Matrix:
		return result("matrix", matrix(v, s.limit(r))), nil
	case promql.Scalar:
		return result("scalar", point(v.T, v.V)), nil
	default:
		return nil, fmt.Errorf("promtest: no answer of type %s", v.Type())
	}
}

func result(typ string, v any) any {
	return map[string]any{"resultType": typ, "result": v}
}

// limit cuts a result after the evaluation, as Prometheus does; 0 is none.
func (s *Server) limit(r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil || s.noLimit || n == 0 {
		return math.MaxInt
	}
	return n
}

func vector(v promql.Vector, limit int) any {
	out := []any{}
	for _, s := range v[:min(len(v), limit)] {
		out = append(out, map[string]any{"metric": s.Metric.Map(), "value": point(s.T, s.F)})
	}
	return out
}

func matrix(m promql.Matrix, limit int) any {
	out := []any{}
	for _, s := range m[:min(len(m), limit)] {
		values := make([]any, len(s.Floats))
		for i, p := range s.Floats {
			values[i] = point(p.T, p.F)
		}
		out = append(out, map[string]any{"metric": s.Metric.Map(), "values": values})
	}
	return out
}

func point(ms int64, v float64) any {
	return []any{float64(ms) / 1000, strconv.FormatFloat(v, 'f', -1, 64)}
}

// each calls f for the labels of every series that a match[] selects.
func (s *Server) each(r *http.Request, f func(labels.Labels)) error {
	start, err := timeOf(r, "start")
	if err != nil {
		return err
	}
	end, err := timeOf(r, "end")
	if err != nil {
		return err
	}
	selectors, err := parser.NewParser(promqltest.TestParserOpts).ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return badData("invalid parameter \"match[]\": %w", err)
	}
	q, err := s.db.Querier(start.UnixMilli(), end.UnixMilli())
	if err != nil {
		return err
	}
	defer func() { _ = q.Close() }()
	for _, ms := range selectors {
		set := q.Select(r.Context(), true, &storage.SelectHints{Start: start.UnixMilli(), End: end.UnixMilli(), Func: "series"}, ms...)
		for set.Next() {
			f(set.At().Labels())
		}
		if err := set.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) series(r *http.Request) (any, error) {
	out := []map[string]string{}
	limit := s.limit(r)
	err := s.each(r, func(ls labels.Labels) {
		if len(out) < limit {
			out = append(out, ls.Map())
		}
	})
	return out, err
}

func (s *Server) labelNames(r *http.Request) (any, error) {
	var names []string
	err := s.each(r, func(ls labels.Labels) {
		ls.Range(func(l labels.Label) { names = append(names, l.Name) })
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

func (s *Server) labelValues(r *http.Request, label string) (any, error) {
	var values []string
	err := s.each(r, func(ls labels.Labels) {
		if v := ls.Get(label); v != "" {
			values = append(values, v)
		}
	})
	slices.Sort(values)
	return slices.Compact(values), err
}

// labelOf reads the label of /api/v1/label/NAME/values.
func labelOf(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/api/v1/label/")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "/values")
}
