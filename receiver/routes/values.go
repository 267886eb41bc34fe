// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"regexp/syntax"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// axis are the values of one label that the matchers of a tree tell apart.
type axis struct {
	name   model.LabelName
	values []model.LabelValue
}

// axes returns one axis for each label that a matcher of the tree names, sorted
// by name. Values that the same matchers match stand for each other, so that one
// of them is enough. A label that is not there is an empty value.
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

// anyName is the name of an alert that no matcher is about.
const anyName = "AnyAlert"

// candidates are values that matchers of a label may tell apart, the plainest
// first.
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
	// Joined they may match two expressions at once: prod-.* and .*-db.
	const few = 24
	for _, a := range samples[:min(few, len(samples))] {
		for _, b := range samples[:min(few, len(samples))] {
			values = append(values, a+b)
		}
	}
	return values
}

// distinct keeps the first of the values that the same matchers match.
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

// examples are some texts that a regular expression matches.
func examples(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return texts(re.Simplify())
}

// maxExamples bounds the examples of one expression.
const maxExamples = 64

// texts are examples of an expression: one for each of its alternatives, and
// with and without what is optional.
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
	default: // an anchor, the empty text
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

// class is each character of a small class, given as pairs of bounds, else one of
// each pair: a small letter where there is one.
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
