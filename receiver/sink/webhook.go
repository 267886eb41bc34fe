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
	webhookBody    = 1 << 20 // bytes; a larger message goes without its details

	statusFiring   = "firing"
	statusResolved = "resolved"
)

// The headers of a recovery webhook.
const (
	// HeaderSignature is sha256= and the hex HMAC-SHA256 of the body under the
	// hook's secret. It covers the time and the key, which are in the body, too.
	HeaderSignature = "X-Culprit-Signature"
	// HeaderKey is the same for all messages that say the same, so that a
	// receiver can drop what it has had.
	HeaderKey = "Idempotency-Key"
)

// Payload is the body of a recovery webhook. Fields may be added; the version
// changes when one changes its meaning.
type Payload struct {
	Version string `json:"version"` // "1"
	Status  string `json:"status"`  // firing or resolved
	// SentAt is when this try to tell it began, and IdempotencyKey what
	// [HeaderKey] says: under the signature, so that a message that somebody has
	// seen is of no use to them later, or as another one.
	SentAt         time.Time `json:"sentAt"`
	IdempotencyKey string    `json:"idempotencyKey"`
	// Incident has the ranked causes, merged over its reports, and the ids of
	// the reports.
	Incident report.Incident `json:"incident"`
	// Reports has by its id the report that this message was sent for, unless
	// the message would be larger than a megabyte.
	Reports map[string]report.Report `json:"reports"`
}

// Webhook tells an incident to a program that decides on recovery.
//
// The body is signed and a redirect is not followed. Each message is sent at
// least once: receivers tell repeats by [HeaderKey].
type Webhook struct {
	base
	conf   config.RecoveryWebhook
	least  analysis.Confidence // of a cause that is worth telling
	remote *remote.Client
}

// NewWebhook makes the sink of one hook. It fails when its settings name files
// that can't be read.
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

// Send tells the incident, if it has a cause of enough confidence. The ref is
// the host of the hook and the key of the message. A message of which a
// message in the outcomes had the same key is not sent again.
func (w *Webhook) Send(ctx context.Context, m Message) []report.Sent {
	if m.Resolved && !m.closed() {
		return nil // other alerts of the incident are open
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

// CloseIdleConnections gives the connections back that nobody uses.
func (w *Webhook) CloseIdleConnections() { w.remote.CloseIdleConnections() }

// Place tells the hook from all others, without showing its URL, which may be
// a secret.
func (w *Webhook) Place() string {
	sum := sha256.Sum256([]byte(w.conf.URL.String()))
	return w.remote.Shown() + " " + hex.EncodeToString(sum[:4])
}

// Tells says whether Send would tell the hook of the incident.
func (w *Webhook) Tells(m Message) bool {
	return (m.closed() || !m.Resolved) && w.enough(payloadOf(m))
}

// enough says whether an incident is worth telling. Its end is, whatever has
// become of its causes: who was told of the one is told of the other.
func (w *Webhook) enough(p Payload) bool {
	return w.conf.MinConfidence == "" || p.Status == statusResolved || confident(p.Incident.Causes, w.least)
}

// mayHaveTaken says whether a hook that has got a message and didn't accept it
// may have acted on it all the same.
func mayHaveTaken(err error) bool {
	var e *remote.Error
	return errors.As(err, &e) && (e.Status == 0 || e.Reason == remote.ServerError)
}

// payloadOf makes the body. An alert alone is an incident of one.
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

// key is the same for the same hook, incident, status and ranked causes, until
// the incident has ended: one that opens again is no repeat.
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

// encode writes the body, without the report when it would be too large.
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
		return nil, never{fmt.Errorf("the message of a recovery webhook has %d bytes, more than %d: the incident has too many causes or alerts", len(body), webhookBody)}
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

// secret reads the key of the signature, each time anew, so that it may be
// changed; it is nil if the hook has none.
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
