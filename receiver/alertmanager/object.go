// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/prometheus/common/model"
)

// States of an unresolved alert, and of a silence.
const (
	AlertActive      = "active"
	AlertSuppressed  = "suppressed"  // silenced, inhibited or muted
	AlertUnprocessed = "unprocessed" // too new to have a state

	SilenceActive  = "active"
	SilencePending = "pending"
	SilenceExpired = "expired"
)

// object is a JSON object that keeps all fields.
type object map[string]json.RawMessage

// with returns a copy with one field set.
func (o object) with(name string, value any) object {
	b, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("alertmanager: field %s: %v", name, err)) // only strings, times and maps of strings
	}
	c := maps.Clone(o)
	c[name] = b
	return c
}

// without returns a copy without some fields.
func (o object) without(names ...string) object {
	c := maps.Clone(o)
	for _, name := range names {
		delete(c, name)
	}
	return c
}

func (o object) json() json.RawMessage {
	b, err := json.Marshal(o)
	if err != nil {
		panic("alertmanager: what was decoded can't be encoded: " + err.Error())
	}
	return b
}

// timestamp formats a time like Alertmanager.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// Alert is an alert as returned by the server.
type Alert struct {
	Fingerprint  string
	Labels       model.LabelSet
	Annotations  model.LabelSet
	StartsAt     time.Time
	EndsAt       time.Time // when it resolves unless it is resent
	UpdatedAt    time.Time // when it was last sent
	GeneratorURL string
	State        string
	SilencedBy   []string // IDs of the active silences that match it
	InhibitedBy  []string // fingerprints
	Receivers    []string
	ReadAt       time.Time // the server's clock when it answered, to the second
	AskedAt      time.Time // our clock when the request was sent

	raw object
}

// UnmarshalJSON decodes the known fields and keeps the raw object.
func (a *Alert) UnmarshalJSON(b []byte) error {
	var v struct {
		Fingerprint  string         `json:"fingerprint"`
		Labels       model.LabelSet `json:"labels"`
		Annotations  model.LabelSet `json:"annotations"`
		StartsAt     time.Time      `json:"startsAt"`
		EndsAt       time.Time      `json:"endsAt"`
		UpdatedAt    time.Time      `json:"updatedAt"`
		GeneratorURL string         `json:"generatorURL"`
		Status       struct {
			State       string   `json:"state"`
			SilencedBy  []string `json:"silencedBy"`
			InhibitedBy []string `json:"inhibitedBy"`
		} `json:"status"`
		Receivers []struct {
			Name string `json:"name"`
		} `json:"receivers"`
	}
	raw, err := decode(b, &v)
	if err != nil {
		return err
	}
	*a = Alert{
		Fingerprint: v.Fingerprint, Labels: v.Labels, Annotations: v.Annotations,
		StartsAt: v.StartsAt, EndsAt: v.EndsAt, UpdatedAt: v.UpdatedAt, GeneratorURL: v.GeneratorURL,
		State: v.Status.State, SilencedBy: v.Status.SilencedBy, InhibitedBy: v.Status.InhibitedBy, raw: raw,
	}
	for _, r := range v.Receivers {
		a.Receivers = append(a.Receivers, r.Name)
	}
	return nil
}

// Repost returns the alert as it is to be posted back: unchanged but for the annotations, and the
// end unless endsAt is zero. Fields that only the server may set (status, receivers, fingerprint,
// updatedAt) are left out.
//
// It panics if the alert was not read from a server: all fields must go back, and only the server's
// answer has them all.
func (a Alert) Repost(annotations model.LabelSet, endsAt time.Time) json.RawMessage {
	if a.raw == nil {
		panic("alertmanager: Repost of an alert that was not read from a server")
	}
	o := a.raw.without("fingerprint", "receivers", "status", "updatedAt").with("annotations", annotations)
	if !endsAt.IsZero() {
		o = o.with("endsAt", timestamp(endsAt))
	}
	return o.json()
}

// Matcher is a matcher of a silence.
type Matcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// Silence is a silence as returned by the server.
type Silence struct {
	ID          string
	State       string
	Comment     string
	CreatedBy   string
	Annotations model.LabelSet // from servers since 0.32
	Matchers    []Matcher
	StartsAt    time.Time
	EndsAt      time.Time
	UpdatedAt   time.Time
	ReadAt      time.Time // the server's clock when it answered, to the second

	raw object
}

// UnmarshalJSON decodes the known fields and keeps the raw object.
func (s *Silence) UnmarshalJSON(b []byte) error {
	var v struct {
		ID          string         `json:"id"`
		Comment     string         `json:"comment"`
		CreatedBy   string         `json:"createdBy"`
		Annotations model.LabelSet `json:"annotations"`
		Matchers    []Matcher      `json:"matchers"`
		StartsAt    time.Time      `json:"startsAt"`
		EndsAt      time.Time      `json:"endsAt"`
		UpdatedAt   time.Time      `json:"updatedAt"`
		Status      struct {
			State string `json:"state"`
		} `json:"status"`
	}
	raw, err := decode(b, &v)
	if err != nil {
		return err
	}
	*s = Silence{
		ID: v.ID, State: v.Status.State, Comment: v.Comment, CreatedBy: v.CreatedBy, Annotations: v.Annotations,
		Matchers: v.Matchers, StartsAt: v.StartsAt, EndsAt: v.EndsAt, UpdatedAt: v.UpdatedAt, raw: raw,
	}
	return nil
}

// Update returns the silence as it is to be posted to update it in place: the order of matchers and
// the start unchanged, with a new comment, and with annotations merged into its own.
//
// It panics if the silence was not read from a server.
func (s Silence) Update(comment string, annotations model.LabelSet) json.RawMessage {
	if s.raw == nil {
		panic("alertmanager: Update of a silence that was not read from a server")
	}
	o := s.raw.without("status", "updatedAt").with("comment", comment)
	if len(annotations) > 0 {
		o = o.with("annotations", s.Annotations.Merge(annotations))
	}
	return o.json()
}

// NewSilence is a silence to create.
type NewSilence struct {
	Matchers  []Matcher `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
}

func decode(b []byte, into any) (object, error) {
	var raw object
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, err
	}
	return raw, json.Unmarshal(b, into)
}
