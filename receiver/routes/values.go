// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"regexp/syntax"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// axis holds the values of one label that the tree's matchers distinguish.
type axis struct {
	name   model.LabelName
	values []model.LabelValue
}

// axes returns an axis per label in the tree's matchers, sorted by name, with one representative
// for values that satisfy the same matchers. A missing label is an empty value.
func (t *Tree) axes() []axis {
	byName := map[string][]*labels.Matcher{model.AlertNameLabel: nil}
	t.Root.walk(func(r *Route) {
		for _, m := range r.Matchers {
			byName[m.Name] = append(byName[m.Name], m)
		}
	})
	var all []axis
	for name, ms := range byName {
		all = append(all, axis{model.LabelName(name), distinct(ms, candidates(name, ms))})
	}
	slices.SortFunc(all, func(a, b axis) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}

// anyName is an alertname that no matcher mentions.
const anyName = "AnyAlert"

// candidates returns values that the matchers of a label may distinguish, simplest first.
func candidates(name string, ms []*labels.Matcher) []string {
	values := []string{"", "other"}
	if name == model.AlertNameLabel {
		values = []string{anyName}
	}
	var samples []string
	for _, m := range ms {
		switch m.Type {
		case labels.MatchEqual, labels.MatchNotEqual:
			values = append(values, m.Value)
		default:
			samples = append(samples, examples(m.Value)...)
		}
	}
	values = append(values, samples...)
	// Concatenated they may match two expressions at once: prod-.* and .*-db.
	const few = 24
	for _, a := range samples[:min(few, len(samples))] {
		for _, b := range samples[:min(few, len(samples))] {
			values = append(values, a+b)
		}
	}
	return values
}

// distinct keeps the first of all values that satisfy the same matchers.
func distinct(ms []*labels.Matcher, values []string) []model.LabelValue {
	var kept []model.LabelValue
	seen := map[string]bool{}
	for _, v := range values {
		signs := make([]byte, len(ms))
		for i, m := range ms {
			if m.Matches(v) {
				signs[i] = 1
			}
		}
		if !seen[string(signs)] {
			seen[string(signs)] = true
			kept = append(kept, model.LabelValue(v))
		}
	}
	return kept
}

// examples returns texts that a regular expression matches.
func examples(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return texts(re.Simplify())
}

// maxExamples bounds the examples per expression.
const maxExamples = 64

// texts returns examples of an expression: one per alternative, with and without optional parts.
func texts(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"x"}
	case syntax.OpStar, syntax.OpQuest:
		return append([]string{""}, texts(re.Sub[0])...)
	case syntax.OpPlus, syntax.OpCapture:
		return texts(re.Sub[0])
	case syntax.OpConcat:
		all := []string{""}
		for _, sub := range re.Sub {
			all = products(all, texts(sub))
		}
		return all
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			all = append(all, texts(sub)...)
		}
		return all[:min(len(all), maxExamples)]
	default: // an anchor, or empty text
		return []string{""}
	}
}

func products(heads, tails []string) []string {
	var all []string
	for _, h := range heads {
		for _, t := range tails {
			if len(all) == maxExamples {
				return all
			}
			all = append(all, h+t)
		}
	}
	return all
}

// class returns every character of a small class, given as pairs of bounds; of a large one, a
// character per pair, lower-case if possible.
func class(bounds []rune) []string {
	const small = 16
	var all []string
	for i := 0; i+1 < len(bounds); i += 2 {
		low, high := bounds[i], bounds[i+1]
		switch {
		case high-low < small:
			for r := low; r <= high; r++ {
				all = append(all, string(r))
			}
		case low <= 'x' && 'x' <= high:
			all = append(all, "x")
		default:
			all = append(all, string(low))
		}
	}
	return all[:min(len(all), maxExamples)]
}
