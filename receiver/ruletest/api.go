// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"github.com/culprit-dev/culprit/receiver/find"
)

// server answers the questions of a test as a Prometheus with these series
// would, by Prometheus' own engine, on a port of the loopback interface.
type server struct {
	store  store
	engine *promql.Engine
	http   *http.Server
	url    string
}

func newServer(s store) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	srv := &server{store: s, url: "http://" + listener.Addr().String()}
	srv.engine = promql.NewEngine(promql.EngineOpts{
		Logger: promslog.NewNopLogger(), MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
		Parser:                   find.QueryParser(),
	})
	srv.http = &http.Server{Handler: srv.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.http.Serve(listener) }() // ends with close
	return srv, nil
}

func (s *server) close() {
	_ = s.http.Close()
	_ = s.engine.Close()
}

// handler routes the part of Prometheus' HTTP API that asks for series.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for path, answer := range map[string]func(*http.Request) (any, error){
		"/api/v1/query":               s.query,
		"/api/v1/query_range":         s.queryRange,
		"/api/v1/series":              s.series,
		"/api/v1/labels":              s.labelNames,
		"/api/v1/label/{name}/values": s.labelValues,
		"/api/v1/rules":               func(*http.Request) (any, error) { return map[string]any{"groups": []any{}}, nil },
		"/api/v1/alerts":              func(*http.Request) (any, error) { return map[string]any{"alerts": []any{}}, nil },
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			data, err := any(nil), r.ParseForm()
			if err == nil {
				data, err = answer(r)
			}
			respond(w, data, err)
		})
	}
	return mux
}

func respond(w http.ResponseWriter, data any, err error) {
	body := map[string]any{"status": "success", "data": data}
	if err != nil {
		body = map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()}
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

func (s *server) query(r *http.Request) (any, error) {
	at, err := timeOf(r, "time")
	if err != nil {
		return nil, err
	}
	q, err := s.engine.NewInstantQuery(r.Context(), s.store, nil, r.Form.Get("query"), at)
	if err != nil {
		return nil, err
	}
	return execute(r, q)
}

func (s *server) queryRange(r *http.Request) (any, error) {
	start, errStart := timeOf(r, "start")
	end, errEnd := timeOf(r, "end")
	step, errStep := strconv.ParseFloat(r.Form.Get("step"), 64)
	if err := cmp.Or(errStart, errEnd, errStep); err != nil {
		return nil, err
	}
	q, err := s.engine.NewRangeQuery(r.Context(), s.store, nil, r.Form.Get("query"), start, end, time.Duration(step*float64(time.Second)))
	if err != nil {
		return nil, err
	}
	return execute(r, q)
}

func execute(r *http.Request, q promql.Query) (any, error) {
	defer q.Close()
	res := q.Exec(r.Context())
	if res.Err != nil {
		return nil, res.Err
	}
	limit := limitOf(r)
	switch v := res.Value.(type) {
	case promql.Vector:
		// The points are the engine's until q is closed: encode them now.
		return encoded("vector", append([]promql.Sample{}, v[:min(len(v), limit)]...))
	case promql.Matrix:
		return encoded("matrix", append([]promql.Series{}, v[:min(len(v), limit)]...))
	default:
		return encoded(string(v.Type()), v)
	}
}

func encoded(typ string, result any) (any, error) {
	text, err := json.Marshal(result)
	return map[string]any{"resultType": typ, "result": json.RawMessage(text)}, err
}

func (s *server) series(r *http.Request) (any, error) {
	list := []labels.Labels{}
	err := s.each(r, func(q querier, ms []*labels.Matcher) {
		for _, found := range q.matching(ms) {
			list = append(list, found.labels)
		}
	})
	return list[:min(len(list), limitOf(r))], err
}

func (s *server) labelNames(r *http.Request) (any, error) {
	return s.union(r, func(q querier, ms []*labels.Matcher) []string {
		names, _, _ := q.LabelNames(r.Context(), nil, ms...) // of memory, which doesn't fail
		return names
	})
}

func (s *server) labelValues(r *http.Request) (any, error) {
	return s.union(r, func(q querier, ms []*labels.Matcher) []string {
		values, _, _ := q.LabelValues(r.Context(), r.PathValue("name"), nil, ms...) // of memory, which doesn't fail
		return values
	})
}

// union is what each selector gives, once.
func (s *server) union(r *http.Request, ask func(querier, []*labels.Matcher) []string) (any, error) {
	list, seen := []string{}, map[string]bool{}
	err := s.each(r, func(q querier, ms []*labels.Matcher) {
		for _, text := range ask(q, ms) {
			if !seen[text] {
				list = append(list, text)
				seen[text] = true
			}
		}
	})
	return list[:min(len(list), limitOf(r))], err
}

// each calls f for each match[] of a request, or once if it has none.
func (s *server) each(r *http.Request, f func(querier, []*labels.Matcher)) error {
	start, errStart := timeOf(r, "start")
	end, errEnd := timeOf(r, "end")
	selectors, err := find.QueryParser().ParseMetricSelectors(r.Form["match[]"])
	if err := cmp.Or(errStart, errEnd, err); err != nil {
		return err
	}
	if len(selectors) == 0 {
		selectors = append(selectors, nil)
	}
	for _, ms := range selectors {
		f(querier{s.store, start.UnixMilli(), end.UnixMilli()}, ms)
	}
	return nil
}

// timeOf reads Unix seconds.
func timeOf(r *http.Request, name string) (time.Time, error) {
	seconds, err := strconv.ParseFloat(r.Form.Get(name), 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("invalid parameter %q: %w", name, err)
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
}

// limitOf reads the parameter limit; without it there is none.
func limitOf(r *http.Request) int {
	n, err := strconv.Atoi(r.Form.Get("limit"))
	if err != nil || n <= 0 {
		return math.MaxInt
	}
	return n
}
