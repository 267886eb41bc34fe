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

// Notification is Alertmanager's webhook message, version 4. It is decoded
// leniently: Alertmanager adds fields without raising the version. What tells
// the group of the alerts, and whether it is a message at all, stands behind
// the alerts.
type Notification struct {
	Receiver        string
	GroupLabels     template.KV
	Version         string
	GroupKey        string
	TruncatedAlerts uint64

	Alerts   []posted // those that were taken
	NoRoom   int      // alerts for which there was none
	TooLarge []error  // one for each alert that is
	room     int      // bytes of the budget that Alerts take
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

// job is one alert on its way through the queue. Its JSON is what the queue
// holds, so a field may be added but never change its meaning.
type job struct {
	Alert      report.Alert `json:"alert"`
	Status     string       `json:"status"` // firing or resolved
	Group      group        `json:"group"`
	Truncated  uint64       `json:"truncated,omitempty"` // alerts that the message left out
	Left       int          `json:"left,omitempty"`      // alerts of the message that culprit has left to the reconcile loop
	Reason     string       `json:"reason"`              // webhook, reconcile or retry
	ReceivedAt time.Time    `json:"receivedAt"`
}

// webhookAt is when Alertmanager's message came; zero if there was none.
func (j job) webhookAt() time.Time {
	if j.Reason != reasonWebhook {
		return time.Time{}
	}
	return j.ReceivedAt
}

// group is the alert group that an alert came with.
type group struct {
	Receiver string         `json:"receiver"`
	Labels   model.LabelSet `json:"labels"`
	Key      string         `json:"key"` // Alertmanager's groupKey; empty when found by the reconcile loop
}

// id is the same for a group seen in a webhook and in Alertmanager's API,
// which does not tell the group key.
func (g group) id() string {
	return g.Receiver + g.Labels.String()
}

// key is what the incident of the group is known by.
func (g group) key() string {
	if g.Key != "" {
		return g.Key
	}
	return g.id()
}

// id makes the queue drop a second copy of the same fact while it has the
// first, whoever has found it.
func (j job) id() string {
	return fmt.Sprintf("%s/%d/%s", j.Alert.Fingerprint, j.Alert.StartsAt.UnixNano(), j.Status)
}

// describe tells a span which alert it is about.
func (j job) describe(span trace.Span) {
	if span.IsRecording() {
		span.SetAttributes(
			attribute.String("alert.name", string(j.Alert.Labels[model.AlertNameLabel])), attribute.String("alert.fingerprint", j.Alert.Fingerprint),
			attribute.String("alert.status", j.Status), attribute.String("culprit.reason", j.Reason),
		)
	}
}

// missing warns of alerts of the group that the job's message did not bring.
func (j job) missing() (warnings []analysis.Warning) {
	if j.Truncated > 0 {
		warnings = append(warnings, analysis.Warning{Source: "alertmanager", Text: fmt.Sprintf(
			"the message left out %d alerts of this group (max_alerts of the webhook): they are found within a minute by reading Alertmanager itself", j.Truncated)})
	}
	if j.Left > 0 {
		warnings = append(warnings, analysis.Warning{Source: "alertmanager", Text: fmt.Sprintf(
			"%d alerts of this group's message were not taken, as it is too large: they are found within a minute by reading Alertmanager itself", j.Left)})
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

// errNoNotification is the answer to a body that is not Alertmanager's message.
var errNoNotification = errors.New("this is not an Alertmanager webhook message of version 4" +
	" (send the default payload: a receiver with a templated `payload:` can't be read)")

// What is read of a message, in bytes.
const (
	maxPosted      = 256 << 10 // of one alert, with its annotations already cut
	maxTaken       = 48 << 20  // of the alerts of one message; those behind are left to the reconcile loop
	maxTakenByAll  = 96 << 20  // of the alerts of all messages that are being read
	maxOtherMember = 256 << 10 // of what stands beside the alerts
)

// decoder reads messages. It bounds the memory of all of them together.
type decoder struct {
	one    int // bytes that one message may take
	budget *semaphore.Weighted
}

func newDecoder() *decoder { return &decoder{maxTaken, semaphore.NewWeighted(maxTakenByAll)} }

// decode reads a message to its end and checks that it can be one. Give it back
// with release.
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

// release gives the memory of a message back.
func (d *decoder) release(n *Notification) {
	d.budget.Release(int64(n.room))
	n.room, n.Alerts = 0, nil
}

// member reads one member of the message.
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

// alert reads one alert and takes it, if there is room.
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

// left is the number of alerts that are left to the reconcile loop.
func (n *Notification) left() int { return n.NoRoom + len(n.TooLarge) }

// alert reads an object and cuts the texts of its annotations.
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

// group is the group that the message is about.
func (n *Notification) group() group {
	return group{Receiver: unquote(n.Receiver), Labels: labelSet(n.GroupLabels), Key: n.GroupKey}
}

// job makes the job of an alert of the message.
func (n *Notification) job(p posted, g group, now time.Time) (job, error) {
	labels := labelSet(p.Labels)
	alert, err := bounded(report.Alert{
		Labels:       labels,
		Annotations:  labelSet(p.Annotations),
		StartsAt:     p.StartsAt,
		EndsAt:       p.EndsAt,
		GeneratorURL: p.GeneratorURL,
		// Alertmanager's own fingerprint is a hash of the labels, too; made
		// here, it is right whoever sent the message.
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

// quoted is a character that regexp.QuoteMeta has escaped.
var quoted = regexp.MustCompile(`\\(.)`)

// unquote undoes the regexp.QuoteMeta that Alertmanager puts a receiver's name
// through.
func unquote(name string) string {
	return quoted.ReplaceAllString(name, "$1")
}
