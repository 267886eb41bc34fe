package localize

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/adtributor"
)

// Limits of the verdict.
const (
	topSets      = 3    // single-label sets that a cause is compared with
	uniformRatio = 0.9  // forecast share over share of the change, from which on a set moved like the rest
	manyPartial  = 0.2  // share of a cause's leaves without samples that lowers its confidence
	mixChange    = 0.02 // relative move of a ratio that is a change, as of a total
)

// oneEvent is the least that can be said to have been expected.
const oneEvent = 1

// Run returns the verdict on a breakdown, its causes, and the table of every
// label.
//
// It returns an error (of type *adtributor.ValueError or *grescan.ValueError)
// if a value is negative or not finite, and panics if lengths differ.
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
		r.NoBaseline = true // whose shares of less than one event say nothing
	}
	if v.parts != nil {
		r.RatioBefore, r.RatioNow = v.parts.Forecast, v.parts.Actual
	}
	err = r.decide(&in, v, opt)
	return r, err
}

// totals adds up what the labels share out.
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

// decide runs the methods of the mode and weighs what they say.
func (r *Result) decide(in *Input, v *view, opt Options) error {
	switch {
	case v.NoChange && (v.parts == nil || v.parts.NoChange):
		r.Verdict = NoChange
		return nil
	case v.Outage && opt.Mode != NSDI:
		r.Verdict = Outage
		return nil
	case in.Codes == nil || opt.Mode == NSDI || opt.Mode == Complete:
		r.labelsAlone(v, opt)
		return nil
	case r.NoBaseline && opt.Mode == Auto:
		r.concentration(in, v)
		return nil
	case opt.Mode == Auto:
		return r.judged(in, v, opt)
	}
	var causes []Cause
	var err error
	if opt.Mode == RiskLoc {
		causes, err = published(in, v)
	} else {
		causes, err = scan(in, v, opt, r)
	}
	if err != nil {
		return err
	}
	for k := range causes {
		causes[k].Share = r.share(&causes[k])
		causes[k].temper(r.Gross)
	}
	if opt.Mode == Auto {
		r.glue(in, v, causes)
		return nil
	}
	r.Causes = causes
	r.Verdict = verdictOf(causes)
	return nil
}

// glue joins the combinations that were found with the sets of single labels. A
// combination that chance could have made still goes before such a set: on real
// incidents it is right three times of four, and the set hardly ever.
func (r *Result) glue(in *Input, v *view, causes []Cause) {
	confident := verdictOf(causes) == Explained
	label, one := sameLabel(causes)
	set, selective := v.selective()
	switch {
	case confident && r.uniform(causes):
		r.Verdict = External
	case confident && one && v.among(label):
		r.Causes = []Cause{r.union(in, v, causes)}
	case confident:
		r.Causes = causes
	case v.mixOnly():
		r.Verdict = TrafficMix
	case r.Gross || v.NoChange:
		r.Verdict = NoChange
	case v.alike():
		r.Verdict = External
	case len(causes) > 0:
		r.Verdict, r.Causes = NoConfident, causes
	case selective:
		r.Verdict, r.Causes = NoConfident, []Cause{r.fromSet(v, set, Low)}
	case v.External:
		r.Verdict = External
	default:
		r.Verdict = NoConfident
	}
}

// labelsAlone gives the sets of single labels as the causes: all of the
// published mode's, or the best.
func (r *Result) labelsAlone(v *view, opt Options) {
	set, selective := v.selective()
	switch {
	case opt.Mode == NSDI:
		for _, s := range v.Sets {
			r.Causes = append(r.Causes, r.fromSet(v, s, Medium))
		}
		r.Verdict = verdictOf(r.Causes)
	case v.mixOnly():
		r.Verdict = TrafficMix
	case v.External || v.alike():
		r.Verdict = External
	case selective:
		r.Causes = []Cause{r.fromSet(v, set, Medium)}
	case r.Gross || v.NoChange:
		r.Verdict = NoChange
	default:
		r.Verdict = NoConfident
	}
}

// verdictOf causes on their own.
func verdictOf(causes []Cause) Verdict {
	for _, c := range causes {
		if c.Confidence != Low {
			return Explained
		}
	}
	return NoConfident
}

// share of the change of the total that a cause brings.
func (r *Result) share(c *Cause) float64 {
	if d := r.Actual - r.Forecast; d != 0 {
		return (c.Actual - c.Forecast) / d
	}
	return 0
}

// temper lowers the confidence in a cause under a total that stood still, or of
// leaves that lack samples.
func (c *Cause) temper(gross bool) {
	if c.Confidence == High && (gross || float64(c.Partial) > manyPartial*float64(c.Leaves)) {
		c.Confidence = Medium
	}
}

// uniform tells whether causes bring no more of the change than they hold of
// the total: had everything moved by one factor, the two would be equal. It
// cannot be told of a total that stood still or had no baseline.
func (r *Result) uniform(causes []Cause) bool {
	if r.Gross || r.NoBaseline || r.Forecast == 0 {
		return false
	}
	var forecast, share float64
	for _, c := range causes {
		forecast += c.Forecast / r.Forecast
		share += c.Share
	}
	return forecast >= uniformRatio*share
}

// among tells whether a label has one of the best sets.
func (v *view) among(label int) bool {
	for _, s := range v.Sets[:min(topSets, len(v.Sets))] {
		if s.Dimension == label {
			return true
		}
	}
	return false
}

// mixOnly tells whether a ratio moved by its traffic alone: its parts moved,
// but the events were those to be expected of the traffic.
func (v *view) mixOnly() bool {
	return v.parts != nil && (v.Gross || v.NoChange) && v.parts.TrafficMix &&
		math.Abs(v.parts.Actual-v.parts.Forecast) >= mixChange*v.parts.Forecast
}

// alike tells whether a total moved, and by each label everything moved with
// it, each value as much as its share.
func (v *view) alike() bool {
	if v.Gross || v.NoBaseline || v.NoChange {
		return false
	}
	for i := range v.Tables {
		if v.Tables[i].Tilt > 1-uniformRatio {
			return false
		}
	}
	return true
}

// concentration answers for a measure that was 0: there is no ratio to compare,
// only where everything is now. The values that hold nearly all of it, one a
// label, are one combination.
func (r *Result) concentration(in *Input, v *view) {
	var c Combination
	for _, d := range v.able() {
		for _, e := range v.Tables[d].Elements {
			if e.ID >= 0 && e.EP >= uniformRatio {
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
	default:
		r.Verdict = External
	}
}

// union makes one cause of several of one label.
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

// fromSet makes a cause of a set of one label.
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
