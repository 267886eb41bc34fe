// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Notification is Alertmanager's webhook message, version 4. Decoding is lenient, because
// Alertmanager adds fields without raising the version. The members that identify the group, and
// the version, come after the alerts.
type Notification struct {
	Receiver        string
	GroupLabels     template.KV
	Version         string
	GroupKey        string
	TruncatedAlerts uint64

	Alerts   []posted // accepted
	NoRoom   int      // number of alerts dropped for lack of memory
	TooLarge []error  // one error for each alert that is too large
	room     int      // bytes of the budget held by Alerts
}

// posted is one alert of a message.
type posted struct {
	Status       string      `json:"status"`
	Labels       template.KV `json:"labels"`
	Annotations  template.KV `json:"annotations"`
	StartsAt     time.Time   `json:"startsAt"`
	EndsAt       time.Time   `json:"endsAt"`
	GeneratorURL string      `json:"generatorURL"`
}

// job is one alert in the queue. Its JSON is stored: fields may be added, but must keep their
// meaning.
type job struct {
	Alert      report.Alert `json:"alert"`
	Status     string       `json:"status"` // firing or resolved
	Group      group        `json:"group"`
	Truncated  uint64       `json:"truncated,omitempty"` // alerts that Alertmanager left out of the message
	Left       int          `json:"left,omitempty"`      // alerts of the message that culprit left to the reconcile loop
	Reason     string       `json:"reason"`              // webhook, reconcile or retry
	ReceivedAt time.Time    `json:"receivedAt"`
}

// webhookAt is when Alertmanager's message arrived; zero if the job has another reason.
func (j job) webhookAt() time.Time {
	if j.Reason != reasonWebhook {
		return time.Time{}
	}
	return j.ReceivedAt
}

// group is the alert group of an alert.
type group struct {
	Receiver string         `json:"receiver"`
	Labels   model.LabelSet `json:"labels"`
	Key      string         `json:"key"` // Alertmanager's groupKey; empty when found by the reconcile loop
}

// id identifies a group in both webhooks and Alertmanager's API, which does not return the group
// key.
func (g group) id() string {
	return g.Receiver + g.Labels.String()
}

// key identifies the incident of the group.
func (g group) key() string {
	if g.Key != "" {
		return g.Key
	}
	return g.id()
}

// id lets the queue drop duplicates of the same alert and status, whether they come from the
// webhook or the reconcile loop.
func (j job) id() string {
	return fmt.Sprintf("%s/%d/%s", j.Alert.Fingerprint, j.Alert.StartsAt.UnixNano(), j.Status)
}

// describe sets the attributes of a span.
func (j job) describe(span trace.Span) {
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("alert.name", string(j.Alert.Labels[model.AlertNameLabel])), attribute.String("alert.fingerprint", j.Alert.Fingerprint),
			attribute.String("alert.status", j.Status), attribute.String("culprit.reason", j.Reason),
		)
	}
}

// missing warns about alerts of the group that the message did not bring.
func (j job) missing() (warnings []analysis.Warning) {
	if j.Truncated > 0 {
		warnings = append(warnings, analysis.Warning{Source: "alertmanager", Text: fmt.Sprintf(
			"the message left out %d alerts of this group (max_alerts of the webhook): culprit finds them in Alertmanager within a minute", j.Truncated)})
	}
	if j.Left > 0 {
		warnings = append(warnings, analysis.Warning{Source: "alertmanager", Text: fmt.Sprintf(
			"%d alerts of this group were left out because the message is too large: culprit finds them in Alertmanager within a minute", j.Left)})
	}
	return warnings
}

// Reasons for a job.
const (
	reasonWebhook   = "webhook"
	reasonReconcile = "reconcile"
	reasonRetry     = "retry"
)

const (
	statusFiring   = "firing"
	statusResolved = "resolved"
)

// errNoNotification rejects a body that is not a message of Alertmanager.
var errNoNotification = errors.New("this is not an Alertmanager webhook message of version 4" +
	" (send the default payload: a receiver with a templated `payload:` can't be read)")

// Limits of what is read of a message, in bytes.
const (
	maxPosted      = 256 << 10 // one alert, its annotations already truncated
	maxTaken       = 48 << 20  // all alerts of one message; the rest are left to the reconcile loop
	maxTakenByAll  = 96 << 20  // all alerts of all messages being read
	maxOtherMember = 256 << 10 // any other member
)

// decoder decodes messages. It bounds the memory of all messages being read.
type decoder struct {
	one    int // bytes that one message may take
	budget *semaphore.Weighted
}

func newDecoder() *decoder { return &decoder{maxTaken, semaphore.NewWeighted(maxTakenByAll)} }

