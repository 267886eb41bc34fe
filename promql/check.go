// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Check parses every template and query of a rule, and returns mistakes with their lines. There
// is no alert yet, so each template is tried with a value for every label that it uses, and
// with none.
func Check(rule config.Rule) []config.Mistake {
	c := checker{rule: rule}
	if rule.Target != nil {
		c.target("target", *rule.Target, rule.Breakdown)
	}
	for i, t := range rule.Targets { // giving both is reported elsewhere
		c.target(fmt.Sprintf("targets[%d]", i), t, rule.Breakdown)
	}
	c.candidates("candidates", rule.Candidates)
	if rule.Topology != nil && rule.Topology.Query != "" {
		c.query("topology.query", rule.Topology.Query)
	}
	slices.SortStableFunc(c.mistakes, func(a, b config.Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return c.mistakes
}

// CheckCatalogue parses the queries of the catalogue of candidates.
func CheckCatalogue(c *config.Config) []config.Mistake {
	ch := checker{rule: config.Rule{Source: c.CandidateSource}}
	for i, k := range c.Candidates {
		if strings.TrimSpace(k.Query) != "" {
			ch.query(fmt.Sprintf("candidates[%d].query", i), k.Query)
		}
	}
	return ch.mistakes
}

// CheckContext parses the queries of the context.
func CheckContext(c *config.Config) []config.Mistake {
	ch := checker{rule: config.Rule{Source: c.ContextSource}}
	for i, f := range c.Context.Facts {
		if strings.TrimSpace(f.Query) != "" {
			ch.query(fmt.Sprintf("context.facts[%d].query", i), f.Query)
		}
	}
	return ch.mistakes
}

func (c *checker) target(path string, t config.Target, shared *config.Breakdown) {
	c.candidates(path+".candidates", t.Candidates)
	breakdown, at := t.Breakdown, path+".breakdown"
	if breakdown == nil {
		breakdown, at = shared, "breakdown"
	}
	if breakdown != nil {
		c.labels(at, breakdown.Labels)
	}
	if strings.TrimSpace(t.Query) == "" {
		return // derived from the alert
	}
	for _, e := range c.query(path+".query", t.Query) {
		if _, ok := expr.Number(e); ok {
			c.mistake(path+".query", "is a constant", "write the query of what the alert is about, without the threshold")
			continue
		}
		if breakdown != nil && len(breakdown.Labels) > 0 {
			c.breakdown(at, expr.Measured(e), breakdown.Labels)
		}
	}
}

// breakdown checks that a KPI can be broken down by the configured labels. Without any, it is
// tried, and the report says if it fails.
func (c *checker) breakdown(path string, e parser.Expr, names []string) {
	m, err := expr.Decompose(e)
	if err != nil {
		c.mistake(path, "the target can't be broken down: "+err.Error(), "leave out the labels with `labels: []`, or write the target as a sum, a count, an average or a ratio of sums")
		return
	}
	_, refused := parts{Measure: m}.usable(names)
	for _, r := range refused {
		c.mistake(fmt.Sprintf("%s.labels[%d]", path, slices.Index(names, r.Label)), fmt.Sprintf("%q: %s", r.Label, r.Reason), "leave it out")
	}
}

func (c *checker) candidates(path string, candidates []config.Candidate) {
	for i, d := range candidates {
		if strings.TrimSpace(d.Query) != "" { // an empty query is reported elsewhere
			c.query(fmt.Sprintf("%s[%d].query", path, i), d.Query)
		}
	}
}
