package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Notification is Alertmanager's webhook message, version 4. It is decoded
// leniently: Alertmanager adds fields without raising the version.
type Notification struct {
	template.Data
	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

// job is one alert on its way through the queue. Its JSON is what the queue
// holds, so a field may be added but never change its meaning.
type job struct {
	Alert      report.Alert `json:"alert"`
	Status     string       `json:"status"` // firing or resolved
	Group      group        `json:"group"`
	Truncated  uint64       `json:"truncated,omitempty"` // alerts that the message left out
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

// messageID makes the queue drop a second copy of the same fact. The report
// store is asked too, because the queue remembers ids for a short while only.
func (j job) messageID() string {
	id := fmt.Sprintf("%s/%d/%s", j.Alert.Fingerprint, j.Alert.StartsAt.UnixNano(), j.Status)
	if j.Reason != reasonWebhook {
		// What the reconcile loop asks for is wanted although it was seen before.
		return fmt.Sprintf("%s/%s/%d", id, j.Reason, j.ReceivedAt.Unix())
	}
	return id
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
var errNoNotification = errors.New("this is no Alertmanager webhook message of version 4" +
	" (send the default payload: a receiver with a templated `payload:` can't be read)")

// decodeNotification reads a webhook body and checks that it can be one.
func decodeNotification(body []byte) (Notification, error) {
	var n Notification
	if err := json.Unmarshal(body, &n); err != nil {
		return n, fmt.Errorf("%w: %w", errNoNotification, err)
	}
	if n.Version != "4" {
		return n, fmt.Errorf("%w: its version is %q", errNoNotification, n.Version)
	}
	if len(n.Alerts) == 0 {
		return n, fmt.Errorf("%w: it has no alerts", errNoNotification)
	}
	for i, a := range n.Alerts {
		if len(a.Labels) == 0 {
			return n, fmt.Errorf("%w: alert %d has no labels", errNoNotification, i)
		}
		if a.Status != statusFiring && a.Status != statusResolved {
			return n, fmt.Errorf("%w: alert %d has the status %q, not firing or resolved", errNoNotification, i, a.Status)
		}
		if a.StartsAt.IsZero() {
			return n, fmt.Errorf("%w: alert %d has no startsAt", errNoNotification, i)
		}
	}
	return n, nil
}

// jobs returns one job an alert.
func (n Notification) jobs(now time.Time) []job {
	g := group{Receiver: unquote(n.Receiver), Labels: labelSet(n.GroupLabels), Key: n.GroupKey}
	jobs := make([]job, 0, len(n.Alerts))
	for _, a := range n.Alerts {
		labels := labelSet(a.Labels)
		jobs = append(jobs, job{
			Alert: report.Alert{
				Labels:       labels,
				Annotations:  labelSet(a.Annotations),
				StartsAt:     a.StartsAt,
				EndsAt:       a.EndsAt,
				GeneratorURL: a.GeneratorURL,
				// Alertmanager's own fingerprint is a hash of the labels, too;
				// made here, it is right whoever sent the message.
				Fingerprint: labels.Fingerprint().String(),
			},
			Status:     a.Status,
			Group:      g,
			Truncated:  n.TruncatedAlerts,
			Reason:     reasonWebhook,
			ReceivedAt: now,
		})
	}
	return jobs
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
