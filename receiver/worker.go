// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/tracing"
)

// worker handles jobs of the queue: it explains a firing alert, and closes the report of a resolved
// one.
type worker struct {
	live      func() *live
	pipeline  func(*live, *config.Rule) *Pipeline
	store     *store
	publisher *publisher
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time
	alerts    keyedMutex
}

// handle processes one job. If it returns an error the queue retries the job.
func (w *worker) handle(ctx context.Context, b broker.Job) error {
	var j job
	if err := json.Unmarshal(b.Body, &j); err != nil {
		return fmt.Errorf("a job can't be read: %w", err)
	}
	_, wait := tracing.Start(ctx, "wait in queue", trace.WithTimestamp(b.EnqueuedAt))
	tracing.End(wait, nil)
	// Serialize the jobs of one alert, however many workers there are.
	unlock := w.alerts.lock(j.Alert.Fingerprint)
	defer unlock()
	known, ok := w.store.current(j.Alert.Fingerprint)
	if j.Status == statusResolved {
		if known, ok = w.store.firing(j.Alert); !ok {
			return nil
		}
		return w.resolve(ctx, known, j)
	}
	if ok && known.open() {
		if j.Reason != reasonRetry {
			return nil // a duplicate: the alert has a report
		}
		return w.again(ctx, j, known.Report.ID)
	}
	if ok && known.over(j.Alert.StartsAt) && j.ReceivedAt.Before(known.UpdatedAt) {
		return nil // the alert has resolved already: after a crash a job is delivered again
	}
	return w.explain(ctx, j, record{})
}

// again retries an alert that has an open report.
func (w *worker) again(ctx context.Context, j job, id string) error {
	known, err := w.store.load(ctx, id) // the index has only part of a record
	if errors.Is(err, broker.ErrNotFound) {
		w.store.expired(id) // past its retention
		return w.explain(ctx, j, record{})
	}
	if err != nil {
		return err
	}
	// An earlier start may have been found since, and the start is part of the report's ID.
	j.Alert.StartsAt = known.Report.Alert.StartsAt
	return w.explain(ctx, j, known)
}

func (w *worker) explain(ctx context.Context, j job, known record) (err error) {
	ctx, span := tracing.Start(ctx, "explain alert", trace.WithSpanKind(trace.SpanKindConsumer))
	defer func() { tracing.End(span, err) }()
	j.describe(span)
	live := w.live()
	rule := live.config.RuleFor(j.Alert.Labels)
	if rule == nil {
		w.metrics.unmatched.Inc()
		return nil
	}
	_, err = w.pipeline(live, rule).explain(ctx, j, known)
	return err
}

// resolve closes a report, and its incident if this was the last open report.
func (w *worker) resolve(ctx context.Context, known record, j job) error {
	at := j.Alert.EndsAt
	if at.IsZero() || at.After(w.now()) {
		at = w.now()
	}
	if start := known.Report.Alert.StartsAt; at.Before(start) {
		at = start // clocks differ
	}
	r, err := w.store.update(ctx, known.Report.ID, func(r *record) { r.Report.ResolvedAt = &at })
	if errors.Is(err, broker.ErrNotFound) {
		w.store.expired(known.Report.ID) // past its retention
		return nil
	}
	if err != nil {
		return err
	}
	for _, a := range w.live().annotators {
		a.Over(r.Report.Alert.Fingerprint)
	}
	w.publisher.Publish(r.Report, time.Time{})
	w.log.Info("An alert has resolved", "alert", r.Report.Alert.Labels["alertname"], "report", r.Report.ID)
	return nil
}

// dead logs a job that has failed for the last time.
func (w *worker) dead(b broker.Job, err error) {
	w.metrics.jobsDead.Inc()
	w.log.Error("A job failed for the last time; its alert is tried again as long as Alertmanager has it", "id", b.ID, "err", err)
}

// busy reports whether an alert is being handled.
func (w *worker) busy(fingerprint string) bool { return w.alerts.held(fingerprint) }
