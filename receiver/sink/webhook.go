// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/confidence"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

const (
	webhookVersion = "1"
	webhookBody    = 1 << 20 // bytes; a larger message is sent without the report

	statusFiring   = "firing"
	statusResolved = "resolved"
)

// Headers of a recovery webhook.
const (
	// HeaderSignature is sha256= and the hex HMAC-SHA256 of the body under the hook's secret. The
	// body includes the time and the key, so it covers them.
	HeaderSignature = "X-Culprit-Signature"
	// HeaderKey is equal for messages with equal content, so that receivers can drop duplicates.
	HeaderKey = "Idempotency-Key"
)

// Payload is the body of a recovery webhook. Fields may be added; the version changes if one
// changes its meaning.
type Payload struct {
	Version string `json:"version"` // "1"
	Status  string `json:"status"`  // firing or resolved
	// SentAt is when this attempt began, and IdempotencyKey the value of [HeaderKey]. The signature
	// covers both, so that a captured message can't be replayed later, or as another one.
	SentAt         time.Time `json:"sentAt"`
	IdempotencyKey string    `json:"idempotencyKey"`
	// Incident has the ranked causes, merged over its reports, and the IDs of the reports.
	Incident report.Incident `json:"incident"`
	// Reports holds, by its ID, the report that triggered this message, unless the message would
	// exceed a megabyte.
	Reports map[string]report.Report `json:"reports"`
}

// Webhook posts incidents to a program that decides about recovery.
//
// The body is signed, and redirects are not followed. Delivery is at least once: receivers
// recognize duplicates by [HeaderKey].
type Webhook struct {
	base
	conf   config.RecoveryWebhook
	least  analysis.Confidence // least confidence of a cause worth sending
	remote *remote.Client
}

// NewWebhook makes the sink of one hook. It fails if files named in its settings can't be read.
func NewWebhook(conf config.RecoveryWebhook, opts Options) (*Webhook, error) {
	r, err := remote.New(remote.Options{
		Name: "recovery webhook", URL: conf.URL, HTTPConfig: conf.HTTPConfig, MaxBody: webhookBody,
	})
	if err != nil {
		return nil, err
	}
	least, err := confidence.Parse(string(conf.MinConfidence))
	if err != nil {
		return nil, err
	}
	w := &Webhook{base: newBase(NameWebhook, opts), conf: conf, least: least, remote: r}
	if _, err := w.secret(); err != nil {
		return nil, err
	}
	return w, nil
}

// Send posts the incident if it has a cause of enough confidence. The ref is the hook's host and
// the message's key. If an outcome already has that ref nothing is sent.
func (w *Webhook) Send(ctx context.Context, m Message) []report.Sent {
	if m.Resolved && !m.closed() {
		return nil // other alerts of the incident still fire
	}
	p := payloadOf(m)
	if !w.enough(p) {
		return []report.Sent{w.skipped(w.remote.Shown(), fmt.Sprintf("no cause has %s confidence", w.conf.MinConfidence))}
	}
	key := w.key(m, p)
	ref := w.remote.Shown() + " " + key
	if slices.Contains(m.sent(NameWebhook), ref) {
		return nil
	}
	p.SentAt, p.IdempotencyKey = w.now().UTC(), key
	body, err := p.encode()
	if err != nil {
		return []report.Sent{w.failed(ref, err)}
	}
	header, err := w.header(key, body)
	if err != nil {
		return []report.Sent{w.failed(ref, err)}
	}
	var asked atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { asked.Store(true) }})
	err = w.remote.Do(ctx, remote.Request{Op: "tell an incident", Method: http.MethodPost, Header: header, Body: body}, nil)
	if err == nil {
		return []report.Sent{w.ok(ref)}
	}
	sent := w.failed(ref, err)
	sent.Arrived = asked.Load() && mayHaveTaken(err)
	return []report.Sent{sent}
}

// CloseIdleConnections closes unused connections.
func (w *Webhook) CloseIdleConnections() { w.remote.CloseIdleConnections() }

