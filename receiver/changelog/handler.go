// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/gate"
)

const (
	maxBody   = 256 << 10 // of a message
	parallel  = 8         // messages stored concurrently
	storeTime = 30 * time.Second
)

// Handler serves `POST /api/v1/changes`.
type Handler struct {
	book *Book
	gate gate.Gate
	turn chan struct{}
}

// NewHandler stores changes in a book. tokenFile is called for each message, as a reload may change
// it.
func NewHandler(b *Book, tokenFile func() string) *Handler {
	return &Handler{
		book: b, turn: make(chan struct{}, parallel),
		gate: gate.Gate{Key: "changes.token_file", File: tokenFile, Now: b.opt.Now, Log: b.opt.Log},
	}
}

// ServeHTTP answers
//
//	200  every change of the message is safe on disk; the answer names them
//	400  the message is wrong, and nothing of it was kept
//	401  the token is missing or another
//	413  the message is too large
//	503  the store can't take it now: send it again. What was kept of it is
//	     known then
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.gate.Admit(r); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		h.refuse(w, http.StatusUnauthorized, err)
		return
	}
	list, err := h.read(http.MaxBytesReader(w, r.Body, maxBody), r.URL.Query().Get("format"))
	if err == nil {
		err = h.book.checkSpans(list)
	}
	if err != nil {
		h.refuse(w, body.Status(err), err)
		return
	}
	kept, err := h.keep(r.Context(), list)
	if err != nil {
		w.Header().Set("Retry-After", "5")
		h.refuse(w, http.StatusServiceUnavailable, fmt.Errorf("the store can't take it now, send it again: %w", err))
		return
	}
	body.Answer(w, http.StatusOK, map[string]any{"changes": kept})
}

func (h *Handler) read(from io.Reader, format string) ([]Change, error) {
	now, lifetime := h.book.opt.Now(), h.book.opt.Lifetime
	if format != "" {
		return readForeign(from, format, now, lifetime)
	}
	return read(from, now, lifetime)
}

// Told is the answer for one change.
type Told struct {
	ID      string  `json:"id"`
	Outcome Outcome `json:"outcome"` // added, replaced an earlier one of the sender, or known
}

// keep stores all changes of a message, even if the sender hangs up: it would resend all of them.
func (h *Handler) keep(ctx context.Context, list []Change) ([]Told, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	all := make([]Told, 0, len(list))
	for _, c := range list {
		kept, outcome, err := h.book.Put(ctx, c)
		if err != nil {
			return all, err
		}
		all = append(all, Told{kept.ID, outcome})
	}
	return all, nil
}

func (h *Handler) refuse(w http.ResponseWriter, status int, err error) {
	h.book.metrics.changes.WithLabelValues("refused").Inc()
	body.Answer(w, status, err)
}
