// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	clockStep  = time.Hour
	clockFirst = 1_000_000 // number of such a sender's first alert
	clockLasts = 90 * time.Second
)

// clocks fires two alerts whose senders' clocks are an hour late and an hour early. Alertmanager
// trusts them: the early one's alert begins in an hour, though people are notified now.
func clocks(ctx context.Context, p *pond, _ draw) error {
	for _, off := range []time.Duration{-clockStep, clockStep} {
		now := time.Now()
		ends := now.Add(clockLasts)
		if off > 0 {
			ends = now.Add(off + clockLasts)
		}
		n := p.rain.foreign(now, ends, off)
		if err := p.post(ctx, postable{
			Labels:       map[string]string{"alertname": "Fault", "severity": "page", "number": fmt.Sprint(n), "place": p.rain.place(now)},
			StartsAt:     now.Add(off),
			EndsAt:       ends,
			GeneratorURL: p.Prometheus.URL() + "/graph?g0.expr=fault+%3E+0",
		}); err != nil {
			return err
		}
	}
	return nil
}

// foreign records an alert of another sender and returns its number.
func (r *rain) foreign(began, ends time.Time, off time.Duration) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := clockFirst + r.others
	r.others++
	r.lives[n] = life{began: began, clock: off, ended: ends}
	return n
}

// postable is an alert as Alertmanager accepts it.
type postable struct {
	Labels       map[string]string `json:"labels"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// post sends an alert straight to Alertmanager, bypassing any gate.
func (p *pond) post(ctx context.Context, a postable) error {
	body, err := json.Marshal([]postable{a})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, p.Alertmanager.URL()+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("Alertmanager: %s", resp.Status)
	}
	return nil
}
