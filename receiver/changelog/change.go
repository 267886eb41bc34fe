// SPDX-License-Identifier: Apache-2.0

// Package changelog stores the changes that people and machines report: posts to
// `POST /api/v1/changes`, and annotations of Grafana.
//
// A [Change] is a claim by its sender. It may become a cause in a report, and nothing
// else: no alert is posted, silenced or changed because of one. All its texts are
// untrusted: bounded when received and escaped when shown.
package changelog

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Change is one change as it is kept and listed.
type Change struct {
	ID       string            `json:"id"`                 // ours; it has the form of a report's
	Sender   string            `json:"senderID,omitempty"` // what the sender calls it; with the source it is the change's identity
	Title    string            `json:"title"`
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until,omitzero"` // when it was complete; zero: not known
	Labels   map[string]string `json:"labels"`
	From     string            `json:"from,omitempty"`
	To       string            `json:"to,omitempty"`
	Source   string            `json:"source"`
	URL      string            `json:"url,omitempty"`
	Received time.Time         `json:"receivedAt"`
}

// Event is the change as the analysis sees it.
func (c Change) Event() changes.Change {
	e := changes.Change{At: seconds(c.At), Title: c.Title, Labels: c.Labels, From: c.From, To: c.To, Source: c.Source, URL: c.URL}
	if !c.Until.IsZero() {
		e.Until = seconds(c.Until)
	}
	return e
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// end is the last moment of a change.
func (c Change) end() time.Time {
	if c.Until.After(c.At) {
		return c.Until
	}
	return c.At
}

// identify gives a change its id: that of its sender, or else that of what it
// says, so that the same message twice is one change.
func (c Change) identify() string {
	if c.Sender != "" {
		return report.ChangeID(c.Source, c.Sender)
	}
	return report.ChangeID("", string(c.content()))
}

// content is what a change says, without what culprit has added.
func (c Change) content() []byte {
	c.ID, c.Received = "", time.Time{}
	c.At, c.Until = c.At.UTC(), c.Until.UTC()
	body, _ := json.Marshal(c) // texts and times of four digits, which the checks see to
	return body
}

// same says whether two changes say the same.
func same(a, b Change) bool { return bytes.Equal(a.content(), b.content()) }
