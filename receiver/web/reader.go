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

// Answers of a Reader that have a page of their own.
var (
	// ErrNotFound says that there is no such report, or no longer.
	ErrNotFound = errors.New("not found")
	// ErrPending says that the alert is known and its report is being made.
	ErrPending = errors.New("being analysed")
)

// Reader is where reports and incidents come from.
type Reader interface {
	ReportReader
	IncidentReader
	CaseReader
}

// ReportReader reads reports.
type ReportReader interface {
	// Report returns a whole report, or ErrNotFound.
	Report(ctx context.Context, id string) (report.Report, error)
	// Latest returns the newest report of an alert, ErrPending while the first
	// is being made, or ErrNotFound.
	Latest(ctx context.Context, fingerprint string) (report.Report, error)
	// Reports returns the reports that the filter lets pass, newest first. They
	// may lack what a list does not show: charts, queries, dimensions, graph.
	Reports(ctx context.Context, f Filter) ([]report.Report, error)
}

// IncidentReader reads incidents.
type IncidentReader interface {
	// Incident returns an incident, or ErrNotFound.
	Incident(ctx context.Context, id string) (report.Incident, error)
	// Incidents returns the incidents that the filter lets pass, newest first.
	Incidents(ctx context.Context, f Filter) ([]report.Incident, error)
}

// CaseReader reads cases: incidents of one time and one cause.
type CaseReader interface {
	// Case returns a case, or ErrNotFound.
	Case(ctx context.Context, id string) (report.Case, error)
	// Cases returns the cases that the filter lets pass, newest first.
	Cases(ctx context.Context, f Filter) ([]report.Case, error)
}

// Filter chooses from a list. The zero value lets everything pass.
type Filter struct {
	Limit       int // at most so many; 0: no limit
	Open        *bool
	Judged      *bool // whether people have said something of a report
	AlertName   string
	Status      report.Status
	Fingerprint string
	Incident    string
	Prometheus  string           // that was asked, where there are several
	Matchers    labels.Matchers  // of the alert's labels
	After       changelog.Cursor // what the list goes on behind; zero: from the newest

	// Of lists of reports, and of the incidents that stand above one.
	Verdict  analysis.Verdict
	Text     string    // in the alert's name, the summary or a label's value, whatever the case
	From, To time.Time // when the alert began; zero: not bounded
}

// PassReport says whether a report passes, the limit aside.
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

// OfReports says whether it asks for what only reports have.
func (f Filter) OfReports() bool {
	return f.Judged != nil || f.Status != "" || f.Fingerprint != "" || f.Prometheus != "" || len(f.Matchers) > 0 ||
		f.Verdict != "" || f.Text != "" || !f.From.IsZero() || !f.To.IsZero()
}

// PassIncident says whether an incident passes, as far as it can be told
// without its reports: by its state, its id and the names of its alerts.
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

// PassCase says whether a case passes, by its state and the names of its alerts.
func (f Filter) PassCase(c report.Case) bool {
	return (f.Open == nil || *f.Open == c.Open()) && f.passAfter(c.CreatedAt, cursorOfCase(c).ID) && (f.Incident == "" || slices.Contains(c.Incidents, f.Incident)) &&
		(f.AlertName == "" || slices.ContainsFunc(c.Names, func(n report.Count) bool { return n.Name == f.AlertName }))
}
