// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"net"
	"net/http"
	"time"

	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/promql"

	"github.com/culprit-dev/culprit/promql/promapi"
	"github.com/culprit-dev/culprit/receiver/find"
)

// server serves the series of a test like a Prometheus, with Prometheus' own engine, on the
// loopback interface.
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

// handler serves the part of Prometheus' HTTP API that reads series.
func (s *server) handler() http.Handler {
	api := promapi.API{Storage: s.store, Engine: s.engine, Parser: find.QueryParser()}
	return promapi.Mux(api.Routes(), map[string]promapi.Handler{
		"/api/v1/rules":  promapi.Static(map[string]any{"groups": []any{}}),
		"/api/v1/alerts": promapi.Static(map[string]any{"alerts": []any{}}),
	})
}
