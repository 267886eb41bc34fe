// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// paths maps the service's paths to their latency.
var paths = map[string]time.Duration{
	"/":         4 * time.Millisecond,
	"/search":   25 * time.Millisecond,
	"/cart":     10 * time.Millisecond,
	"/checkout": 40 * time.Millisecond,
}

// service is a small HTTP server with the usual metrics that can be broken on request.
type service struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec // classic buckets
	native   *prometheus.HistogramVec // native ones

	mu     sync.Mutex
	harm   map[string]harm // by path
	burn   float64         // processors
	leak   int             // bytes per second
	leaked [][]byte
}

// harm is the fault of a path.
type harm struct {
	delay  time.Duration
	errors float64 // share of requests
}

// serve runs the service as a separate process.
func serve(ctx context.Context, address string) error {
	s := &service{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests."}, []string{"path", "method", "code"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Their time.", Buckets: prometheus.DefBuckets}, []string{"path"}),
		native:   prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_handler_seconds", Help: "Their time.", NativeHistogramBucketFactor: 1.1}, []string{"path"}),
		harm:     map[string]harm{}, burn: 0.02,
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.requests, s.seconds, s.native, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("POST /-/break", s.breakIt)
	mux.HandleFunc("/", s.answer)
	go s.live(ctx)
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answer handles a request with the path's delay and errors.
func (s *service) answer(w http.ResponseWriter, r *http.Request) {
	start, path := time.Now(), r.URL.Path
	usual, known := paths[path]
	if !known {
		path = "other"
	}
	s.mu.Lock()
	harm := s.harm[path]
	s.mu.Unlock()
	time.Sleep(time.Duration((0.7+0.6*rand.Float64())*float64(usual)) + harm.delay)
	code := http.StatusOK
	if rand.Float64() < harm.errors {
		code = http.StatusInternalServerError
	}
	w.WriteHeader(code)
	took := time.Since(start).Seconds()
	s.requests.WithLabelValues(path, r.Method, strconv.Itoa(code)).Inc()
	s.seconds.WithLabelValues(path).Observe(took)
	s.native.WithLabelValues(path).Observe(took)
}

// breakIt injects the faults given in the form; an empty one removes them.
func (s *service) breakIt(_ http.ResponseWriter, r *http.Request) {
	number := func(key string) float64 {
		v, _ := strconv.ParseFloat(r.FormValue(key), 64)
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.harm = map[string]harm{r.FormValue("path"): {time.Duration(number("delay") * float64(time.Second)), number("errors")}}
	s.burn, s.leak = max(0.02, number("burn")), int(number("leak"))
	if s.leak == 0 {
		s.leaked = nil
	}
}

// live burns CPU and leaks memory, a tenth of a second at a time.
func (s *service) live(ctx context.Context) {
	const beat = 100 * time.Millisecond
	for tick := time.Tick(beat); ctx.Err() == nil; <-tick {
		s.mu.Lock()
		if n := s.leak / 10; n > 0 {
			b := make([]byte, n)
			for i := 0; i < n; i += 4096 {
				b[i] = 1 // a page that was never written to is not resident
			}
			s.leaked = append(s.leaked, b)
		}
		burn := time.Duration(s.burn * float64(beat))
		s.mu.Unlock()
		for start := time.Now(); time.Since(start) < burn; {
			continue
		}
	}
}
