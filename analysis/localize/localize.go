// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/adtributor"
)

// Limits for the verdict.
const (
	nearlyAll   = 0.9  // of what came from nothing, in one value
	manyPartial = 0.2  // share of a cause's leaves with missing samples that lowers its confidence
	mixChange   = 0.02 // relative move of a ratio that counts as a change, as for a total
)

// oneEvent is the smallest meaningful expectation.
const oneEvent = 1

// Run returns the verdict on a breakdown, its causes, and the table of every label.
//
// It returns an error (a *adtributor.ValueError or *grescan.ValueError) if a value is negative
// or not finite, and panics if lengths differ.
func Run(in Input, opt Options) (Result, error) {
	in.check()
	opt = opt.withDefaults()
	v, err := oneDim(&in, opt)
	if err != nil {
		return Result{}, err
	}
	r := Result{
		Dimensions: v.dimensions(),
		Gross:      v.Gross,
		NoBaseline: v.NoBaseline,
	}
	r.totals(&in)
	if opt.Count && opt.Mode == Auto && r.Forecast < oneEvent {
		r.NoBaseline = true // shares of less than one event mean nothing
	}
	if v.parts != nil {
		r.RatioBefore, r.RatioNow = v.parts.Forecast, v.parts.Actual
	}
	err = r.decide(&in, v, opt)
	return r, err
}

// totals adds up the measure.
func (r *Result) totals(in *Input) {
	if in.Totals != nil && !in.ratio() {
		r.Forecast, r.Actual = in.Totals.Forecast, in.Totals.Actual
		return
	}
	for _, m := range append([]Measure{in.Measure}, in.Marginals...) {
		var f, a float64
		for i := range m.Forecast {
			f += m.Forecast[i]
			a += m.Actual[i]
		}
		r.Forecast, r.Actual = max(r.Forecast, f), max(r.Actual, a)
	}
}

// decide runs the methods of the mode and combines their answers.
func (r *Result) decide(in *Input, v *view, opt Options) error {
	switch {
	case v.NoChange && (v.parts == nil || v.parts.NoChange):
		r.Verdict = NoChange
		return nil
	case v.Outage && opt.Mode != NSDI:
		r.Verdict = Outage
		return nil
	case in.Codes == nil || opt.Mode == NSDI || opt.Mode == Complete:
		r.labelsAlone(in, v, opt)
		return nil
	case r.NoBaseline && opt.Mode == Auto:
		r.concentration(in, v)
		return nil
	case opt.Mode == Auto:
		return r.judged(in, v, opt)
	}
	causes, err := scan(in, v, opt, r)
	if err != nil {
		return err
	}
	for k := range causes {
		causes[k].Share = r.share(&causes[k])
		causes[k].temper(r.Gross)
	}
	r.Causes = causes
	r.Verdict = verdictOf(causes)
	return nil
}

// labelsAlone uses sets of single labels as causes: all of them in the published mode, else the
// best.
func (r *Result) labelsAlone(in *Input, v *view, opt Options) {
	set, selective := v.selective()
	switch {
	case opt.Mode == NSDI:
		for _, s := range v.Sets {
			r.Causes = append(r.Causes, r.fromSet(v, s, Medium))
		}
		r.Verdict = verdictOf(r.Causes)
	case v.mixOnly():
		r.Verdict = TrafficMix
	case selective:
		r.Causes = []Cause{r.fromSet(v, set, Medium)}
	case r.Gross || v.NoChange:
		r.Verdict = NoChange
	case !v.NoBaseline && in.alikeByLabel(v.usableLabels(), opt):
		r.Verdict = External
	default:
		r.Verdict = NoConfident
	}
}

// verdictOf returns the verdict by causes alone.
func verdictOf(causes []Cause) Verdict {
	for _, c := range causes {
		if c.Confidence != Low {
			return Explained
		}
	}
	return NoConfident
}

// share returns the share of the total's change that a cause brings.
func (r *Result) share(c *Cause) float64 {
	if d := r.Actual - r.Forecast; d != 0 {
		return (c.Actual - c.Forecast) / d
	}
	return 0
}

