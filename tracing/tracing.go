// SPDX-License-Identifier: Apache-2.0

// Package tracing makes the traces of culprit itself: one for each alert, from the
// message that tells of it to the last place that is told its causes.
//
// A [Tracer] travels in the context ([With]), and so does the span of the moment.
// Without a tracer, or while none is configured, [Start] returns a span that records
// nothing and costs no memory. Spans leave the process in the background: whatever the
// receiver does, no alert waits for it, and spans that find no room are dropped.
package tracing

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans as the configuration of the moment says. The zero value makes none.
type Tracer struct {
	mu   sync.RWMutex
	live *sdktrace.TracerProvider // nil: off
	last *Pipe                    // that live sends by
}

// tracerKey is that of the tracer in a context.
type tracerKey struct{}

// With returns a context whose spans are made by t.
func With(ctx context.Context, t *Tracer) context.Context {
	return context.WithValue(ctx, tracerKey{}, t)
}

// Start begins a span below that of the context, or a trace if that has none.
func Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	t, _ := ctx.Value(tracerKey{}).(*Tracer)
	if p := t.provider(); p != nil {
		return p.Tracer("github.com/culprit-dev/culprit").Start(ctx, name, opts...)
	}
	return ctx, none()
}

// none is a span that records nothing.
func none() trace.Span { return trace.SpanFromContext(context.Background()) }

func (t *Tracer) provider() *sdktrace.TracerProvider {
	if t == nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live
}

// End ends a span with the error that its work had, if any.
func End(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// ID is the id of the trace of the context; empty if it is not sent anywhere.
func ID(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsSampled() {
		return ""
	}
	return sc.TraceID().String()
}

// Parent is the span of the context as a text that [Continue] understands, and other
// programs: a W3C traceparent. It is empty if the trace is not sent anywhere.
func Parent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	h := http.Header{}
	Inject(ctx, h)
	return h.Get("traceparent")
}

// Continue begins a span below one that [Parent] has named. Without one there is none.
func Continue(ctx context.Context, parent, name string) (context.Context, trace.Span) {
	if parent == "" {
		return ctx, none()
	}
	return Start(Extract(ctx, http.Header{"Traceparent": {parent}}), name, trace.WithSpanKind(trace.SpanKindClient))
}

// Inject writes the span of the context into headers, as W3C Trace Context has it.
func Inject(ctx context.Context, h http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
}

// Extract returns a context below the span that headers name, if they do.
func Extract(ctx context.Context, h http.Header) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(h))
}

// Use sends spans by a pipe from now on; nil: none are made any more. What was made
// before is still sent, in the background.
func (t *Tracer) Use(p *Pipe) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last.same(p) {
		return
	}
	old := t.live
	t.live, t.last = nil, p
	if p != nil {
		t.live = p.provider()
	}
	if old != nil {
		go func() { _ = shutdown(old, exportTimeout) }() // it has said so in the log
	}
}

// Close sends what was made, within a time, and makes no more.
func (t *Tracer) Close(within time.Duration) error {
	t.mu.Lock()
	old := t.live
	t.live, t.last = nil, nil
	t.mu.Unlock()
	if old == nil {
		return nil
	}
	return shutdown(old, within)
}

func shutdown(p *sdktrace.TracerProvider, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return p.Shutdown(ctx)
}
