// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Roles of a query.
const (
	RoleTarget    = "target"
	RoleBreakdown = "breakdown"
	RoleCandidate = "candidate"
	RoleTopology  = "topology"
)

// Input is what a report is made of.
type Input struct {
	Alert Alert

	Prometheus string // name of the server that was asked; empty: there is only one, or none was
	Rule       string
	Onset      time.Time
	Plan       Plan
	Result     analysis.Result
	Charts     []Chart  // see [Charts]
	Without    *Without // see [NewWithout]
	Limit      *Limit   // see [LimitOf]
	HeldFor    time.Duration
	Grafana    Place
	Timings    Timings
	Context    Context
	Incident   string    // id, if it is known already
	Base       string    // external URL of culprit; empty: no links
	Now        time.Time // becomes CreatedAt
}

// New makes a report. It is pure: the same input gives the same report.
func New(in Input) Report {
	r := Report{
		ID:         ID(in.Alert.Fingerprint, in.Alert.StartsAt),
		Alert:      in.Alert,
		Prometheus: in.Prometheus,
		Rule:       in.Rule,
		Onset:      in.Onset,
		Plan:       in.Plan,
		Result:     whole(in.Result),
		Timings:    in.Timings,
		Sent:       []Sent{},
		Incident:   in.Incident,
		CreatedAt:  in.Now,
		Charts:     in.Charts,
		Without:    in.Without,
		Limit:      in.Limit,
		HeldFor:    in.HeldFor.Seconds(),
		Grafana:    in.Grafana,
		Context:    in.Context,
	}
	if r.Plan.Queries == nil {
		r.Plan.Queries = []Query{}
	}
	r.Units = Units{KPI: r.unitOf(RoleTarget), Parts: r.unitOf(RoleBreakdown)}
	r.Result.Change = inUnit(r.Result.Change, r.Units.KPI)
	r.Status = status(r)
	r.URL = URL(in.Base, "reports", r.ID)
	r.Summary = r.Line()
	return r
}

// inUnit is a change with its unit said.
func inUnit(c *analysis.Change, u words.Unit) *analysis.Change {
	if c == nil || c.Unit != "" {
		return c
	}
	known := *c
	known.Unit = u
	return &known
}

// URL returns the address of a page under culprit's external URL; it is empty
// if that is.
func URL(base, kind, id string) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/" + kind + "/" + id
}

// whole gives every list of the JSON a value, so that a reader of it finds []
// and not null.
func whole(res analysis.Result) analysis.Result {
	res.Causes = list(res.Causes)
	res.Dimensions = list(res.Dimensions)
	res.Warnings = list(res.Warnings)
	res.Graph.Nodes = list(res.Graph.Nodes)
	res.Graph.Edges = list(res.Graph.Edges)
	if res.Verdict == "" {
		res.Verdict = analysis.InsufficientEvidence
	}
	return res
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// status judges how much of the evidence was there.
func status(r Report) Status {
	switch {
	case AnswerOf(r.Result).Failed:
		return Failed
	case slices.ContainsFunc(r.Result.Warnings, r.aboutQuery):
		return Partial
	default:
		return Complete
	}
}

// aboutQuery says whether a warning is about a question to Prometheus: its
// source is the server, what was left out for its cost, a query of the plan by
// name or role, or a breakdown.
func (r Report) aboutQuery(w analysis.Warning) bool {
	if w.Source == "prometheus" || w.Source == "cost" || strings.HasSuffix(w.Source, ": "+RoleBreakdown) {
		return true
	}
	return slices.ContainsFunc(r.Plan.Queries, func(q Query) bool {
		return w.Source != "" && (w.Source == q.Name || w.Source == q.Role)
	})
}
