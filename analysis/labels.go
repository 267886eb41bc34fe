// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/analysis/grescan"
	"github.com/culprit-dev/culprit/analysis/localize"
)

// labelAnswer is what the labels of one target show.
type labelAnswer struct {
	looked      bool       // there was a breakdown to look at
	still       bool       // the total did not move
	asOtherDays bool       // the total is as at this hour on other days
	everywhere  Everywhere // the change has no single place; empty: it has one, or nothing changed
	findings    []Finding
	dimensions  []Dimension
	change      *Change
	own         *Change // the KPI itself, among its siblings
	forecast    string
	beside      int                 // peers that moved as the KPI did; 0: none, or unknown
	alike       []map[string]string // some of their label sets
	verdict     []Warning           // what the verdict means
	warnings    []Warning
}

// recombined adds up the parts in the incident; nil if the whole is unknown.
func (b *Breakdown) recombined() *Recombined {
	if b == nil || b.Whole == 0 || !present(b.Whole) {
		return nil
	}
	parts := b.Numerator.Actual
	if len(b.Marginals) > 0 {
		parts = b.Marginals[0].Numerator.Actual
	}
	r := Recombined{Whole: b.Whole}
	for _, v := range parts {
		if present(v) {
			r.Parts += v
		}
	}
	return &r
}

func (b *Breakdown) doubts() []string {
	if b == nil {
		return nil
	}
	return b.Doubts
}

// explainLabels localises the change of a target in its breakdown.
func explainLabels(_ Frame, t Target, opt Options) labelAnswer {
	switch {
	case t.Breakdown == nil:
		return labelAnswer{}
	case t.Clock: // time moves all leaves alike, whatever happens
		return labelAnswer{looked: true, still: true}
	}
	l := newLocation(t, opt)
	if len(l.names) == 0 {
		return labelAnswer{dimensions: l.refused()}
	}
	if !l.present() {
		return labelAnswer{dimensions: l.refused(), warnings: []Warning{{Source: "labels", Text: "the parts have no samples since the onset"}}}
	}
	if err := l.measure(); err != nil {
		return labelAnswer{dimensions: l.refused(), warnings: []Warning{{Source: "labels", Text: err.Error()}}}
	}
	result, err := localize.Run(l.input, localize.Options{
		Mode: modeOf(opt.Labels.Mode), Count: l.count, Deep: opt.Labels.Deep, SetShare: opt.Labels.TEP, ElementShare: opt.Labels.TEEP,
		Gate: adtributor.Gate{Relative: opt.Labels.MinChange, SD: l.made.SD * l.scale.Window},
	})
	if err != nil {
		return labelAnswer{dimensions: l.refused(), warnings: []Warning{{Source: "labels", Text: l.explain(err)}}}
	}
	return l.answer(result)
}

// location is a breakdown on its way through the kernels: names become codes, and pieces become
// a forecast.
//
// Labels, values and leaves are sorted by name, so that the order of the input does not matter,
// down to the last bit. Of two equivalent labels, the readable one comes first.
type location struct {
	target    Target
	breakdown *Breakdown
	options   Options
	count     bool       // the measure counts events
	names     []string   // labels, in the order of the kernels' dimensions
	values    [][]string // label → value names, indexed by code
	rows      []int      // leaf of the kernels → row of the breakdown
	scale     forecast.Scale
	input     localize.Input
	made      forecast.Forecast
	lift      *lift   // offset of the values that the kernels see; nil: none
	over      float64 // the factor by which shares were scaled down (see boundShares)
}

func newLocation(t Target, opt Options) *location {
	l := &location{target: t, breakdown: t.Breakdown, options: opt, scale: t.Breakdown.Scale}
	l.count = l.breakdown.Count || opt.Labels.Count
	if l.scale == (forecast.Scale{}) {
		l.scale = forecast.Scale{Window: 1}
		if s := t.Breakdown.Seconds; s > 0 {
			l.scale.Hour, l.scale.Day = 3600/s, 86400/s
		}
	}
	if len(l.breakdown.Marginals) == 0 && len(l.breakdown.Leaves) > 0 {
		l.encode()
		l.lift = l.raise()
	}
	for _, i := range byName(marginalNames(l.breakdown)) {
		l.names = append(l.names, l.breakdown.Marginals[i].Label)
	}
	l.input.TableOnly = l.tableOnly()
	return l
}