// temper lowers the confidence of a cause if the total stood still, or samples of its leaves
// are missing.
func (c *Cause) temper(gross bool) {
	if c.Confidence == High && (gross || float64(c.Partial) > manyPartial*float64(c.Leaves)) {
		c.Confidence = Medium
	}
}

// mixOnly says whether a ratio moved by its traffic alone: its parts moved, but the events were
// as expected for the traffic.
func (v *view) mixOnly() bool {
	return v.parts != nil && (v.Gross || v.NoChange) && v.parts.TrafficMix &&
		math.Abs(v.parts.Actual-v.parts.Forecast) >= mixChange*v.parts.Forecast
}

// concentration handles a measure that was 0: there is nothing to compare, only where
// everything is now. The values with nearly all of it, one per label, form one combination.
func (r *Result) concentration(in *Input, v *view) {
	var c Combination
	for _, d := range v.usableLabels() {
		for _, e := range v.Tables[d].Elements {
			if e.ID >= 0 && e.EP >= nearlyAll {
				c.Labels, c.Values = append(c.Labels, d), append(c.Values, e.ID)
			}
		}
	}
	set, ok := v.selective()
	switch {
	case len(c.Labels) > 0:
		cause := in.cause(c, "adtributor")
		cause.Confidence, cause.Share = Medium, r.share(&cause)
		r.Causes = []Cause{cause}
	case ok && len(set.Elements) < len(v.Tables[set.Dimension].Elements):
		r.Causes = []Cause{r.fromSet(v, set, Medium)}
	case len(v.usableLabels()) == 0: // all labels have a single value, for which "everywhere" means nothing
		r.Verdict = NoConfident
	default:
		r.Verdict = External
	}
}

// union merges several causes of one label.
func (r *Result) union(in *Input, v *view, causes []Cause) Cause {
	all := causes[0]
	all.Combinations = nil
	var parts []Combination
	for _, c := range causes {
		parts = append(parts, c.Combinations[0])
		all.Score = max(all.Score, c.Score)
		all.R2 = min(all.R2, c.R2)
		if c.Confidence == Medium {
			all.Confidence = Medium
		}
	}
	sums := in.cause(parts[0], all.Method)
	for _, p := range parts[1:] {
		c := in.cause(p, all.Method)
		sums.Forecast += c.Forecast
		sums.Actual += c.Actual
		sums.Leaves += c.Leaves
		sums.Partial += c.Partial
		sums.Rate += c.Rate
		sums.Mix += c.Mix
		sums.Appeared = sums.Appeared && c.Appeared
		sums.Vanished = sums.Vanished && c.Vanished
	}
	sums.Combinations, sums.Score, sums.Bar, sums.R2, sums.Confidence = parts, all.Score, all.Bar, all.R2, all.Confidence
	if sums.Forecast > 0 {
		sums.Ratio = sums.Actual / sums.Forecast
	}
	for _, c := range causes {
		sums.Share += c.Share
	}
	t := &v.Tables[parts[0].Labels[0]]
	sums.Surprise, sums.Rollover = t.Set.Surprise, t.Set.Rollover
	return sums
}

// fromSet converts a set of one label to a cause.
func (r *Result) fromSet(v *view, s adtributor.Set, conf Confidence) Cause {
	t := &v.Tables[s.Dimension]
	c := Cause{
		Method: "adtributor", Confidence: conf, Score: s.Adjusted,
		Surprise: s.Surprise, Rollover: s.Rollover, Appeared: true, Vanished: true,
	}
	for _, id := range s.Elements {
		c.Combinations = append(c.Combinations, Combination{Labels: []int{s.Dimension}, Values: []int32{id}})
		for k := range t.Elements {
			if e := &t.Elements[k]; e.ID == id {
				c.Forecast += e.Forecast
				c.Actual += e.Actual
				c.Rate += e.Rate
				c.Mix += e.Mix
				c.Appeared = c.Appeared && e.Appeared
				c.Vanished = c.Vanished && e.Vanished
			}
		}
	}
	if c.Forecast > 0 {
		c.Ratio = c.Actual / c.Forecast
	}
	c.Share = s.EP
	return c
}
