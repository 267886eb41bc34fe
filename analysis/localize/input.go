// SPDX-License-Identifier: Apache-2.0

package localize

import "github.com/culprit-dev/culprit/analysis/adtributor"

// Input is a breakdown. Either Codes and the leaves of Measure, or Marginals.
type Input struct {
	Codes [][]int32 // label → leaf → value, in [0, Cards[label])
	Cards []int     // values of each label
	Measure

	// Marginals are the measure by one label alone, one a label, one number a
	// value. With them there are no combinations to be found.
	Marginals []Measure
	// Totals of the measure (of a ratio, of its parts), where marginals may not
	// hold all of it; nil: the largest sum of any label.
	Totals *adtributor.Totals

	Errors    []float64 // of past forecasts of each leaf, as a part of its middle; nil: not known
	TableOnly []bool    // labels that are shown, but give no causes (pods, say); nil: none
	Partial   []bool    // leaves that lack samples; nil: none
}

// Measure is what was expected and what came, one number a leaf (or a value).
type Measure struct {
	Forecast, Actual []float64 // of a ratio: the expected and the actual numerator
	Parts            *Parts    // of a ratio; nil: the measure is additive
}

// Parts are the forecasts of the two parts of a ratio and the actual
// denominator; the actual numerator is Measure.Actual.
type Parts struct {
	ForecastNum, ForecastDen, ActualDen []float64
}

// Mode says which methods give the causes.
type Mode int

// The modes.
const (
	Auto     Mode = iota // combinations first, with what single labels say (the default)
	NSDI                 // Adtributor as published: single labels, top three sets
	Complete             // Adtributor with its corrections: single labels
	GREScan              // combinations alone
)

// Options are the settings of [Run]. The zero value is the default.
type Options struct {
	Mode  Mode
	Count bool            // the measure counts events
	Deep  bool            // look for causes that the total hardly shows
	Gate  adtributor.Gate // below it, the total counts as unmoved

	// Of the sets of one label, see adtributor.Options.
	SetShare, ElementShare float64

	MaxLabels int // labels that combinations are made of; 0 means 8
	Workers   int // 0 means one a processor
	// KeepVolatile lets labels whose values come and go, as pods do, give causes.
	KeepVolatile bool
}

func (o Options) withDefaults() Options {
	if o.MaxLabels <= 0 {
		o.MaxLabels = 8
	}
	return o
}

// labels is the number of labels.
func (in *Input) labels() int {
	if in.Marginals != nil {
		return len(in.Marginals)
	}
	return len(in.Codes)
}

// ratio tells whether the measure is a ratio.
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

// check panics if a measure has not n numbers on every side.
func (m *Measure) check(n int) {
	ok := len(m.Actual) == n
	if p := m.Parts; p != nil {
		ok = ok && len(p.ForecastNum) == n && len(p.ForecastDen) == n && len(p.ActualDen) == n
	}
	if !ok {
		panic("localize: lengths differ")
	}
}

// marginals are the measure by each label: those given, or sums of the leaves.
// Sums of one table agree with each other, which queries of several do not.
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

// sumBy adds up x by the value of one label, in the order of the leaves.
func sumBy(codes []int32, card int, x []float64) []float64 {
	out := make([]float64, card)
	for i, c := range codes {
		out[c] += x[i]
	}
	return out
}
