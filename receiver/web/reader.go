// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Errors of a Reader that have pages of their own.
var (
	// ErrNotFound means that the report does not exist, or has expired.
	ErrNotFound = errors.New("not found")
	// ErrPending means that the alert is known and its report is being made.
	ErrPending = errors.New("being analysed")
)

// Reader reads reports, incidents and cases.
type Reader interface {
	ReportReader
	IncidentReader
	CaseReader
}

// ReportReader reads reports.
type ReportReader interface {
	// Report returns a full report, or ErrNotFound.
	Report(ctx context.Context, id string) (report.Report, error)
	// Latest returns the newest report of an alert, ErrPending while the first is being made, or
	// ErrNotFound.
	Latest(ctx context.Context, fingerprint string) (report.Report, error)
	// Reports returns the reports that pass the filter, newest first. They may lack what a list
	// doesn't show: charts, queries, dimensions, graph.
	Reports(ctx context.Context, f Filter) ([]report.Report, error)
}

// IncidentReader reads incidents.
type IncidentReader interface {
	// Incident returns an incident, or ErrNotFound.
	Incident(ctx context.Context, id string) (report.Incident, error)
	// Incidents returns the incidents that pass the filter, newest first.
	Incidents(ctx context.Context, f Filter) ([]report.Incident, error)
}

// CaseReader reads cases: incidents of the same time and cause.
type CaseReader interface {
	// Case returns a case, or ErrNotFound.
	Case(ctx context.Context, id string) (report.Case, error)
	// Cases returns the cases that pass the filter, newest first.
	Cases(ctx context.Context, f Filter) ([]report.Case, error)
}

// Filter selects from a list. The zero value passes everything.
type Filter struct {
	Limit       int // 0: unlimited
	Open        *bool
	Judged      *bool // whether there is feedback on the report
	AlertName   string
	Status      report.Status
	Fingerprint string
	Incident    string
	Prometheus  string           // name of the server, if there are several
	Matchers    labels.Matchers  // of the alert's labels
	After       changelog.Cursor // where the list continues; zero: from the newest

	// For lists of reports, and of the incidents above them.
	Verdict  analysis.Verdict
	Text     string    // case-insensitive, in the alert's name, the summary or a label's value
	From, To time.Time // when the alert began; zero: unbounded
}

// PassReport reports whether a report passes, ignoring the limit.
func (f Filter) PassReport(r report.Report) bool {
	return (f.Open == nil || *f.Open == r.Open()) &&
		(f.Judged == nil || *f.Judged == (len(r.Feedback) > 0)) &&
		(f.Status == "" || f.Status == r.Status) &&
		(f.AlertName == "" || f.AlertName == string(r.Alert.Labels[model.AlertNameLabel])) &&
		(f.Fingerprint == "" || f.Fingerprint == r.Alert.Fingerprint) &&
		(f.Incident == "" || f.Incident == r.Incident) &&
		(f.Prometheus == "" || f.Prometheus == r.Prometheus) &&
		(f.Verdict == "" || f.Verdict == r.Result.Verdict) &&
		f.passTime(r) && f.Matchers.Matches(r.Alert.Labels) && passText(r, f.Text)
}

// OfReports reports whether the filter has conditions on fields that only reports have.
func (f Filter) OfReports() bool {
	return f.Judged != nil || f.Status != "" || f.Fingerprint != "" || f.Prometheus != "" || len(f.Matchers) > 0 ||
		f.Verdict != "" || f.Text != "" || !f.From.IsZero() || !f.To.IsZero()
}

// PassIncident reports whether an incident passes the conditions that don't need its reports:
// state, ID and names of alerts.
func (f Filter) PassIncident(i report.Incident) bool {
	if f.Open != nil && *f.Open != i.Open() || f.Incident != "" && f.Incident != i.ID || !f.passAfter(i.CreatedAt, i.ID) {
		return false
	}
	if f.AlertName == "" {
		return true
	}
	for _, name := range i.Alerts {
		if name == f.AlertName {
			return true
		}
	}
	return false
}

// PassCase reports whether a case passes, by its state and the names of its alerts.
func (f Filter) PassCase(c report.Case) bool {
	return (f.Open == nil || *f.Open == c.Open()) && f.passAfter(c.CreatedAt, cursorOfCase(c).ID) && (f.Incident == "" || slices.Contains(c.Incidents, f.Incident)) &&
		(f.AlertName == "" || slices.ContainsFunc(c.Names, func(n report.Count) bool { return n.Name == f.AlertName }))
}
