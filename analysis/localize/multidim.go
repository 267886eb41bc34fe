// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/grescan"
)

// usableLabels returns the labels for combinations.
func (v *view) usableLabels() []int {
	var dims []int
	for i, r := range v.reasons {
		if r == None {
			dims = append(dims, i)
		}
	}
	return dims
}

// implies maps each of the labels to those among them that it determines, by index.
func (v *view) implies(labels []int) [][]int {
	out := make([][]int, len(labels))
	for k, d := range labels {
		for j, e := range labels {
			if slices.Contains(v.parents[d], e) {
				out[k] = append(out[k], j)
			}
		}
	}
	return out
}

// scan searches for combinations. If the total did not move, both directions count.
func scan(in *Input, v *view, opt Options, r *Result) ([]Cause, error) {
	dims := v.usableLabels()
	codes, cards := pick(in.Codes, dims), pick(in.Cards, dims)
	found, err := grescan.Scan(codes, cards, in.Forecast, in.Actual, grescan.Options{
		Count: opt.Count, Deep: opt.Deep, Both: v.Gross, Workers: opt.Workers,
	})
	if err != nil {
		return nil, err
	}
	r.Phi, r.Kappa = found.Noise.Phi, found.Noise.Kappa
	causes := make([]Cause, len(found.Causes))
	for k, f := range found.Causes {
		c := in.cause(Combination{Labels: pick(dims, f.Dims), Values: f.Codes}, "grescan")
		c.Score, c.Bar, c.R2 = f.Score, found.Bar, f.R2
		if f.LowChance {
			c.Confidence = Low
		}
		causes[k] = c
	}
	return causes, nil
}

// cause sums up the leaves of a combination.
func (in *Input) cause(c Combination, method string) Cause {
	out := Cause{Combinations: []Combination{c}, Method: method, Confidence: High}
	var part, all adtributor.Totals
	for i := range in.Forecast {
		under := c.holds(in.Codes, i)
		if under {
			out.Forecast += in.Forecast[i]
			out.Actual += in.Actual[i]
			out.Leaves++
			if in.Partial != nil && in.Partial[i] {
				out.Partial++
			}
		}
		if p := in.Parts; p != nil {
			leaf := adtributor.Totals{
				Forecast: p.ForecastNum[i], Actual: in.Actual[i],
				ForecastDen: p.ForecastDen[i], ActualDen: p.ActualDen[i],
			}
			all = all.Plus(leaf)
			if under {
				part = part.Plus(leaf)
			}
		}
	}
	out.finish(part, all)
	return out
}

// holds says whether a leaf belongs to the combination.
func (c Combination) holds(codes [][]int32, leaf int) bool {
	for k, d := range c.Labels {
		if codes[d][leaf] != c.Values[k] {
			return false
		}
	}
	return true
}

// finish fills in what follows from the sums.
func (c *Cause) finish(part, all adtributor.Totals) {
	if c.Forecast > 0 {
		c.Ratio = c.Actual / c.Forecast
	}
	c.Appeared = c.Forecast == 0 && c.Actual > 0
	c.Vanished = c.Forecast > 0 && c.Actual == 0
	if all.ForecastDen > 0 && all.ActualDen > 0 {
		if change := all.Actual/all.ActualDen - all.Forecast/all.ForecastDen; change != 0 {
			rate, mix := adtributor.Effects(part, all)
			c.Rate, c.Mix = rate/change, mix/change
		}
		c.Appeared, c.Vanished = part.ForecastDen == 0, part.ActualDen == 0
	}
}

// pick returns the chosen entries.
func pick[T any](x []T, at []int) []T {
	out := make([]T, len(at))
	for k, i := range at {
		out[k] = x[i]
	}
	return out
}

// sameLabel returns the label that all causes use, if each uses a single one.
func sameLabel(causes []Cause) (int, bool) {
	for _, c := range causes {
		first := causes[0].Combinations[0].Labels
		if len(c.Combinations[0].Labels) != 1 || !slices.Equal(c.Combinations[0].Labels, first) {
			return 0, false
		}
	}
	if len(causes) == 0 {
		return 0, false
	}
	return causes[0].Combinations[0].Labels[0], true
}
