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
	// maxWebhookBytes bounds a webhook body. Alertmanager sends a whole group in
	// one message; 12,000 alerts with long annotations take about 28 MB. It is
	// read as a stream.
	maxWebhookBytes = 512 << 20

	// enqueueTimeout bounds the time in which the alerts of a message are
	// stored. Each is flushed to the disk.
	enqueueTimeout = 2 * time.Minute

	// parallelPublish is how many alerts are on their way into the queue at a
	// time.
	parallelPublish = 16
)

// Queue takes jobs in.
type Queue interface {
	// Publish stores a job and returns after it is safe on disk. It returns
	// [broker.ErrExists] if a job with that id is there already.
	Publish(ctx context.Context, id string, body []byte) error
}

// webhook is `POST /api/v1/webhook`.
type webhook struct {
	queue    Queue
	reported func(report.Alert) bool // whether a firing alert has its report
	learn    func(receiver string)   // told the receiver of every message that was taken
	decoder  *decoder
	log      *slog.Logger
	metrics  *metrics
	now      func() time.Time
	most     int64 // bytes of a message
	says     seldom.Speaker
}

func newWebhook(d *Daemon) *webhook {
	return &webhook{
		queue: d.broker, reported: d.store.reported, learn: d.receivers.learn, decoder: newDecoder(),
		log: d.log, metrics: d.metrics, now: d.opt.Now, most: maxWebhookBytes,
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
	n, err := h.decoder.decode(http.MaxBytesReader(w, r.Body, h.most))
	if err != nil {
		h.refuse(w, body.Status(err), err)
		return
	}
	defer h.decoder.release(n)
	// An Alertmanager that has hung up sends all of it again; what is stored by
	// then need not be stored twice.
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

// errNoRoom says that other messages take all the memory that there is for it.
var errNoRoom = errors.New("too many alerts come at once")

// enqueue publishes every alert of a message. If one can't be stored the whole
// message is refused; it comes again, and the queue knows the first ones by id.
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
			continue // Alertmanager repeats the whole group whenever one of it changes
		}
		publishing.Go(func() error { return publish(ctx, h.queue, j, h.metrics) })
		if ctx.Err() != nil {
			break // one has failed
		}
	}
	if err := publishing.Wait(); err != nil {
		return err
	}
	h.leave(n)
	return nil
}

// leave says what is left to the reconcile loop, and why.
func (h *webhook) leave(n *Notification) {
	if n.left() == 0 {
		return
	}
	h.metrics.left.WithLabelValues("no_room").Add(float64(n.NoRoom))
	h.metrics.left.WithLabelValues("too_large").Add(float64(len(n.TooLarge)))
	if unsaid, ok := h.says.May("left", h.now()); ok {
		h.log.Warn("Alerts of a webhook message are left to the reconcile loop", "group", n.GroupKey,
			"taken", len(n.Alerts), "no_room", n.NoRoom, "too_large", len(n.TooLarge), "err", errors.Join(n.TooLarge[:min(3, len(n.TooLarge))]...),
			"unsaid", unsaid)
	}
}

// publish puts one job on the queue, unless it has that one. Here the trace of an alert
// begins; that of whoever sent the message is linked, as it may be one of many alerts.
func publish(ctx context.Context, q Queue, j job, m *metrics) error {
	ctx, span := tracing.Start(ctx, "receive alert", trace.WithNewRoot(), trace.WithTimestamp(j.ReceivedAt), trace.WithLinks(trace.LinkFromContext(ctx)))
	body, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encoding the alert %s: %w", j.Alert.Fingerprint, err)
	}
	err = q.Publish(ctx, j.id(), body)
	if errors.Is(err, broker.ErrExists) {
		return nil // the span never ends, so that none is sent: the alert has its trace
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
	if unsaid, ok := h.says.May(http.StatusText(code), h.now()); ok {
		h.log.Warn("A webhook message was refused", "code", code, "err", err, "unsaid", unsaid)
	}
	http.Error(w, err.Error(), code)
}
