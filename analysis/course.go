// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"
)

// Course is a breakdown over time: means over consecutive steps before the incident,
// as they were asked. Nothing is set aside in them, as in the pieces that a forecast is
// made of, so that they can be drawn.
type Course struct {
	Numerator   [][]float64 // a step, with a value a leaf; what is missing is NaN or nil
	Denominator [][]float64 // of a ratio
	Length      float64     // seconds of a step
	End         float64     // Unix seconds of the end of the last step
	From, To    float64     // Unix seconds that the actual values of the pieces are of
	Factor      float64     // what the parts add up to is multiplied by, to be in the unit of the KPI
	Likeness    bool        // with the factor it is the KPI; else something beside it, in the unit of the parts
}

// Step is what some parts of a KPI add up to over a time, with others and without.
type Step struct {
	From, To    float64 // Unix seconds
	Whole, Rest float64
}

// Without returns the parts of a breakdown over time, all of them and those that no
// set of labels selects: the steps before the incident, oldest first, and then the
// incident. It returns nil where they select all, or where a set selects none: it has
// labels that the leaves don't, or is of several small values taken together.
func (b *Breakdown) Without(sets []map[string]string) []Step {
	c := b.Course
	if len(c.Numerator) == 0 || !b.tellsApart(sets) {
		return nil
	}
	kept := make([]bool, len(b.Leaves))
	for i, leaf := range b.Leaves {
		kept[i] = !slices.ContainsFunc(sets, func(set map[string]string) bool { return has(b.Labels, leaf, named(set)) })
	}
	if !slices.Contains(kept, true) {
		return nil
	}
	var steps []Step
	add := func(from, to float64, num, den []float64) {
		s := Step{From: from, To: to, Whole: c.quotient(num, den, nil), Rest: c.quotient(num, den, kept)}
		if present(s.Whole) && present(s.Rest) {
			steps = append(steps, s)
		}
	}
	for k, num := range c.Numerator {
		end := c.End - float64(len(c.Numerator)-1-k)*c.Length
		add(end-c.Length, end, num, c.denominator(k))
	}
	var now []float64
	if b.Denominator != nil {
		now = b.Denominator.Actual
	}
	before := len(steps)
	if add(c.From, c.To, b.Numerator.Actual, now); len(steps) == before || before == 0 {
		return nil
	}
	return steps
}

// tellsApart says whether the leaves have the labels of all sets, and each set some leaf:
// of a set without one it would be said that it is left out, and it is not.
func (b *Breakdown) tellsApart(sets []map[string]string) bool {
	for _, set := range sets {
		for name := range set {
			if !slices.Contains(b.Labels, name) {
				return false
			}
		}
		if !slices.ContainsFunc(b.Leaves, func(leaf []string) bool { return has(b.Labels, leaf, named(set)) }) {
			return false
		}
	}
	return len(sets) > 0
}

// named is a set with the values that its leaves have.
func named(set map[string]string) map[string]string {
	out := map[string]string{}
	for name, v := range set {
		if v == missingValue {
			v = ""
		}
		out[name] = v
	}
	return out
}

// missingValue is what a set has in place of the value of a label that is missing.
const missingValue = "__missing__"

// denominator of a step; nil if there is none.
func (c Course) denominator(k int) []float64 {
	if k < len(c.Denominator) {
		return c.Denominator[k]
	}
	return nil
}

// quotient is what the leaves that are kept add up to; nil: all of them. It is NaN
// where that is not known.
func (c Course) quotient(num, den []float64, kept []bool) float64 {
	v := c.Factor * sum(num, kept)
	if c.Denominator != nil {
		v /= sum(den, kept)
	}
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// sum adds up what is there of the leaves that are kept; NaN if nothing is known.
func sum(values []float64, kept []bool) float64 {
	if values == nil {
		return math.NaN()
	}
	var total float64
	for i, v := range values {
		if !math.IsNaN(v) && (kept == nil || kept[i]) {
			total += v
		}
	}
	return total
}
