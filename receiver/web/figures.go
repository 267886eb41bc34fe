// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

// evidence lists the figures behind a cause, in reading order and under common names, with amounts
// in the cause's unit. Empty values, and the cause's own name, are left out.
func evidence(f analysis.Finding, unit words.Unit) []pair {
	e := f.Evidence
	figures := []pair{
		{"looked at inside", e.Scope},
		{"expected", number(e.Forecast, unit.Format)},
		{"actual", number(e.Actual, unit.Format)},
		{"before", number(e.Before, unit.Format)},
		{"in the incident", number(e.After, unit.Format)},
		{"moved since", number(e.Since, func(t float64) string { return clockSeconds(t) + " UTC" })},
		{"share of the change", number(e.Share, share)},
		{"actual by expected", number(e.Ratio, words.Number)},
		{"probability that it did it, of all changes and of none", number(e.Probability, words.Percent)},
		{"before the onset", number(e.Lag, words.Seconds.Format)},
		{"how near it is to what the alert is about", e.Near},
		{"how often the like was done there before", some(e.Earlier)},
		{"the same thing as", labelSets(e.Places)},
		{"there was nothing of it before", yes(e.Appeared)},
		{"there is nothing of it now", yes(e.Vanished)},
		{"none of its series exists any more", yes(e.Gone)},
		{"one value took the place of another", yes(e.Rollover)},
		{"moved against the total", words.List(e.Offsetting)},
		{"parts moved against each other, more than the total shows", yes(e.Gross)},
		{"surprise, bits", number(e.Surprise, words.Number)},
		{"score that chance hardly reaches", number(e.ScoreByChance, words.Number)},
		{"combinations of labels in it", some(e.Leaves)},
		{"series that it was compared with, and its own", some(e.OnlyOf)},
		{"of them moved as it did, and its own", some(e.Along)},
		{"inside it alike over", words.List(e.Inside)},
		{"the same series are those of", labelSets(e.Same)},
		{"of them lack samples", some(e.PartialLeaves)},
		{"how alike they moved, 0 to 1", number(e.Homogeneity, words.Number)},
		{"share of the change by changed rates", number(e.RateEffect, share)},
		{"share of the change by changed traffic", number(e.MixEffect, share)},
		{"deviation, in units of its own noise", number(e.Deviation, words.Number)},
		{"deviation that its parents don't explain", number(e.Residual, words.Number)},
		{"association with the KPI, |r|", number(e.Association, words.Number)},
		{"coefficient of the regression", number(e.Coefficient, words.Number)},
		{"relevance in the regression, 0 to 1", number(e.Relevance, words.Number)},
		{"chosen by the regression", yesOrNo(e.Selected)},
		{"contribution, in the KPI's unit (φ)", number(e.Phi, words.Number)},
		{"share of the change by the regression (ψ)", number(e.Psi, share)},
		{"left unexplained by the regression", number(e.Unexplained, share)},
		{"service", e.Service},
		{"kind of metric", e.Kind},
		{"query", e.Query},
		{"can't be told apart from", words.List(e.Members)},
		{"share of each alert", ofEach(e.Shares)},
	}
	return slices.DeleteFunc(figures, func(p pair) bool { return p.Value == "" || p.Value == "unknown" || p.Value == f.Name })
}

// labelSets formats label sets.
func labelSets(sets []analysis.Set) string {
	texts := make([]string, len(sets))
	for i, set := range sets {
		texts[i] = report.Title(analysis.Finding{Kind: analysis.KindLabels, Labels: []analysis.Set{set}})
	}
	return words.List(texts)
}

// number formats a figure, or "" if it is unknown.
func number(v *float64, format func(float64) string) string {
	if v == nil {
		return ""
	}
	return format(*v)
}

// some formats a count, or "" if it is zero.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// yes is "yes" or "".
func yes(is bool) string {
	if is {
		return "yes"
	}
	return ""
}

func yesOrNo(is *bool) string {
	switch {
	case is == nil:
		return ""
	case *is:
		return "yes"
	default:
		return "no"
	}
}

// ofEach formats the share of each alert.
func ofEach(shares map[string]float64) string {
	parts := make([]string, 0, len(shares))
	for name, v := range shares {
		parts = append(parts, name+" "+share(v))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
