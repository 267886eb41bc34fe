// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"
)

// Course is a breakdown over time: means over consecutive steps before the incident, as
// queried. Unlike the pieces of a forecast, it excludes no times, so that charts show them.
type Course struct {
	Numerator   [][]float64 // step → leaf → value; NaN or nil if missing
	Denominator [][]float64 // the same, for a ratio
	Length      float64     // of a step, in seconds
	End         float64     // Unix seconds of the end of the last step
	From, To    float64     // Unix seconds that the actual values of the pieces cover
	Factor      float64     // converts the sum of the parts to the KPI's unit
	Likeness    bool        // the scaled sum is the KPI; else it is a related quantity in the unit of the parts
}

// Step is the sum of the parts of a KPI over one step, all of them and without some.
type Step struct {
	From, To    float64 // Unix seconds
	Whole, Rest float64
}

// Without returns the breakdown over time, all of it and without the leaves that the sets
// select: the steps before the incident, oldest first, then the incident. It returns nil if the
// sets select all leaves, or if one of them selects none, because it has other labels than the
// leaves or stands for several small values folded together.
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

// tellsApart says whether the leaves have the labels of all sets, and each set selects a leaf.
// A chart "without" a set that selects nothing would be false.
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

// named returns a set with the placeholder of a missing value replaced by what its leaves have.
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

// missingValue stands for the value of a missing label in a set.
const missingValue = "__missing__"

// denominator returns the denominator of step k, or nil.
func (c Course) denominator(k int) []float64 {
	if k < len(c.Denominator) {
		return c.Denominator[k]
	}
	return nil
}

// quotient returns the scaled sum, or ratio of sums, of the kept leaves; kept nil means all. It
// returns NaN if unknown.
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

// sum adds up the known values of the kept leaves; NaN if values is nil.
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
