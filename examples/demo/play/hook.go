// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/receiver/sink"
)

// hook stands in for recovery automation: it accepts culprit's webhooks if they are signed with the
// secret.
type hook struct {
	url    string
	secret string
	server *http.Server
	done   chan struct{}

	mu    sync.Mutex
	calls []hookCall
}

// hookCall is one received webhook.
type hookCall struct {
	at      time.Time
	signed  bool
	body    []byte
	payload sink.Payload
}

// startHook starts a hook on a free port.
func startHook(secret string) (*hook, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the recovery hook: %w", err)
	}
	h := &hook{url: "http://" + l.Addr().String() + "/", secret: secret, done: make(chan struct{})}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(h.done)
		_ = h.server.Serve(l) // ends with Close
	}()
	return h, nil
}

func (h *hook) Close() error {
	err := h.server.Close()
	<-h.done
	return err
}

// taken returns the calls so far, oldest first.
func (h *hook) taken() []hookCall {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender is gone
	}
	call := hookCall{at: time.Now(), body: body, signed: hmac.Equal([]byte(h.sign(body)), []byte(r.Header.Get(sink.HeaderSignature)))}
	if err := json.Unmarshal(body, &call.payload); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, call)
	if !call.signed {
		http.Error(w, "the signature is wrong", http.StatusForbidden)
	}
}

// sign returns the expected signature header.
func (h *hook) sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(h.secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
