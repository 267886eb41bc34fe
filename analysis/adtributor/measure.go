// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// limit is the largest value, and its inverse the smallest positive one: products and quotients
// of such values stay in the range of floats.
const limit = 1e100

// Tolerances, relative to the total.
const (
	tinyNegative = 1e-9  // rounding of a rate: counts as 0
	tinyRest     = 1e-6  // what a dimension may lack of the total
	tinyMove     = 1e-12 // rounding of a total: no move

	missedEvents = 3 // of a Poisson distribution: all stay out in one window of twenty
)

// ValueError says which value of which dimension is invalid.
type ValueError struct {
	Dimension, Element int
	Value              float64
}

func (e *ValueError) Error() string {
	why := fmt.Sprintf("is not a number up to %g", limit)
	if e.Value < 0 && e.Value >= -limit {
		why = "is negative, so it is not a share of a total; use a counter's increase, a count or a sum"
	}
	return fmt.Sprintf("dimension %d, element %d: value %g %s", e.Dimension, e.Element, e.Value, why)
}

// measure is the checked input: the elements of each dimension, and the totals.
type measure struct {
	dims   [][]Element
	ratio  bool
	count  bool   // of events
	total  Totals // denominators are 1 for an additive measure
	folded []int
	excess []float64
	keys   []key // for sorting
}

// newMeasure checks the values, folds long dimensions and completes short ones.
func newMeasure(dims []Dimension, opt Options) (*measure, error) {
	m := &measure{
		dims:   make([][]Element, len(dims)),
		count:  opt.Count,
		folded: make([]int, len(dims)),
		excess: make([]float64, len(dims)),
	}
	for i := range dims {
		d := &dims[i]
		ratio := d.ForecastDen != nil || d.ActualDen != nil
		if i > 0 && ratio != m.ratio {
			panic("adtributor: ratios and additive measures mixed")
		}
		m.ratio = ratio
		els, err := m.read(i, d)
		if err != nil {
			return nil, err
		}
		m.dims[i] = els
	}
	m.setTotals(opt.Totals)
	for i := range m.dims {
		if opt.Mode == Complete {
			m.fold(i, opt.Fold)
		}
		m.complete(i)
	}
	return m, nil
}

// read turns dimension i into elements.
func (m *measure) read(i int, d *Dimension) ([]Element, error) {
	n := len(d.Forecast)
	if len(d.Actual) != n || m.ratio && (len(d.ForecastDen) != n || len(d.ActualDen) != n) {
		panic("adtributor: slices of a dimension differ in length")
	}
	els := make([]Element, n, n+1) // one more for Missing
	for k := range els {
		els[k] = Element{ID: int32(k), Forecast: d.Forecast[k], Actual: d.Actual[k]}
		if m.ratio {
			els[k].ForecastDen, els[k].ActualDen = d.ForecastDen[k], d.ActualDen[k]
		}
	}
	size := sizes(els)
	for k := range els {
		e := &els[k]
		for _, v := range []struct {
			x     *float64
			total float64
		}{
			{&e.Forecast, size.Forecast},
			{&e.Actual, size.Actual},
			{&e.ForecastDen, size.ForecastDen},
			{&e.ActualDen, size.ActualDen},
		} {
			clean, ok := cleaned(*v.x, v.total)
			if !ok {
				return nil, &ValueError{i, k, *v.x}
			}
			*v.x = clean
		}
	}
	return els, nil
}

// cleaned replaces rounding errors by 0, and says whether a value is valid.
func cleaned(x, total float64) (float64, bool) {
	switch {
	case !(math.Abs(x) <= limit):
		return x, false
	case math.Abs(x) < 1/limit || x < 0 && x >= -tinyNegative*total:
		return 0, true
	default:
		return x, x >= 0
	}
}

// sum adds up the elements.
func sum(els []Element) Totals {
	var t Totals
	for k := range els {
		e := &els[k]
		t.Forecast += e.Forecast
		t.Actual += e.Actual
		t.ForecastDen += e.ForecastDen
		t.ActualDen += e.ActualDen
	}
	return t
}

