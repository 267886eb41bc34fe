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

// Change is one change as stored and listed.
type Change struct {
	ID       string            `json:"id"`                 // assigned by culprit, in the form of a report ID
	Sender   string            `json:"senderID,omitempty"` // the sender's ID; unique per source
	Title    string            `json:"title"`
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until,omitzero"` // when it was complete; zero: unknown
	Labels   map[string]string `json:"labels"`
	From     string            `json:"from,omitempty"`
	To       string            `json:"to,omitempty"`
	Source   string            `json:"source"`
	URL      string            `json:"url,omitempty"`
	Received time.Time         `json:"receivedAt"`
}

// Event converts the change for the analysis.
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

// identify derives the ID of a change from the sender's, or else from the content, so that a
// repeated message is the same change.
func (c Change) identify() string {
	if c.Sender != "" {
		return report.ChangeID(c.Source, c.Sender)
	}
	return report.ChangeID("", string(c.content()))
}

// content is the sender's part of a change.
func (c Change) content() []byte {
	c.ID, c.Received = "", time.Time{}
	c.At, c.Until = c.At.UTC(), c.Until.UTC()
	body, _ := json.Marshal(c) // can't fail: texts, and times with four-digit years, which the checks ensure
	return body
}

// same reports whether two changes have the same content.
func same(a, b Change) bool { return bytes.Equal(a.content(), b.content()) }