// encode numbers labels, values and leaves.
func (l *location) encode() {
	b := l.breakdown
	for _, d := range b.namesFirst(byName(b.Labels)) {
		values, codes := encode(b.Leaves, d)
		l.names = append(l.names, b.Labels[d])
		l.values = append(l.values, values)
		l.input.Codes = append(l.input.Codes, codes)
		l.input.Cards = append(l.input.Cards, len(values))
	}
	l.rows = rowOrder(l.input.Codes, l.input.Cards)
	for d, codes := range l.input.Codes {
		l.input.Codes[d] = arrange(codes, l.rows)
	}
	l.input.Partial = arrange(b.Partial, l.rows)
}

// encode returns the values of a label sorted by name, and for each leaf the index of its
// value.
func encode(leaves [][]string, label int) (values []string, codes []int32) {
	code := map[string]int32{}
	codes = make([]int32, len(leaves))
	for i, leaf := range leaves {
		if i > 0 && leaf[label] == leaves[i-1][label] { // the usual case in a sorted table
			codes[i] = codes[i-1]
			continue
		}
		if next := after(codes, i, len(values)); next >= 0 && values[next] == leaf[label] { // or values alternate
			codes[i] = int32(next)
			continue
		}
		c, ok := code[leaf[label]]
		if !ok {
			c = int32(len(values))
			code[leaf[label]] = c
			values = append(values, leaf[label])
		}
		codes[i] = c
	}
	order := byName(values)
	place := make([]int32, len(values))
	for to, from := range order {
		place[from] = int32(to)
	}
	for i, c := range codes {
		codes[i] = place[c]
	}
	return arrange(values, order), codes
}

// after returns the code that follows that of row i−1, wrapping around; −1 for the first row.
func after(codes []int32, i, values int) int {
	if i == 0 {
		return -1
	}
	return int(codes[i-1]+1) % values
}

// rowOrder sorts leaves by their codes, the first label first: a radix sort, which passes over
// the labels from last to first.
func rowOrder(codes [][]int32, cards []int) []int {
	order := make([]int, len(codes[0]))
	for i := range order {
		order[i] = i
	}
	next := make([]int, len(order))
	for d := len(codes) - 1; d >= 0; d-- {
		start := make([]int, cards[d]+1)
		for _, c := range codes[d] {
			start[c+1]++
		}
		for c := range cards[d] {
			start[c+1] += start[c]
		}
		for _, i := range order {
			c := codes[d][i]
			next[start[c]] = i
			start[c]++
		}
		order, next = next, order
	}
	return order
}

// byName returns the indices of names in sorted order.
func byName(names []string) []int {
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	return order
}

func marginalNames(b *Breakdown) []string {
	names := make([]string, len(b.Marginals))
	for i, m := range b.Marginals {
		names[i] = m.Label
	}
	return names
}

// arrange returns the entries of x in the given order; nil stays nil.
func arrange[T any](x []T, order []int) []T {
	if x == nil {
		return nil
	}
	out := make([]T, len(order))
	for to, from := range order {
		out[to] = x[from]
	}
	return out
}

// arranged applies arrange to all pieces.
func arranged(p Pieces, order []int) Pieces {
	if order == nil || slices.IsSorted(order) {
		return p
	}
	many := func(pieces [][]float64) [][]float64 {
		out := make([][]float64, len(pieces))
		for i, piece := range pieces {
			out[i] = arrange(piece, order)
		}
		return out
	}
	return Pieces{
		Actual: arrange(p.Actual, order),
		Recent: many(p.Recent), Profile: many(p.Profile), Level: many(p.Level),
		Day: arrange(p.Day, order), Hour: arrange(p.Hour, order),
		Baseline: arrange(p.Baseline, order), Forecast: arrange(p.Forecast, order),
	}
}

// tableOnly marks labels that name a replica, unless they were asked for or there are no
// others.
func (l *location) tableOnly() []bool {
	if !l.breakdown.Discovered {
		return nil
	}
	marks := make([]bool, len(l.names))
	for i, name := range l.names {
		marks[i] = namesReplica(name)
	}
	if !slices.Contains(marks, false) {
		return nil
	}
	return marks
}

// namesReplica says whether the values of a label name short-lived things, or no place at all.
// Such labels are finer than meaningful ones, and so always at least as surprising.
func namesReplica(label string) bool {
	switch label {
	case "instance", "pod", "pod_ip", "uid", "container_id", "id", "replica", "le", "quantile", "__name__":
		return true
	}
	return false
}

// measure makes the forecasts.
func (l *location) measure() error {
	if len(l.breakdown.Marginals) == 0 {
		m, made, err := l.forecast(l.breakdown.Numerator, l.breakdown.Denominator, l.rows)
		l.input.Measure, l.input.Errors, l.made = m, made.Errors(l.breakdown.Length), made
		return err
	}
	for _, i := range byName(marginalNames(l.breakdown)) {
		marginal := l.breakdown.Marginals[i]
		order := byName(marginal.Values)
		m, made, err := l.forecast(marginal.Numerator, marginal.Denominator, order)
		if err != nil {
			return fmt.Errorf("label %s: %w", marginal.Label, err)
		}
		l.values = append(l.values, arrange(marginal.Values, order))
		l.input.Marginals = append(l.input.Marginals, m)
		l.made = made
	}
	return l.total()
}

