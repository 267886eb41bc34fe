// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// tracerTo returns a tracer that sends to an address, what it logs, and its counter.
func tracerTo(t *testing.T, address string) (*Tracer, *bytes.Buffer, *prometheus.CounterVec) {
	t.Helper()
	var log bytes.Buffer
	opt := Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Spans: NewSpans()}
	pipe, err := NewPipe(&config.Tracing{
		Endpoint: strings.TrimPrefix(address, "http://"), Insecure: true, SamplingFraction: 1, Timeout: model.Duration(time.Second),
		Headers: map[string]commonconfig.Secret{"Authorization": "hunter2"},
	}, opt)
	if err != nil {
		t.Fatal(err)
	}
	tracer := new(Tracer)
	tracer.Use(pipe)
	return tracer, &log, opt.Spans
}

// TestWithoutATracerThereIsNoCost also has a tracer that is switched off.
func TestWithoutATracerThereIsNoCost(t *testing.T) {
	for name, ctx := range map[string]context.Context{"none": t.Context(), "off": With(t.Context(), new(Tracer))} {
		if n := testing.AllocsPerRun(100, func() {
			inner, span := Start(ctx, "a")
			Inject(inner, nil)
			End(span, nil)
			if Parent(inner) != "" || ID(inner) != "" {
				t.Error("there is a trace")
			}
		}); n != 0 {
			t.Errorf("%s: a span takes %v allocations", name, n)
		}
	}
}

func BenchmarkStartOff(b *testing.B) {
	ctx := With(b.Context(), new(Tracer))
	for b.Loop() {
		_, span := Start(ctx, "a")
		End(span, nil)
	}
}

func TestABatchIsSentAgainWhileThatMayHelp(t *testing.T) {
	for status, again := range map[int]bool{http.StatusServiceUnavailable: true, http.StatusTooManyRequests: true, http.StatusBadRequest: false, http.StatusUnauthorized: false} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 1 {
				http.Error(w, "your header "+r.Header.Get("Authorization")+" is wrong", status)
			}
		}))
		tracer, log, spans := tracerTo(t, server.URL)
		_, span := Start(With(t.Context(), tracer), "a")
		End(span, errors.New("an error"))
		if err := tracer.Close(time.Minute); err != nil {
			t.Fatal(err)
		}
		server.Close()
		outcome := map[bool]string{true: "sent", false: "failed"}[again]
		if got := testutil.ToFloat64(spans.WithLabelValues(outcome)); got != 1 || (requests.Load() == 2) != again {
			t.Errorf("%d: %v spans are %s, with %d requests", status, got, outcome, requests.Load())
		}
		if said := log.String(); again != (said == "") || strings.Contains(said, "hunter2") {
			t.Errorf("%d: the log says %q", status, said)
		}
	}
}

// TestAFullQueueDropsSpans has a receiver that never answers: who makes spans does not
// wait, and neither does the end.
func TestAFullQueueDropsSpans(t *testing.T) {
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(silent) })
	tracer, _, _ := tracerTo(t, server.URL)
	ctx := With(t.Context(), tracer)
	for range 20_000 {
		_, span := Start(ctx, "a")
		End(span, nil)
	}
	if err := tracer.Close(time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the end says %v", err)
	}
}

func TestASpanIsContinuedByItsName(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	tracer, _, _ := tracerTo(t, server.URL)
	t.Cleanup(func() { _ = tracer.Close(time.Minute) })
	ctx := With(t.Context(), tracer)
	first, span := Start(ctx, "a")
	End(span, nil)
	later, _ := Continue(ctx, Parent(first), "b")
	if ID(later) != ID(first) || ID(first) == "" || Parent(later) == Parent(first) {
		t.Errorf("%s goes on as %s", Parent(first), Parent(later))
	}
	for _, parent := range []string{"", "nonsense"} {
		if other, _ := Continue(ctx, parent, "b"); ID(other) == ID(first) || parent == "" && ID(other) != "" {
			t.Errorf("%q goes on as %s", parent, Parent(other))
		}
	}
}

// TestTheSameSettingsKeepWhatIsInUse is a reload that changes nothing.
func TestTheSameSettingsKeepWhatIsInUse(t *testing.T) {
	tracer, _, _ := tracerTo(t, "http://127.0.0.1:1")
	before := tracer.provider()
	same, err := NewPipe(&tracer.last.conf, tracer.last.opt)
	if err != nil {
		t.Fatal(err)
	}
	if tracer.Use(same); tracer.provider() != before {
		t.Error("the same settings make another provider")
	}
	if tracer.Use(nil); tracer.provider() != nil {
		t.Error("it is not switched off")
	}
}
