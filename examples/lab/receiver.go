// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/notify/webhook"
)

// receiverBody limits one message; Alertmanager itself has no limit.
const receiverBody = 16 << 20

// Message is one webhook of Alertmanager, as it arrived.
type Message struct {
	webhook.Message             // decoded: Status, Alerts, GroupKey and so on
	At              time.Time   // when it arrived
	Header          http.Header // as received
	Body            []byte      // as received
}

// Receiver stands in for a pager: it accepts Alertmanager's webhooks and keeps them all.
type Receiver struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}

	mu       sync.Mutex
	messages []Message
	arrived  chan struct{} // closed and renewed at each message
	status   int
}

// StartReceiver starts a receiver on an address; empty means a free port. The caller must Close it.
func StartReceiver(listen string) (*Receiver, error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("start the receiver: %w", err)
	}
	r := &Receiver{listener: l, done: make(chan struct{}), arrived: make(chan struct{}), status: http.StatusOK}
	r.server = &http.Server{Handler: http.HandlerFunc(r.take), ReadHeaderTimeout: alertmanagerHeader}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(l) // ends with ErrServerClosed when it is closed
	}()
	return r, nil
}

// URL is the address for messages.
func (r *Receiver) URL() string { return "http://" + r.listener.Addr().String() + "/" }

// Answer sets the status of future answers, 200 at first. Messages are kept whatever the status.
func (r *Receiver) Answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// Messages returns the messages so far, oldest first.
func (r *Receiver) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// Wait returns the first message, past or future, that ok accepts. If none comes in time it returns
// the context's error with the number of other messages.
func (r *Receiver) Wait(ctx context.Context, ok func(Message) bool) (Message, error) {
	for seen := 0; ; {
		r.mu.Lock()
		messages, arrived := r.messages, r.arrived
		r.mu.Unlock()
		for ; seen < len(messages); seen++ {
			if ok(messages[seen]) {
				return messages[seen], nil
			}
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("no such message among the %d that came: %w", seen, ctx.Err())
		}
	}
}

// Close stops the receiver at once.
func (r *Receiver) Close() error {
	err := r.server.Close()
	<-r.done
	return err
}

func (r *Receiver) take(w http.ResponseWriter, req *http.Request) {
	m := Message{At: time.Now(), Header: req.Header}
	if err := m.read(http.MaxBytesReader(w, req.Body, receiverBody)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
	close(r.arrived)
	r.arrived = make(chan struct{})
	w.WriteHeader(r.status)
}

func (m *Message) read(body io.Reader) error {
	var err error
	if m.Body, err = io.ReadAll(body); err != nil {
		return err
	}
	if err := json.Unmarshal(m.Body, &m.Message); err != nil {
		return fmt.Errorf("not a message of Alertmanager: %w", err)
	}
	return nil
}