// present says whether there are any samples in the incident.
func (l *location) present() bool {
	sides := []*Pieces{&l.breakdown.Numerator, l.breakdown.Denominator}
	rows := len(l.breakdown.Leaves)
	for i := range l.breakdown.Marginals {
		m := &l.breakdown.Marginals[i]
		if len(m.Values) > 0 && (len(m.Numerator.Actual) == 0 || m.Denominator != nil && len(m.Denominator.Actual) == 0) {
			return false
		}
	}
	if len(l.breakdown.Marginals) > 0 {
		return true
	}
	return !slices.ContainsFunc(sides, func(p *Pieces) bool { return p != nil && rows > 0 && len(p.Actual) == 0 })
}

// total sets the total that marginals are shares of, if it was queried.
func (l *location) total() error {
	t := l.breakdown.Total
	if t == nil {
		return nil
	}
	m, _, err := l.forecast(t.Numerator, t.Denominator, nil)
	if err != nil {
		return fmt.Errorf("the total: %w", err)
	}
	l.input.Totals = &adtributor.Totals{Forecast: m.Forecast[0], Actual: m.Actual[0]}
	if p := m.Parts; p != nil {
		l.input.Totals = &adtributor.Totals{
			Forecast: p.ForecastNum[0], Actual: m.Actual[0],
			ForecastDen: p.ForecastDen[0], ActualDen: p.ActualDen[0],
		}
	}
	return nil
}

// forecast forecasts each leaf. A ratio becomes the events expected from its actual traffic, and
// the actual events.
func (l *location) forecast(num Pieces, den *Pieces, order []int) (localize.Measure, forecast.Forecast, error) {
	num = arranged(num, order)
	if den == nil {
		made, err := forecast.Additive(num, l.event())
		if err != nil {
			return localize.Measure{}, made, err
		}
		return localize.Measure{Forecast: l.amounts(made.Expected), Actual: l.amounts(num.Actual)}, made, nil
	}
	below := arranged(*den, order)
	made, err := forecast.Ratio(num, below, l.scale, l.count)
	if err != nil {
		return localize.Measure{}, made, err
	}
	return localize.Measure{
		Forecast: l.amounts(made.Expected), Actual: l.amounts(num.Actual),
		Parts: &localize.Parts{
			ForecastNum: l.amounts(l.part(num)), ForecastDen: l.amounts(l.part(below)),
			ActualDen: l.amounts(below.Actual),
		},
	}, made, nil
}

// event returns the value of one event per 5 minutes in the pieces.
func (l *location) event() float64 {
	if l.breakdown.Event == 0 && l.count && l.breakdown.Seconds > 0 {
		return l.breakdown.Seconds / 300
	}
	return l.breakdown.Event
}

// part forecasts one side of a ratio by itself, falling back to the hour that the ratio was
// forecast from.
func (l *location) part(p Pieces) []float64 {
	if made, err := forecast.Additive(p, l.event()); err == nil {
		return made.Expected
	}
	return p.Hour
}

// amounts converts means to amounts over the incident. Missing values become 0: without a
// sample, an additive measure had no event.
func (l *location) amounts(means []float64) []float64 {
	out := make([]float64, len(means))
	for i, v := range means {
		if v == v { // not NaN
			out[i] = v * l.scale.Window
		}
	}
	return out
}

// explain puts names in place of the indices in a kernel's error.
func (l *location) explain(err error) string {
	var element *adtributor.ValueError
	var leaf *grescan.ValueError
	switch {
	case errors.As(err, &element) && element.Element >= 0:
		return sayValue(element.Value, l.names[element.Dimension]+"="+l.values[element.Dimension][element.Element])
	case errors.As(err, &leaf):
		labels := map[string]string{}
		for d, codes := range l.input.Codes {
			labels[l.names[d]] = l.values[d][codes[leaf.Leaf]]
		}
		return sayValue(leaf.Value, matcher(labels))
	}
	return err.Error()
}

func sayValue(v float64, where string) string {
	if v < 0 {
		return fmt.Sprintf("the value %g of %s is negative, so it is not part of a whole: a breakdown needs counts, rates or sums", v, where)
	}
	return fmt.Sprintf("the value %g of %s is beyond what can be compared", v, where)
}
