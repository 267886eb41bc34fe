// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/seldom"
	"github.com/culprit-dev/culprit/tracing"
)

const (
	// maxWebhookBytes bounds a webhook body, which is read as a stream. Alertmanager sends a whole
	// group in one message; 12,000 alerts with long annotations take about 28 MB.
	maxWebhookBytes = 512 << 20

	// enqueueTimeout bounds the time to store all alerts of a message. Each is flushed to disk.
	enqueueTimeout = 2 * time.Minute

	// parallelPublish is how many alerts are written to the queue concurrently.
	parallelPublish = 16
)

// Queue stores jobs.
type Queue interface {
	// Publish returns once the job is safe on disk, or [broker.ErrExists] if the queue has a job
	// with that id.
	Publish(ctx context.Context, id string, body []byte) error
}

// webhook serves `POST /api/v1/webhook`.
type webhook struct {
	queue    Queue
	reported func(report.Alert) bool // whether a firing alert already has a report
	learn    func(receiver string)   // called with the receiver of every accepted message
	decoder  *decoder
	log      *slog.Logger
	metrics  *metrics
	now      func() time.Time
	maxBytes int64 // largest message, in bytes
	says     seldom.Speaker
}

func newWebhook(d *Daemon) *webhook {
	return &webhook{
		queue: d.broker, reported: d.store.reported, learn: d.receivers.learn, decoder: newDecoder(),
		log: d.log, metrics: d.metrics, now: d.opt.Now, maxBytes: maxWebhookBytes,
	}
}

// ServeHTTP answers
//
//	202  every alert of the message is safe in the queue, or has a report, or is
//	     left to the reconcile loop, as it is too large or too many came at once
//	400  the body is no message of Alertmanager
//	413  the body is too large
//	503  the queue can't take it now, or the body came too slowly.
//	     Alertmanager sends it again within the second; after a 429 it would
//	     wait for a whole group_interval
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := h.decoder.decode(http.MaxBytesReader(w, r.Body, h.maxBytes))
	if err != nil {
		h.refuse(w, body.Status(err), err)
		return
	}
	defer h.decoder.release(n)
	// If Alertmanager hangs up it resends everything: what is stored by then need not be stored
	// again.
	ctx, cancel := context.WithTimeout(tracing.Extract(context.WithoutCancel(r.Context()), r.Header), enqueueTimeout)
	defer cancel()
	if err := h.enqueue(ctx, n); err != nil {
		h.refuse(w, http.StatusServiceUnavailable, fmt.Errorf("the queue can't take it now, send it again: %w", err))
		return
	}
	h.learn(unquote(n.Receiver))
	h.metrics.notifications.WithLabelValues("accepted").Inc()
	w.WriteHeader(http.StatusAccepted)
}

// errNoRoom means that messages being read already use all the memory reserved for them.
var errNoRoom = errors.New("too many alerts at once")

// enqueue publishes every alert of a message. If one can't be stored the whole message is refused
// and Alertmanager resends it; the queue drops duplicates by id.
func (h *webhook) enqueue(ctx context.Context, n *Notification) error {
	if len(n.Alerts) == 0 && n.NoRoom > 0 {
		return errNoRoom
	}
	publishing, ctx := errgroup.WithContext(ctx)
	publishing.SetLimit(parallelPublish)
	g, now := n.group(), h.now()
	for _, p := range n.Alerts {
		j, err := n.job(p, g, now)
		if err != nil {
			n.TooLarge = append(n.TooLarge, err)
			continue
		}
		if j.Status == statusFiring && h.reported(j.Alert) {
			continue // Alertmanager resends the whole group whenever one alert of it changes
		}
		publishing.Go(func() error { return publish(ctx, h.queue, j, h.metrics) })
		if ctx.Err() != nil {
			break // one has failed
		}
	}
	if err := publishing.Wait(); err != nil {
		return err
	}
	h.logLeft(n)
	return nil
}

// logLeft counts and logs the alerts that are left to the reconcile loop.
func (h *webhook) logLeft(n *Notification) {
	if n.left() == 0 {
		return
	}
	h.metrics.left.WithLabelValues("no_room").Add(float64(n.NoRoom))
	h.metrics.left.WithLabelValues("too_large").Add(float64(len(n.TooLarge)))
	if suppressed, ok := h.says.May("left", h.now()); ok {
		h.log.Warn("Alerts of a webhook message are left to the reconcile loop", "group", n.GroupKey,
			"taken", len(n.Alerts), "no_room", n.NoRoom, "too_large", len(n.TooLarge), "err", errors.Join(n.TooLarge[:min(3, len(n.TooLarge))]...),
			"suppressed", suppressed)
	}
}

// publish puts a job on the queue, unless it is there already. It starts the trace of the alert and
// links the sender's trace: one message may bring many alerts.
func publish(ctx context.Context, q Queue, j job, m *metrics) error {
	ctx, span := tracing.Start(ctx, "receive alert", trace.WithNewRoot(), trace.WithTimestamp(j.ReceivedAt), trace.WithLinks(trace.LinkFromContext(ctx)))
	body, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encoding the alert %s: %w", j.Alert.Fingerprint, err)
	}
	err = q.Publish(ctx, j.id(), body)
	if errors.Is(err, broker.ErrExists) {
		return nil // don't end the span, so that it is not exported: the alert has a trace already
	}
	j.describe(span)
	tracing.End(span, err)
	if err == nil {
		m.alerts.WithLabelValues(j.Status, j.Reason).Inc()
	}
	return err
}

func (h *webhook) refuse(w http.ResponseWriter, code int, err error) {
	outcome := "invalid"
	if code == http.StatusServiceUnavailable {
		outcome = "unavailable"
	}
	h.metrics.notifications.WithLabelValues(outcome).Inc()
	if suppressed, ok := h.says.May(http.StatusText(code), h.now()); ok {
		h.log.Warn("A webhook message was refused", "code", code, "err", err, "suppressed", suppressed)
	}
	http.Error(w, err.Error(), code)
}
