package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// maxWebhookBytes bounds a webhook body. Alertmanager sends a whole group in
// one message; 1,000 alerts with long annotations take about 2 MB.
const maxWebhookBytes = 16 << 20

// Queue takes jobs in.
type Queue interface {
	// Publish stores a job and returns after it is safe on disk. An id that was
	// seen shortly before is accepted and dropped.
	Publish(ctx context.Context, id string, body []byte) error
}

// webhook is `POST /api/v1/webhook`.
type webhook struct {
	queue   Queue
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time
}

// ServeHTTP answers
//
//	202  every alert of the message is safe in the queue
//	400  the body is no message of Alertmanager
//	413  the body is too large
//	503  the queue can't take it now. Alertmanager sends it again within the
//	     second; after a 429 it would wait for a whole group_interval
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBytes))
	if err != nil {
		h.refuse(w, statusOfReadError(err), fmt.Errorf("reading the message: %w", err))
		return
	}
	n, err := decodeNotification(body)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := h.enqueue(r.Context(), n); err != nil {
		h.refuse(w, http.StatusServiceUnavailable, fmt.Errorf("the queue can't take it now, send it again: %w", err))
		return
	}
	h.metrics.notifications.WithLabelValues("accepted").Inc()
	w.WriteHeader(http.StatusAccepted)
}

// enqueue publishes every alert of a message. If one can't be stored the whole
// message is refused; it comes again, and the queue knows the first ones by id.
func (h *webhook) enqueue(ctx context.Context, n Notification) error {
	for _, j := range n.jobs(h.now()) {
		if err := publish(ctx, h.queue, j); err != nil {
			return err
		}
		h.metrics.alerts.WithLabelValues(j.Status, j.Reason).Inc()
	}
	return nil
}

// publish puts one job on the queue.
func publish(ctx context.Context, q Queue, j job) error {
	body, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encoding the alert %s: %w", j.Alert.Fingerprint, err)
	}
	return q.Publish(ctx, j.messageID(), body)
}

func (h *webhook) refuse(w http.ResponseWriter, code int, err error) {
	outcome := "invalid"
	if code == http.StatusServiceUnavailable {
		outcome = "unavailable"
	}
	h.metrics.notifications.WithLabelValues(outcome).Inc()
	h.log.Warn("A webhook message was refused", "code", code, "err", err)
	http.Error(w, err.Error(), code)
}

// statusOfReadError tells a body that is too large from a connection that broke.
func statusOfReadError(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}