// decode reads a message to its end and validates it. The caller must release it.
func (d *decoder) decode(body io.Reader) (*Notification, error) {
	n := &Notification{}
	s := newScanner(body)
	err := s.object(func(name string) error { return d.member(s, n, name) })
	if err == nil {
		err = s.end()
	}
	if err == nil {
		err = n.check()
	}
	if err != nil {
		d.release(n)
		return nil, fmt.Errorf("%w: %w", errNoNotification, err)
	}
	return n, nil
}

// release returns the memory of a message to the budget.
func (d *decoder) release(n *Notification) {
	d.budget.Release(int64(n.room))
	n.room, n.Alerts = 0, nil
}

// member decodes one member of the message.
func (d *decoder) member(s *scanner, n *Notification, name string) error {
	into, known := map[string]any{
		"receiver": &n.Receiver, "groupLabels": &n.GroupLabels, "version": &n.Version,
		"groupKey": &n.GroupKey, "truncatedAlerts": &n.TruncatedAlerts,
	}[name]
	switch {
	case name == "alerts":
		return s.array(func() error { return d.alert(s, n) })
	case !known:
		return s.skip()
	}
	raw, fits, err := s.value(bounds{value: maxOtherMember})
	if err == nil && !fits {
		err = fmt.Errorf("its %s has more than %d bytes", name, maxOtherMember)
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	return err
}

// alert decodes one alert, and keeps it if the budget allows.
func (d *decoder) alert(s *scanner, n *Notification) error {
	at := len(n.Alerts) + n.left()
	raw, fits, err := s.alert()
	if err != nil {
		return err
	}
	if !fits {
		n.TooLarge = append(n.TooLarge, fmt.Errorf("%w: alert %d has more than %d bytes", errAlertTooLarge, at, maxPosted))
		return nil
	}
	var p posted
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("alert %d: %w", at, err)
	}
	if err := p.check(); err != nil {
		return fmt.Errorf("alert %d %w", at, err)
	}
	if n.room+len(raw) > d.one || !d.budget.TryAcquire(int64(len(raw))) {
		n.NoRoom++
		return nil
	}
	n.room += len(raw)
	n.Alerts = append(n.Alerts, p)
	return nil
}

// left is how many alerts are left to the reconcile loop.
func (n *Notification) left() int { return n.NoRoom + len(n.TooLarge) }

// alert reads an alert as JSON with its annotations truncated. fits is false if it is too large.
func (s *scanner) alert() (raw []byte, fits bool, err error) {
	raw, fits = []byte{'{'}, true
	err = s.object(func(name string) error {
		b := bounds{value: maxPosted}
		if name == "annotations" {
			b.text = maxAnnotation
		}
		value, whole, err := s.value(b)
		if fits = fits && whole && len(raw)+len(value) <= maxPosted; fits {
			if len(raw) > 1 {
				raw = append(raw, ',')
			}
			key, _ := json.Marshal(name)
			raw = append(append(append(raw, key...), ':'), value...)
		}
		return err
	})
	return append(raw, '}'), fits, err
}

func (p posted) check() error {
	switch {
	case len(p.Labels) == 0:
		return errors.New("has no labels")
	case p.Status != statusFiring && p.Status != statusResolved:
		return fmt.Errorf("has the status %q, not firing or resolved", p.Status)
	case p.StartsAt.IsZero():
		return errors.New("has no startsAt")
	}
	return nil
}

func (n *Notification) check() error {
	if n.Version != "4" {
		return fmt.Errorf("its version is %q", n.Version)
	}
	if len(n.Alerts)+n.left() == 0 {
		return errors.New("it has no alerts")
	}
	return nil
}

// group is the alert group of the message.
func (n *Notification) group() group {
	return group{Receiver: unquote(n.Receiver), Labels: labelSet(n.GroupLabels), Key: n.GroupKey}
}

// job makes a job of one alert of the message.
func (n *Notification) job(p posted, g group, now time.Time) (job, error) {
	labels := labelSet(p.Labels)
	alert, err := bounded(report.Alert{
		Labels:       labels,
		Annotations:  labelSet(p.Annotations),
		StartsAt:     p.StartsAt,
		EndsAt:       p.EndsAt,
		GeneratorURL: p.GeneratorURL,
		// Computed here rather than read, so that it is right whoever sent the message.
		// Alertmanager's is a hash of the labels, too.
		Fingerprint: labels.Fingerprint().String(),
	})
	return job{
		Alert: alert, Status: p.Status, Group: g, Truncated: n.TruncatedAlerts, Left: n.left(),
		Reason: reasonWebhook, ReceivedAt: now,
	}, err
}

func labelSet(kv template.KV) model.LabelSet {
	set := make(model.LabelSet, len(kv))
	for k, v := range kv {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	return set
}

// quoted matches a character escaped by regexp.QuoteMeta.
var quoted = regexp.MustCompile(`\\(.)`)

// unquote undoes regexp.QuoteMeta, which Alertmanager applies to the receiver's name.
func unquote(name string) string {
	return quoted.ReplaceAllString(name, "$1")
}
