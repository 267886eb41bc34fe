// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// The handlers below are a thin layer over the engine with the answers of
// Prometheus 3. The server's own package for this (web/api/v1) would bring
// OpenAPI, remote write and OpenTelemetry's collector with it: a hundred more
// packages, for nothing that a client of queries sees.

// maxPoints is the server's bound on the points of a range query.
const maxPoints = 11_000

// apiError is an error with the type that the API names it by.
type apiError struct {
	typ    string
	status int
	err    error
}

func (e *apiError) Error() string { return e.err.Error() }

// badData is the answer to a question that makes no sense.
func badData(format string, args ...any) error {
	return &apiError{"bad_data", http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// answer is a successful answer: Data is encoded as JSON unless it is already.
type answer struct {
	data     any
	warnings annotations.Annotations
}

// handler routes the HTTP API.
func (p *Prometheus) handler() http.Handler {
	mux := http.NewServeMux()
	route := func(path string, h func(*http.Request) (answer, error)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { respond(w, r, h) })
	}
	route("/api/v1/query", p.query)
	route("/api/v1/query_range", p.queryRange)
	route("/api/v1/query_exemplars", p.queryExemplars)
	route("/api/v1/series", p.series)
	route("/api/v1/labels", p.labelNames)
	route("/api/v1/label/{name}/values", p.labelValues)
	route("/api/v1/rules", p.listRules)
	route("/api/v1/alerts", p.listAlerts)
	route("/api/v1/status/buildinfo", p.buildInfo)
	route("/api/v1/status/config", p.statusConfig)
	mux.HandleFunc("/-/healthy", ok)
	mux.HandleFunc("/-/ready", ok)
	return mux
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Prometheus Server is Ready.") }

// respond writes an answer or an error in the envelope of the API.
func respond(w http.ResponseWriter, r *http.Request, h func(*http.Request) (answer, error)) {
	var a answer
	err := r.ParseForm()
	if err == nil {
		a, err = h(r)
	}
	body := struct {
		Status    string   `json:"status"`
		Data      any      `json:"data,omitempty"`
		ErrorType string   `json:"errorType,omitempty"`
		Error     string   `json:"error,omitempty"`
		Warnings  []string `json:"warnings,omitempty"`
		Infos     []string `json:"infos,omitempty"`
	}{Status: "success", Data: a.data}
	body.Warnings, body.Infos = a.warnings.AsStrings(r.Form.Get("query"), 10, 10)
	status := http.StatusOK
	if err != nil {
		failure := asAPIError(err)
		status = failure.status
		body.Status, body.Data, body.ErrorType, body.Error = "error", nil, failure.typ, failure.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// asAPIError names an error as the server does.
func asAPIError(err error) *apiError {
	var api *apiError
	var canceled promql.ErrQueryCanceled
	var timeout promql.ErrQueryTimeout
	var failed promql.ErrStorage
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return &apiError{"canceled", 499, err}
	case errors.As(err, &timeout):
		return &apiError{"timeout", http.StatusServiceUnavailable, err}
	case errors.As(err, &failed):
		return &apiError{"internal", http.StatusInternalServerError, err}
	}
	return &apiError{"execution", http.StatusUnprocessableEntity, err}
}

func (p *Prometheus) query(r *http.Request) (answer, error) {
	t, err := timeParam(r, "time", time.Now())
	if err != nil {
		return answer{}, err
	}
	q, err := p.engine.NewInstantQuery(r.Context(), p.db, nil, r.Form.Get("query"), t)
	if err != nil {
		return answer{}, badData("invalid parameter \"query\": %w", err)
	}
	return execute(r, q)
}

func (p *Prometheus) queryRange(r *http.Request) (answer, error) {
	start, err := timeParam(r, "start", time.Time{})
	if err != nil {
		return answer{}, err
	}
	end, err := timeParam(r, "end", time.Time{})
	if err != nil {
		return answer{}, err
	}
	step, err := durationParam(r, "step")
	if err != nil {
		return answer{}, err
	}
	if step <= 0 || end.Before(start) {
		return answer{}, badData("step must be positive and end not before start, have step %s from %s to %s", step, start, end)
	}
	if end.Sub(start)/step > maxPoints {
		return answer{}, badData("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	q, err := p.engine.NewRangeQuery(r.Context(), p.db, nil, r.Form.Get("query"), start, end, step)
	if err != nil {
		return answer{}, badData("invalid parameter \"query\": %w", err)
	}
	return execute(r, q)
}

// execute runs a query within the timeout and the limit of the request.
func execute(r *http.Request, q promql.Query) (answer, error) {
	defer q.Close()
	ctx := r.Context()
	if r.Form.Has("timeout") {
		timeout, err := durationParam(r, "timeout")
		if err != nil {
			return answer{}, err
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	limit, err := limitParam(r)
	if err != nil {
		return answer{}, err
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		return answer{}, res.Err
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
	return answer{json.RawMessage(encodeValue(res.Value)), warnings}, nil
}

func (p *Prometheus) series(r *http.Request) (answer, error) {
	selectors, err := p.selectors(r)
	if err != nil {
		return answer{}, err
	}
	if len(selectors) == 0 {
		return answer{}, badData("no match[] parameter provided")
	}
	limit, err := limitParam(r)
	if err != nil {
		return answer{}, err
	}
	querier, err := p.querier(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = querier.Close() }()
	sets := make([]storage.SeriesSet, len(selectors))
	for i, matchers := range selectors {
		sets[i] = querier.Select(r.Context(), true, nil, matchers...)
	}
	merged := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	list := []labels.Labels{}
	for merged.Next() {
		list = append(list, merged.At().Labels())
	}
	return limited(list, limit, merged.Warnings()), merged.Err()
}

func (p *Prometheus) labelNames(r *http.Request) (answer, error) {
	return p.eachSelector(r, func(q storage.Querier, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(r.Context(), nil, matchers...)
	})
}

func (p *Prometheus) labelValues(r *http.Request) (answer, error) {
	name := model.UnescapeName(r.PathValue("name"), model.ValueEncodingEscaping)
	return p.eachSelector(r, func(q storage.Querier, matchers []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(r.Context(), name, nil, matchers...)
	})
}

// eachSelector asks for names or values once a selector, or once without any,
// and answers the union in order.
func (p *Prometheus) eachSelector(r *http.Request,
	ask func(storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error),
) (answer, error) {
	selectors, err := p.selectors(r)
	if err != nil {
		return answer{}, err
	}
	if len(selectors) == 0 {
		selectors = append(selectors, nil)
	}
	limit, err := limitParam(r)
	if err != nil {
		return answer{}, err
	}
	querier, err := p.querier(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = querier.Close() }()
	all := []string{}
	var warnings annotations.Annotations
	for _, matchers := range selectors {
		list, warns, err := ask(querier, matchers)
		if err != nil {
			return answer{}, err
		}
		warnings.Merge(warns)
		for _, s := range list {
			all = append(all, string([]byte(s))) // it must outlive the querier
		}
	}
	slices.Sort(all)
	return limited(slices.Compact(all), limit, warnings), nil
}

func (p *Prometheus) listAlerts(*http.Request) (answer, error) {
	list := []jsonAlert{}
	for _, rule := range p.rules.AlertingRules() {
		list = append(list, alertList(rule.ActiveAlerts())...)
	}
	return answer{data: map[string]any{"alerts": list}}, nil
}

func (p *Prometheus) listRules(r *http.Request) (answer, error) {
	groups := groupList(p.rules.RuleGroups(), r.Form.Get("type"))
	return answer{data: map[string]any{"groups": groups}}, nil
}

func (p *Prometheus) buildInfo(*http.Request) (answer, error) {
	return answer{data: map[string]string{
		"version": "3.15.0", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "",
	}}, nil
}

func (p *Prometheus) statusConfig(*http.Request) (answer, error) {
	text, err := p.configText()
	return answer{data: map[string]string{"yaml": text}}, err
}

// querier opens the database between the start and the end of a request.
func (p *Prometheus) querier(r *http.Request) (storage.Querier, error) {
	start, err := timeParam(r, "start", time.UnixMilli(math.MinInt64))
	if err != nil {
		return nil, err
	}
	end, err := timeParam(r, "end", time.UnixMilli(math.MaxInt64))
	if err != nil {
		return nil, err
	}
	return p.db.Querier(start.UnixMilli(), end.UnixMilli())
}

// selectors parses the match[] parameters.
func (p *Prometheus) selectors(r *http.Request) ([][]*labels.Matcher, error) {
	selectors, err := p.parser.ParseMetricSelectors(r.Form["match[]"])
	if err != nil {
		return nil, badData("invalid parameter \"match[]\": %w", err)
	}
	return selectors, nil
}

// limited answers at most limit elements of a list, or all if it is 0.
func limited[T any](list []T, limit int, warnings annotations.Annotations) answer {
	list, truncated := first(list, limit)
	if truncated {
		warnings = warnings.Add(errors.New("results truncated due to limit"))
	}
	return answer{list, warnings}
}

// first returns the first n elements of a list, or all if n is 0, and whether
// some were left out.
func first[S ~[]T, T any](list S, n int) (S, bool) {
	if n == 0 || len(list) <= n {
		return list, false
	}
	return list[:n], true
}

// limitParam reads the parameter limit; 0 is none.
func limitParam(r *http.Request) (int, error) {
	s := r.Form.Get("limit")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, badData("invalid parameter \"limit\": %q is no count", s)
	}
	return n, nil
}

// timeParam reads a time as Unix seconds or RFC 3339. Without a fallback it is
// required.
func timeParam(r *http.Request, name string, fallback time.Time) (time.Time, error) {
	s := r.Form.Get(name)
	if s == "" && !fallback.IsZero() {
		return fallback, nil
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, badData("invalid parameter %q: cannot parse %q to a valid timestamp", name, s)
	}
	return t, nil
}

// durationParam reads a duration as seconds or as in PromQL.
func durationParam(r *http.Request, name string) (time.Duration, error) {
	s := r.Form.Get(name)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, badData("invalid parameter %q: cannot parse %q to a valid duration", name, s)
	}
	return time.Duration(d), nil
}
