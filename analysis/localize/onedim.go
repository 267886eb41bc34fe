// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"cmp"
	"slices"

	"github.com/culprit-dev/culprit/analysis/adtributor"
)

// view is the breakdown by single labels.
type view struct {
	adtributor.Result                    // the tables, and the sets of all labels
	parts             *adtributor.Result // the same for a ratio's parts, by equation 8
	parents           [][]int            // label → labels that it determines
	reasons           []Reason
}

// oneDim runs Adtributor on the marginals.
//
// A ratio is analysed twice: as expected and actual events, whose shares add up and which
// shifts of traffic don't affect, and by its parts. The published mode uses only the parts.
func oneDim(in *Input, opt Options) (*view, error) {
	m := in.marginals()
	v := &view{}
	if in.Codes != nil {
		v.parents = adtributor.Refinements(in.Codes, in.Cards)
	}
	o := adtributor.Options{
		Top: -1, Count: opt.Count, Gate: opt.Gate, Parents: v.parents,
		KeepVolatile: opt.KeepVolatile, Totals: in.Totals, SetShare: opt.SetShare, ElementShare: opt.ElementShare,
	}
	if opt.Mode == NSDI {
		o.Mode, o.Top = adtributor.NSDI, 0
	}
	if in.ratio() {
		parts, err := adtributor.Explain(partsOf(m), o)
		if err != nil {
			return nil, err
		}
		v.parts = &parts
	}
	if v.parts != nil && opt.Mode == NSDI {
		v.Result = *v.parts
	} else {
		if v.parts != nil {
			// A lack of events is no vanished value: whether a label is volatile depends on its
			// traffic.
			o.KeepVolatile = true
			o.Totals = nil // those of the parts
		}
		r, err := adtributor.Explain(plain(m), o)
		if err != nil {
			return nil, err
		}
		v.Result = r
		v.adopt(opt)
	}
	v.judge(in, opt)
	return v, nil
}

// plain returns the additive form of marginals.
func plain(m []Measure) []adtributor.Dimension {
	dims := make([]adtributor.Dimension, len(m))
	for i := range m {
		dims[i] = adtributor.Dimension{Forecast: m[i].Forecast, Actual: m[i].Actual}
	}
	return dims
}

// partsOf returns the ratio form of marginals.
func partsOf(m []Measure) []adtributor.Dimension {
	dims := make([]adtributor.Dimension, len(m))
	for i := range m {
		p := m[i].Parts
		dims[i] = adtributor.Dimension{
			Forecast: p.ForecastNum, Actual: m[i].Actual,
			ForecastDen: p.ForecastDen, ActualDen: p.ActualDen,
		}
	}
	return dims
}

// adopt copies from the parts of a ratio what expected events do not show: which values
// appeared or vanished with their traffic, and the two effects.
func (v *view) adopt(opt Options) {
	if v.parts == nil {
		return
	}
	for i := range v.Tables {
		t, p := &v.Tables[i], &v.parts.Tables[i]
		t.Churn, t.Volatile, t.Rollover = p.Churn, p.Volatile, p.Rollover
		if t.Volatile && !opt.KeepVolatile {
			t.Set.Accepted = false
		}
		of := make(map[int32]*adtributor.Element, len(p.Elements))
		for k := range p.Elements {
			of[p.Elements[k].ID] = &p.Elements[k]
		}
		for k := range t.Elements {
			if e := of[t.Elements[k].ID]; e != nil {
				x := &t.Elements[k]
				x.Rate, x.Mix, x.Appeared, x.Vanished = e.Rate, e.Mix, e.Appeared, e.Vanished
				x.ForecastDen, x.ActualDen = e.ForecastDen, e.ActualDen
			}
		}
	}
}

// judge decides which labels may give causes, and drops the sets of the others.
func (v *view) judge(in *Input, opt Options) {
	v.reasons = make([]Reason, len(v.Tables))
	var able []int
	for i := range v.Tables {
		t := &v.Tables[i]
		switch {
		case len(t.Elements) <= 1:
			v.reasons[i] = Constant
		case t.AliasOf >= 0:
			v.reasons[i] = Alias
		case in.TableOnly != nil && in.TableOnly[i]:
			v.reasons[i] = OnlyShown
		case t.Volatile && !opt.KeepVolatile:
			v.reasons[i] = Volatile
		default:
			able = append(able, i)
		}
	}
	if len(able) > opt.MaxLabels {
		slices.SortStableFunc(able, func(a, b int) int {
			return cmp.Compare(v.Tables[b].Surprise, v.Tables[a].Surprise)
		})
		for _, i := range able[opt.MaxLabels:] {
			v.reasons[i] = Surplus
		}
	}
	if opt.Mode == NSDI {
		return
	}
	v.Sets = slices.DeleteFunc(v.Sets, func(s adtributor.Set) bool {
		r := v.reasons[s.Dimension]
		return r == OnlyShown || r == Volatile
	})
}

// dimensions returns the tables, the most surprising label first: accepted sets before others,
// in their own order.
func (v *view) dimensions() []Dimension {
	out := make([]Dimension, len(v.Tables))
	place := make([]int, len(v.Tables))
	for i := range place {
		place[i] = len(v.Sets)
	}
	for k, s := range v.Sets {
		place[s.Dimension] = k
	}
	for i := range v.Tables {
		out[i] = Dimension{Label: i, Table: v.Tables[i], Reason: v.reasons[i]}
	}
	slices.SortStableFunc(out, func(a, b Dimension) int {
		return cmp.Or(
			cmp.Compare(place[a.Label], place[b.Label]),
			cmp.Compare(b.Set.Surprise, a.Set.Surprise),
			cmp.Compare(b.Surprise, a.Surprise),
		)
	})
	return out
}

// selective returns the best set that is not uniform.
func (v *view) selective() (adtributor.Set, bool) {
	i := slices.IndexFunc(v.Sets, func(s adtributor.Set) bool { return !s.Uniform })
	if i < 0 {
		return adtributor.Set{}, false
	}
	return v.Sets[i], true
}
