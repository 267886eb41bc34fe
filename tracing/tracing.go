// SPDX-License-Identifier: Apache-2.0

// Package tracing traces culprit's own work: one trace per alert, from the message that brings it
// to the last write-back.
//
// A [Tracer] travels in the context ([With]), and so does the current span. Without a tracer, or
// with tracing off, [Start] returns a no-op span that allocates nothing. Spans are sent in the
// background: no alert waits for the receiver, and spans without room are dropped.
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

// Tracer makes spans, as currently configured. The zero value makes none.
type Tracer struct {
	mu   sync.RWMutex
	live *sdktrace.TracerProvider // nil: off
	last *Pipe                    // the one that live sends through
}

// tracerKey is the context key of the tracer.
type tracerKey struct{}

// With returns a context with t as tracer.
func With(ctx context.Context, t *Tracer) context.Context {
	return context.WithValue(ctx, tracerKey{}, t)
}

// Start begins a child of the context's span, or a new trace.
func Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	t, _ := ctx.Value(tracerKey{}).(*Tracer)
	if p := t.provider(); p != nil {
		return p.Tracer("github.com/culprit-dev/culprit").Start(ctx, name, opts...)
	}
	return ctx, none()
}

// none is a no-op span.
func none() trace.Span { return trace.SpanFromContext(context.Background()) }

func (t *Tracer) provider() *sdktrace.TracerProvider {
	if t == nil {
		return nil
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.live
}

// End ends a span, with an error if there is one.
func End(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// ID is the trace ID of the context; empty if the trace is not sampled.
func ID(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsSampled() {
		return ""
	}
	return sc.TraceID().String()
}

// Parent is the context's span as a W3C traceparent, for [Continue]; empty if the trace is not
// sampled.
func Parent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	h := http.Header{}
	Inject(ctx, h)
	return h.Get("traceparent")
}

// Continue begins a child of a span named by [Parent]; a no-op span if parent is empty.
func Continue(ctx context.Context, parent, name string) (context.Context, trace.Span) {
	if parent == "" {
		return ctx, none()
	}
	return Start(Extract(ctx, http.Header{"Traceparent": {parent}}), name, trace.WithSpanKind(trace.SpanKindClient))
}

// Inject writes the context's span into headers, as in W3C Trace Context.
func Inject(ctx context.Context, h http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
}

// Extract returns a context with the span in headers as parent, if there is one.
func Extract(ctx context.Context, h http.Header) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(h))
}

// Use sends new spans through p from now on; nil turns tracing off. Earlier spans are still sent,
// in the background.
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
		go func() { _ = shutdown(old, exportTimeout) }() // it logs its errors
	}
}

// Close sends the remaining spans, within a time limit, and makes no more.
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