// sizes adds up the absolute values of the elements, for comparison with negative ones.
func sizes(els []Element) Totals {
	var t Totals
	for k := range els {
		e := &els[k]
		t.Forecast += math.Abs(e.Forecast)
		t.Actual += math.Abs(e.Actual)
		t.ForecastDen += math.Abs(e.ForecastDen)
		t.ActualDen += math.Abs(e.ActualDen)
	}
	return t
}

// setTotals uses the given totals, or the largest sums of any dimension: those of labels that
// some series lack are too small.
func (m *measure) setTotals(given *Totals) {
	if given != nil {
		m.total = *given
		return
	}
	for _, els := range m.dims {
		m.total = sum(els).merge(m.total, math.Max)
	}
}

// merge applies f to each pair of totals.
func (t Totals) merge(u Totals, f func(a, b float64) float64) Totals {
	return Totals{
		Forecast:    f(t.Forecast, u.Forecast),
		Actual:      f(t.Actual, u.Actual),
		ForecastDen: f(t.ForecastDen, u.ForecastDen),
		ActualDen:   f(t.ActualDen, u.ActualDen),
	}
}

// fold merges all but the largest elements of dimension i into Other.
func (m *measure) fold(i, keep int) {
	els := m.dims[i]
	if len(els) <= keep {
		return
	}
	weight := func(e *Element) float64 {
		return max(
			share(e.Forecast, m.total.Forecast), share(e.Actual, m.total.Actual),
			share(e.ForecastDen, m.total.ForecastDen), share(e.ActualDen, m.total.ActualDen),
		)
	}
	slices.SortFunc(els, func(a, b Element) int {
		return cmp.Or(cmp.Compare(weight(&b), weight(&a)), cmp.Compare(a.ID, b.ID))
	})
	m.folded[i] = len(els) - keep
	rest := sum(els[keep:])
	m.dims[i] = append(els[:keep], rest.element(Other))
}

// complete adds an element for what dimension i lacks of the totals, and records its excess.
func (m *measure) complete(i int) {
	have := sum(m.dims[i])
	lack := m.total.merge(have, func(t, h float64) float64 {
		if t-h <= tinyRest*t {
			return 0
		}
		return t - h
	})
	over := have.merge(m.total, func(h, t float64) float64 {
		if h-t <= tinyRest*t {
			return 0
		}
		return (h - t) / max(t, math.SmallestNonzeroFloat64)
	})
	if lack != (Totals{}) {
		m.dims[i] = append(m.dims[i], lack.element(Missing))
	}
	m.excess[i] = min(math.MaxFloat64, max(over.Forecast, over.Actual, over.ForecastDen, over.ActualDen))
}

func (t Totals) element(id int32) Element {
	return Element{ID: id, Forecast: t.Forecast, Actual: t.Actual, ForecastDen: t.ForecastDen, ActualDen: t.ActualDen}
}

// value returns the measure: the numerator, or the ratio, which is 0 without a denominator.
func (m *measure) value(num, den float64) float64 {
	if !m.ratio {
		return num
	}
	if den == 0 {
		return 0
	}
	return num / den
}

// noBaseline says whether there is nothing to compare with.
func (m *measure) noBaseline() bool {
	if m.ratio {
		return m.total.ForecastDen == 0
	}
	return m.total.Forecast == 0
}

// outage says whether nothing is left.
func (m *measure) outage() bool {
	if m.ratio {
		return m.total.ActualDen == 0
	}
	return m.total.Actual == 0
}

// presence says whether an element exists in only one of the windows. For a ratio the
// denominator decides: no errors yet does not mean no traffic yet. For counts, a few events may
// stay away by chance.
func (m *measure) presence(e *Element) (appeared, vanished bool) {
	f, a := e.Forecast, e.Actual
	if m.ratio {
		f, a = e.ForecastDen, e.ActualDen
	}
	least := 0.0
	if m.count {
		least = missedEvents
	}
	return f == 0 && a > least, f > least && a == 0
}

// empty says whether an element exists in neither window.
func (m *measure) empty(e *Element) bool {
	if m.ratio {
		return e.ForecastDen == 0 && e.ActualDen == 0
	}
	return e.Forecast == 0 && e.Actual == 0
}

// forecastShare returns the element's forecast share of the total.
func (m *measure) forecastShare(e *Element) float64 {
	return share(e.Forecast, m.total.Forecast)
}