// Place identifies the hook without showing its URL, which may be secret.
func (w *Webhook) Place() string {
	sum := sha256.Sum256([]byte(w.conf.URL.String()))
	return w.remote.Shown() + " " + hex.EncodeToString(sum[:4])
}

// Tells reports whether Send would post the message.
func (w *Webhook) Tells(m Message) bool {
	return (m.closed() || !m.Resolved) && w.enough(payloadOf(m))
}

// enough reports whether an incident is worth sending. Its end always is: whoever heard of the
// incident hears of its end.
func (w *Webhook) enough(p Payload) bool {
	return w.conf.MinConfidence == "" || p.Status == statusResolved || confident(p.Incident.Causes, w.least)
}

// mayHaveTaken reports whether a hook that received a message but did not accept it may still have
// acted on it.
func mayHaveTaken(err error) bool {
	var e *remote.Error
	return errors.As(err, &e) && (e.Status == 0 || e.Reason == remote.ServerError)
}

// payloadOf makes the body. A lone alert becomes an incident of one.
func payloadOf(m Message) Payload {
	p := Payload{Version: webhookVersion, Status: statusFiring, Incident: m.Incident}
	if m.closed() {
		p.Status = statusResolved
	}
	r := m.Report
	if p.Incident.ID == "" {
		p.Incident = report.Incident{
			Reports: []string{r.ID}, Alerts: []string{r.Name()}, Summary: r.Line(), Causes: r.Result.Causes,
			Onset: r.Onset, CreatedAt: r.CreatedAt, ResolvedAt: r.ResolvedAt, URL: r.URL, Grafana: r.Grafana,
		}
	}
	p.Incident.Sent, r.Sent, r.Charts, r.Without = nil, []report.Sent{}, nil, nil // of no use to the receiver
	p.Reports = map[string]report.Report{r.ID: r}
	return p
}

func confident(causes []analysis.Finding, least analysis.Confidence) bool {
	return slices.ContainsFunc(causes, func(f analysis.Finding) bool { return f.Confidence >= least })
}

// key depends on the hook, incident, status and ranked causes. It also counts the ends, so that a
// reopened incident is not a duplicate.
func (w *Webhook) key(m Message, p Payload) string {
	about := []any{w.conf.URL.Reveal().String(), m.key(), p.Status}
	if m.Ends > 0 {
		about = append(about, m.Ends)
	}
	for _, f := range p.Incident.Causes {
		about = append(about, f.Kind, f.Labels, f.Series, f.Name, f.Confidence)
	}
	b, err := json.Marshal(about)
	if err != nil {
		panic("sink: strings can't be encoded: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// encode encodes the body, without the report if it would be too large.
func (p Payload) encode() ([]byte, error) {
	body, err := json.Marshal(p)
	if err == nil && len(body) > webhookBody {
		p.Reports = map[string]report.Report{}
		body, err = json.Marshal(p)
	}
	if err != nil {
		return nil, fmt.Errorf("write the message of a recovery webhook: %w", err)
	}
	if len(body) > webhookBody {
		return nil, permanentError{fmt.Errorf("the message of a recovery webhook has %d bytes, more than %d: the incident has too many causes or alerts", len(body), webhookBody)}
	}
	return body, nil
}

func (w *Webhook) header(key string, body []byte) (http.Header, error) {
	h := http.Header{HeaderKey: {key}}
	secret, err := w.secret()
	if err != nil {
		return nil, err
	}
	if secret != nil {
		h.Set(HeaderSignature, sign(secret, body))
	}
	return h, nil
}

// secret reads the signing key; nil if the hook has none. It is read each time, so that it can be
// rotated.
func (w *Webhook) secret() ([]byte, error) {
	if w.conf.SecretFile == "" {
		return nil, nil
	}
	b, err := os.ReadFile(w.conf.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("read the secret of a recovery webhook: %w", err)
	}
	if b = bytes.TrimRight(b, "\r\n"); len(b) == 0 {
		return nil, fmt.Errorf("read the secret of a recovery webhook: %s is empty; put the key into it", w.conf.SecretFile)
	}
	return b, nil
}

func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
