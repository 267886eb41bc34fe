// SPDX-License-Identifier: Apache-2.0

package amevents

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/gate"
)

const (
	maxBody   = 8 << 20 // of a message; Alertmanager's batches are 1 MiB
	parallel  = 4       // messages processed concurrently
	storeTime = 30 * time.Second
)

// Handler serves `POST /api/v1/alertmanager/events`.
type Handler struct {
	book     *Book
	settings func() *config.AlertmanagerEvents // nil: disabled
	gate     gate.Gate
	turn     chan struct{}
}

// NewHandler stores events in a book. settings is called for each message, as a reload may change
// them.
func NewHandler(b *Book, settings func() *config.AlertmanagerEvents) *Handler {
	h := &Handler{book: b, settings: settings, turn: make(chan struct{}, parallel)}
	h.gate = gate.Gate{Key: "alertmanager_events.token_file", File: h.tokenFile, Now: b.opt.Now, Log: b.opt.Log}
	return h
}

func (h *Handler) tokenFile() string {
	if s := h.settings(); s != nil {
		return s.TokenFile
	}
	return ""
}

var errOff = errors.New("events of Alertmanager are not accepted; hint: set alertmanager_events")

// ServeHTTP answers
//
//	200  what is of use in the message is safe on disk
//	400  it is no message of the event recorder, and nothing of it was kept
//	401  the token is missing or another
//	404  it is switched off
//	413  the message is too large
//	503  the store can't take it now: send it again
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.settings() == nil {
		h.refuse(w, http.StatusNotFound, errOff)
		return
	}
	if err := h.gate.Admit(r); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		h.refuse(w, http.StatusUnauthorized, err)
		return
	}
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-r.Context().Done():
		return
	}
	facts, events, err := read(http.MaxBytesReader(w, r.Body, maxBody), h.book.opt.Now(), h.book.opt.Lifetime)
	if err != nil {
		h.refuse(w, body.Status(err), err)
		return
	}
	if err := h.keep(r.Context(), facts); err != nil {
		w.Header().Set("Retry-After", "5")
		h.refuse(w, http.StatusServiceUnavailable, fmt.Errorf("the store can't take it now, send it again: %w", err))
		return
	}
	h.book.metrics.events.WithLabelValues("ignored").Add(float64(events - len(facts)))
	body.Answer(w, http.StatusOK, map[string]int{"events": events, "kept": len(facts)})
}

// keep stores the facts of a message, even if the sender hangs up.
func (h *Handler) keep(ctx context.Context, facts []Fact) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	for _, f := range facts {
		if err := h.book.Put(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handler) refuse(w http.ResponseWriter, status int, err error) {
	h.book.metrics.events.WithLabelValues("refused").Inc()
	body.Answer(w, status, err)
}
