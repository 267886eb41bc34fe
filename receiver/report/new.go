// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Roles of queries.
const (
	RoleTarget    = "target"
	RoleBreakdown = "breakdown"
	RoleCandidate = "candidate"
	RoleTopology  = "topology"
)

// Input is the input of a report.
type Input struct {
	Alert Alert

	Prometheus string // name of the server; empty: there is only one, or none was queried
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
	Incident   string    // ID, if known already
	Base       string    // external URL of culprit; empty: no links
	Now        time.Time // becomes CreatedAt
}

// New makes a report. It is pure: equal inputs give equal reports.
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

// inUnit is a change with its unit set.
func inUnit(c *analysis.Change, u words.Unit) *analysis.Change {
	if c == nil || c.Unit != "" {
		return c
	}
	known := *c
	known.Unit = u
	return &known
}

// URL is the URL of a page, or "" without an external URL.
func URL(base, kind, id string) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/" + kind + "/" + id
}

// whole replaces nil lists, so that the JSON has [] instead of null.
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

// status says how much of the evidence is there.
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

// aboutQuery reports whether a warning concerns a query: its source is the server, the cost limit,
// a query of the plan by name or role, or a breakdown.
func (r Report) aboutQuery(w analysis.Warning) bool {
	if w.Source == "prometheus" || w.Source == "cost" || strings.HasSuffix(w.Source, ": "+RoleBreakdown) {
		return true
	}
	return slices.ContainsFunc(r.Plan.Queries, func(q Query) bool {
		return w.Source != "" && (w.Source == q.Name || w.Source == q.Role)
	})
}
