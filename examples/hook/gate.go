// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// message is the part of culprit's webhook that the gate needs.
type message struct {
	Status         string    `json:"status"` // firing or resolved
	SentAt         time.Time `json:"sentAt"`
	IdempotencyKey string    `json:"idempotencyKey"`
	Incident       struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"incident"`
}

// gate lets each message from culprit through once.
type gate struct {
	secret []byte
	now    func() time.Time
	act    func(message)

	mu  sync.Mutex
	had map[string]time.Time // keys, and when they arrived
}

func newGate(secret []byte) *gate {
	return &gate{secret: secret, now: time.Now, act: show, had: map[string]time.Time{}}
}

var errHad = errors.New("this message was taken before")

const (
	replayWindow = 5 * time.Minute // how old a message may be, clock error included
	remember     = 24 * time.Hour  // culprit retries unanswered messages with the same key
)

// accept returns a message if culprit signed it, it is recent, and it is new. It trusts time and
// key of the signed body only; anybody could set the headers.
func (g *gate) accept(body []byte, signature string) (m message, err error) {
	mac := hmac.New(sha256.New, g.secret)
	mac.Write(body)
	if !hmac.Equal([]byte(signature), []byte("sha256="+hex.EncodeToString(mac.Sum(nil)))) {
		return m, errors.New("this is not signed with the secret")
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, err
	}
	if age := g.now().Sub(m.SentAt); age.Abs() > replayWindow {
		return m, fmt.Errorf("this was sent %s ago; a message is taken for %s", age.Round(time.Second), replayWindow)
	}
	if !g.first(m.IdempotencyKey) {
		return m, errHad
	}
	return m, nil
}

// first reports whether a key is new.
func (g *gate) first(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for old, at := range g.had {
		if g.now().Sub(at) > remember {
			delete(g.had, old)
		}
	}
	_, known := g.had[key]
	g.had[key] = g.now()
	return !known
}
