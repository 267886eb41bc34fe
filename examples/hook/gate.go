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

// message is what the gate needs of culprit's webhook; there is more in it.
type message struct {
	Status         string    `json:"status"` // firing or resolved
	SentAt         time.Time `json:"sentAt"`
	IdempotencyKey string    `json:"idempotencyKey"`
	Incident       struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"incident"`
}

// gate lets each message of culprit's through once.
type gate struct {
	secret []byte
	now    func() time.Time
	act    func(message)

	mu  sync.Mutex
	had map[string]time.Time // keys, and when they came
}

func newGate(secret []byte) *gate {
	return &gate{secret: secret, now: time.Now, act: show, had: map[string]time.Time{}}
}

var errHad = errors.New("this message was taken before")

const (
	replayWindow = 5 * time.Minute // how old a message may be, and how wrong a clock
	remember     = 24 * time.Hour  // culprit sends again what was not answered, with the same key
)

// accept returns a message if culprit has signed it, just now, and it is new.
// The time and the key stand in the signed body; those of the headers could be
// anybody's.
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

// first says whether a key comes for the first time.
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
