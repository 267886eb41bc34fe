// SPDX-License-Identifier: Apache-2.0

// Package report builds the report of an alert and its wording.
//
// [New], which is pure, makes a [Report] from the result of one analysis. Its JSON is
// a contract (`GET /api/v1/reports/{id}`). An [Incident] is what the open reports of one
// alert group have in common. The texts for people (one line for a phone, up to five for
// an annotation) are methods here, so that all sinks and pages say the same.
package report

import (
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Status says how much of the evidence is there.
type Status string

// The statuses of a report.
const (
	Complete Status = "complete"
	Partial  Status = "partial" // some queries failed
	Failed   Status = "failed"  // no answer; the warnings say why
)

// Report is everything about one alert.
type Report struct {
	ID         string          `json:"id"`
	Status     Status          `json:"status"`
	Alert      Alert           `json:"alert"`
	Rule       string          `json:"rule"`
	Prometheus string          `json:"prometheus,omitempty"` // name of the server, if there are several
	Onset      time.Time       `json:"onset"`
	Summary    string          `json:"summary"` // one line for a phone
	Plan       Plan            `json:"plan"`
	Result     analysis.Result `json:"result"`
	Timings    Timings         `json:"timings"`
	Sent       []Sent          `json:"sent"`
	URL        string          `json:"url,omitempty"` // page of this report
	Incident   string          `json:"incident,omitempty"`

	Trace      string     `json:"trace,omitempty"` // W3C traceparent of culprit's own work on it; empty: not traced
	CreatedAt  time.Time  `json:"createdAt"`
	ResolvedAt *time.Time `json:"resolvedAt,omitempty"` // nil while the alert fires
	Charts     []Chart    `json:"charts,omitempty"`
	Without    *Without   `json:"without,omitempty"` // the KPI without its culprit; nil: unknown
	Limit      *Limit     `json:"limit,omitempty"`   // the alert's threshold for the KPI; nil: unknown
	HeldFor    float64    `json:"for,omitempty"`     // seconds, from the rule in Prometheus; 0: none, or unknown
	Grafana    Place      `json:"grafana,omitzero"`
	Units      Units      `json:"units,omitzero"`
	Feedback   []Feedback `json:"feedback,omitempty"` // oldest first
	Context    Context    `json:"context,omitzero"`
	Seen       *Seen      `json:"seen,omitempty"` // from earlier reports; only when this report is read by itself
	Case       string     `json:"case,omitempty"` // the case of its incident; likewise

	Others  []OtherAlert `json:"others,omitempty"`  // alerts among its changes; likewise
	Then    *Then        `json:"then,omitempty"`    // other alerts of that time, by name; likewise
	Handled []Handled    `json:"handled,omitempty"` // what Alertmanager did with the alert, if its event recorder is used; likewise
}

// Units are the units of a report's figures, as far as its queries show them. They are stored
// because lists of reports lack the queries.
type Units struct {
	KPI   words.Unit `json:"kpi,omitempty"`
	Parts words.Unit `json:"parts,omitempty"` // of the KPI's parts; of a ratio, the numerator's
}

// Alert is an alert as received from Alertmanager.
type Alert struct {
	Labels       model.LabelSet `json:"labels"`
	Annotations  model.LabelSet `json:"annotations"`
	StartsAt     time.Time      `json:"startsAt"`
	EndsAt       time.Time      `json:"endsAt,omitzero"`
	GeneratorURL string         `json:"generatorURL,omitempty"`
	Fingerprint  string         `json:"fingerprint"`
}

// Plan is what was queried.
type Plan struct {
	Queries []Query   `json:"queries"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Step    string    `json:"step"` // such as "30s"
}

// Query is one query to Prometheus.
type Query struct {
	Role  string `json:"role"` // target, breakdown, candidate or topology
	Name  string `json:"name"`
	Query string `json:"query"`
}

// Timings are in seconds.
type Timings struct {
	Queued  float64 `json:"queued"`
	Fetch   float64 `json:"fetch"`
	Analyze float64 `json:"analyze"`
	Publish float64 `json:"publish"`
}

// Outcomes of a write-back.
const (
	SentOK      = "ok"
	SentFailed  = "failed"
	SentSkipped = "skipped"
)

// Sent is the outcome of one write-back.
type Sent struct {
	Sink   string    `json:"sink"`
	Status string    `json:"status"`          // ok, failed or skipped
	Place  string    `json:"place,omitempty"` // which of the sink's servers; empty: there is only one
	Ref    string    `json:"ref,omitempty"`   // what was written there
	Error  string    `json:"error,omitempty"` // of a failure; or the reason to skip
	At     time.Time `json:"at,omitzero"`

	Attempts  int  `json:"attempts,omitempty"`  // requests made, if more than one
	Retryable bool `json:"retryable,omitempty"` // a retry may succeed

	Arrived bool          `json:"-"` // it failed, but may have arrived
	After   time.Duration `json:"-"` // from Retry-After
}

// Chart is a line on the page: the KPI or one of the causes, thinned for display.
type Chart struct {
	Name   string     `json:"name"`
	Times  []float64  `json:"times"`  // Unix seconds
	Values []*float64 `json:"values"` // null is a missing sample
}

// Limit is the threshold of an alert.
type Limit struct {
	Operator string  `json:"operator"` // >, >=, <, <=, == or !=
	Value    float64 `json:"value"`    // in the unit of the KPI
}

// Place is where Grafana shows an alert.
type Place struct {
	DashboardUID string `json:"dashboardUID,omitempty"`
	PanelID      int64  `json:"panelID,omitempty"`
}

// Incident is what the open reports of one alert group have in common.
type Incident struct {
	ID         string             `json:"id"`
	GroupKey   string             `json:"groupKey"`
	Reports    []string           `json:"reports"` // report IDs, oldest first
	Alerts     []string           `json:"alerts"`  // their alertnames, in the same order
	Summary    string             `json:"summary"`
	Causes     []analysis.Finding `json:"causes"` // merged over the reports
	Onset      time.Time          `json:"onset"`
	CreatedAt  time.Time          `json:"createdAt"`
	UpdatedAt  time.Time          `json:"updatedAt"`
	ResolvedAt *time.Time         `json:"resolvedAt,omitempty"`
	URL        string             `json:"url,omitempty"`
	Grafana    Place              `json:"grafana,omitzero"`
	Unit       words.Unit         `json:"unit,omitempty"` // of the figures of label causes, if all reports agree
	Sent       []Sent             `json:"sent,omitempty"`
}
