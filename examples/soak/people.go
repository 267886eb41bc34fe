// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/alertmanager/notify/webhook"
)

// people get every notification directly, beside culprit.
type people struct {
	server *httptest.Server

	mu   sync.Mutex
	told map[int]told
}

// told counts the notifications of an alert.
type told struct {
	firing, resolved int       // messages
	ended            time.Time // time of the first resolved message
}

func newPeople() *people {
	p := &people{told: map[int]told{}}
	p.server = httptest.NewServer(http.HandlerFunc(p.take))
	return p
}

func (p *people) url() string { return p.server.URL }

func (p *people) close() error { p.server.Close(); return nil }

func (p *people) take(w http.ResponseWriter, r *http.Request) {
	var m webhook.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range m.Alerts {
		n, err := strconv.Atoi(a.Labels["number"])
		if err != nil {
			continue
		}
		t := p.told[n]
		if a.Status == "firing" {
			t.firing++
		} else {
			t.resolved++
			if t.ended.IsZero() {
				t.ended = time.Now()
			}
		}
		p.told[n] = t
	}
}

// all returns the notifications so far, by alert number.
func (p *people) all() map[int]told {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.told)
}
