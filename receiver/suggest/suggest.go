// Package suggest makes rules for culprit from the alerting rules that are
// there already: what each alert measures, the labels in which its series
// differ, and the series that could tell why it fires.
//
// [Read] reads alerting rules, [Derive] takes one apart, [Explorer] asks a
// Prometheus what there is, and [Write] writes a rule file for people to edit.
package suggest

import (
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql"
)

// Rule is an alerting rule of Prometheus.
type Rule struct {
	Alert  string
	Expr   string
	Labels model.LabelSet
}

// Suggestion is what a rule says about its KPI. Its JSON is a contract (`culprit
// suggest --format json`): of a rule that can't be taken apart it has the error,
// and the rest is empty.
type Suggestion struct {
	Alert string `json:"alert"`
	Expr  string `json:"expr"`

	Kind        string `json:"kind"`
	Target      string `json:"target"`
	Operator    string `json:"operator"`
	Threshold   any    `json:"threshold"` // a number, or PromQL of one
	Numerator   string `json:"numerator"` // of a ratio
	Denominator string `json:"denominator"`
	Error       string `json:"error"`

	Guards []promql.Guard `json:"guards,omitempty"` // what must hold besides
	Undone string         `json:"undone,omitempty"` // why the KPI can't be broken down by labels
	Others []Suggestion   `json:"others,omitempty"` // the further branches of an `or`

	Labels model.LabelSet `json:"-"` // of the rule
}

// Derive takes a rule apart.
func Derive(r Rule) Suggestion {
	d, err := promql.Derive(r.Expr)
	if err != nil {
		return Suggestion{Alert: r.Alert, Expr: r.Expr, Labels: r.Labels, Error: err.Error()}
	}
	s := of(r, d)
	for _, branch := range d.Others {
		s.Others = append(s.Others, of(r, branch))
	}
	return s
}

func of(r Rule, d promql.Derivation) Suggestion {
	s := Suggestion{
		Alert: r.Alert, Expr: r.Expr, Labels: r.Labels,
		Kind: string(d.Kind), Target: d.Target, Operator: d.Operator, Threshold: d.Threshold,
		Numerator: d.Numerator, Denominator: d.Denominator, Guards: d.Guards, Undone: d.Undone,
	}
	if limit, ok := d.Limit(); ok {
		s.Threshold = limit
	}
	return s
}
