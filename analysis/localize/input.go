// SPDX-License-Identifier: Apache-2.0

package localize

import "github.com/culprit-dev/culprit/analysis/adtributor"

// Input is a breakdown: either Codes and the leaves of Measure, or Marginals.
type Input struct {
	Codes [][]int32 // label → leaf → value, in [0, Cards[label])
	Cards []int     // number of values of each label
	Measure

	// Marginals are the measure by single labels: one per label, one number per value. They
	// allow no combinations.
	Marginals []Measure
	// Totals of the measure (for a ratio, of its parts), if marginals may lack some of it; nil:
	// the largest sum of any label.
	Totals *adtributor.Totals

	Errors    []float64 // of past forecasts of each leaf, relative to its mean; nil: unknown
	TableOnly []bool    // labels that are displayed but give no causes (such as pods); nil: none
	Partial   []bool    // leaves with missing samples; nil: none
}

// Measure is the forecast and the actual value, one number per leaf (or value).
type Measure struct {
	Forecast, Actual []float64 // for a ratio: the expected and the actual numerator
	Parts            *Parts    // for a ratio; nil: the measure is additive
}

// Parts are the forecasts of both parts of a ratio and the actual denominator; the actual
// numerator is Measure.Actual.
type Parts struct {
	ForecastNum, ForecastDen, ActualDen []float64
}

// Mode says which methods give the causes.
type Mode int

// The modes.
const (
	Auto     Mode = iota // combinations first, and what single labels say (the default)
	NSDI                 // Adtributor as published: single labels, top three sets
	Complete             // Adtributor with its corrections: single labels
	GREScan              // combinations alone
)

// Options are the settings of [Run]. The zero value is the default.
type Options struct {
	Mode  Mode
	Count bool            // the measure counts events
	Deep  bool            // look for causes that hardly show in the total
	Gate  adtributor.Gate // below it, the total counts as unmoved

	// For the sets of one label, see adtributor.Options.
	SetShare, ElementShare float64

	MaxLabels int // labels for combinations; 0 means 8
	Workers   int // 0 means one per processor
	// KeepVolatile lets labels whose values come and go, like pods, give causes.
	KeepVolatile bool
}

func (o Options) withDefaults() Options {
	if o.MaxLabels <= 0 {
		o.MaxLabels = 8
	}
	return o
}

// labels returns the number of labels.
func (in *Input) labels() int {
	if in.Marginals != nil {
		return len(in.Marginals)
	}
	return len(in.Codes)
}

// ratio says whether the measure is a ratio.
func (in *Input) ratio() bool {
	if in.Marginals != nil {
		return len(in.Marginals) > 0 && in.Marginals[0].Parts != nil
	}
	return in.Parts != nil
}

// check panics on wrong shapes.
func (in *Input) check() {
	n := len(in.Forecast)
	if len(in.Codes) != len(in.Cards) || in.Partial != nil && len(in.Partial) != n ||
		in.TableOnly != nil && len(in.TableOnly) != in.labels() {
		panic("localize: lengths differ")
	}
	for _, c := range in.Codes {
		if len(c) != n {
			panic("localize: lengths differ")
		}
	}
	in.Measure.check(n)
	for i := range in.Marginals {
		in.Marginals[i].check(len(in.Marginals[i].Forecast))
	}
}

// check panics unless a measure has n numbers on every side.
func (m *Measure) check(n int) {
	ok := len(m.Actual) == n
	if p := m.Parts; p != nil {
		ok = ok && len(p.ForecastNum) == n && len(p.ForecastDen) == n && len(p.ActualDen) == n
	}
	if !ok {
		panic("localize: lengths differ")
	}
}

// marginals returns the measure by each label: as given, or summed from the leaves. Sums of one
// table are consistent, unlike several queries.
func (in *Input) marginals() []Measure {
	if in.Marginals != nil {
		return in.Marginals
	}
	out := make([]Measure, len(in.Codes))
	for d := range in.Codes {
		sum := func(x []float64) []float64 { return sumBy(in.Codes[d], in.Cards[d], x) }
		out[d] = Measure{Forecast: sum(in.Forecast), Actual: sum(in.Actual)}
		if p := in.Parts; p != nil {
			out[d].Parts = &Parts{sum(p.ForecastNum), sum(p.ForecastDen), sum(p.ActualDen)}
		}
	}
	return out
}

// sumBy sums x by the value of one label, in the order of the leaves.
func sumBy(codes []int32, card int, x []float64) []float64 {
	out := make([]float64, card)
	for i, c := range codes {
		out[c] += x[i]
	}
	return out
}
