// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/grescan"
	"github.com/culprit-dev/culprit/analysis/judge"
)

// Limits of the verdict of the automatic mode.
const (
	stillRatio   = 0.03  // relative move of a ratio that is none
	stillGross   = 0.1   // share of all that moved, below which a total within its noise stood still
	leastShare   = 0.05  // of the change, that a cause must bring, at most
	leastVisible = 0.002 // and at least
	leastStill   = 0.005 // of what moved below a total that stood still,
	leastOfTotal = 0.02  // and of that total: by itself it would have moved it
	noiseMove    = 0.05  // relative move of a total that the noise of its parts can explain
	sureShare    = 0.15  // of the change, below which no cause is sure
	mostShare    = 0.3   // of the change, below which sure causes leave most of it open
	mixShare     = 0.5   // of the change, from which on a shift of traffic is the reason
	mixNoise     = 0.1   // of the change, below which there is no shift: forecasts of a ratio and of its parts differ by so much
	mixSD        = 2     // standard deviations of what the noise of the parts adds up to, below which there is none either
	alikeMove    = 0.05  // common move of the rest that is worth a word
	alikeShare   = 0.7   // of the change, that it must bring
	alikeLeaves  = 0.75  // of all, that it must hold
	highGap      = 8.0   // of −2 ln likelihood, between a high cause and its best rival
	highRival    = 0.9   // of the gain, that the rival of a high cause has at most
	certainGap   = 50.0  // gap in a small table, whose noise is fitted, that needs no such share: d is 2 at most, so that of large factors all shares are large
	highR2       = 0.7   // homogeneity of a high cause
	mediumGap    = 3.0   // gap of a medium cause
	mediumRival  = 0.97  // and failing that, what its rival has at most
	offsetting   = 0.5   // of what moved one way, that what moved the other way is an offset of
	otherHalf    = 0.2   // move of the rest that makes it the other half of a swap
	recentre     = 0.05  // common move from which on a large table is searched from there, too
)

// question is a breakdown put to the judge.
type question struct {
	in   *Input
	opt  Options
	dims []int // labels that causes are made of
	leaves
	table *judge.Table

	move    float64 // Σ(a−f)
	gross   float64 // Σ|a−f|
	total   float64 // Σf
	still   bool    // the total did not move
	rises   bool
	mix     float64      // of a ratio: share of its change by traffic
	change  float64      // of a ratio, in events
	noise   *judge.Noise // of a large table
	median  float64      // of its positive forecasts
	implies [][]int      // of labels, see [judge.Options]
}

// ask prepares the question of a breakdown.
func (r *Result) ask(in *Input, v *view, opt Options) (*question, error) {
	q := &question{in: in, opt: opt, dims: v.able(), implies: v.implies(v.able())}
	q.leaves = in.living(q.dims)
	for i, f := range q.forecast {
		q.move += q.actual[i] - f
		q.gross += math.Abs(q.actual[i] - f)
		q.total += f
	}
	if len(q.forecast) > judge.Small {
		q.noise, q.median = noiseOf(Measure{Forecast: q.forecast, Actual: q.actual}, opt)
	}
	var err error
	q.table, err = judge.New(q.codes, q.cards, q.forecast, q.actual,
		judge.Options{Count: opt.Count, Noise: q.noise, Median: q.median, Errors: q.errors, Implies: q.implies})
	if err != nil {
		return nil, q.ofRow(err)
	}
	q.rises, q.still = q.move > 0, v.Gross || v.NoChange
	if math.Abs(q.move) < stillGross*q.gross && math.Abs(q.move) < 3*q.table.Spread() {
		q.still = true
	}
	if v.parts != nil {
		q.ratio(r)
	}
	return q, nil
}

// noiseOf many leaves is that of their bands of size. It comes with the median of
// their positive forecasts.
func noiseOf(m Measure, opt Options) (law *judge.Noise, median float64) {
	n, median := grescan.FitNoise(m.Forecast, m.Actual, opt.Count)
	return &judge.Noise{Phi: n.Phi, Kappa: n.Kappa}, median
}

// alikeByLabel tells whether by each label all values moved by one factor.
func (in *Input) alikeByLabel(labels []int, opt Options) bool {
	alike := 0
	for d, m := range in.marginals() {
		if !slices.Contains(labels, d) {
			continue
		}
		codes := make([]int32, len(m.Forecast))
		for i := range codes {
			codes[i] = int32(i)
		}
		o := judge.Options{Count: opt.Count}
		if len(codes) > judge.Small {
			o.Noise, o.Median = noiseOf(m, opt)
		}
		t, err := judge.New([][]int32{codes}, []int{len(codes)}, m.Forecast, m.Actual, o)
		if err != nil || !t.Judge(nil).Alike {
			return false
		}
		alike++
	}
	return alike > 0
}

// ratio says whether a ratio moved, and how much of that is traffic: what the
// events beyond those expected of the traffic that there was leave open.
func (q *question) ratio(r *Result) {
	change := r.RatioNow - r.RatioBefore
	q.rises, q.still = change > 0, math.Abs(change) <= stillRatio*r.RatioBefore
	var den float64
	for _, d := range q.in.Parts.ActualDen {
		den += d
	}
	if den > 0 && !q.still {
		q.mix = 1 - q.move/den/change
	}
	if math.Abs(q.mix) < mixNoise {
		q.mix = 0
	}
	q.change = change * den
}

// least is the change that a cause must bring: two standard deviations of what
// the noise of all leaves adds up to, within bounds. A smaller one can't be
// seen in the total.
func (q *question) least() float64 {
	base := max(math.Abs(q.move), stillGross*q.gross)
	if q.still {
		base = q.gross
	}
	switch {
	case q.opt.Deep || base == 0:
		return 0
	case q.still:
		return max(leastStill*base, leastOfTotal*q.total)
	}
	return base * min(leastShare, max(leastVisible, 2*q.table.Spread()/base))
}

// judged looks for the sets that moved by themselves, and says what they and
// the rest are.
func (r *Result) judged(in *Input, v *view, opt Options) error {
	q, err := r.ask(in, v, opt)
	if err != nil {
		return err
	}
	model, err := q.model()
	if err != nil {
		return err
	}
	r.Gross = q.still
	r.Phi, r.Kappa = model.Noise.Phi, model.Noise.Kappa
	r.conclude(v, q, model)
	return nil
}

// model looks for the sets that moved. Those that moved against each other so
// that little is left of it in the total are as those below one that stood still.
func (q *question) model() (judge.Model, error) {
	if q.noise == nil {
		m := q.small()
		q.still = q.still || q.offset(m)
		return m, nil
	}
	m, err := q.large()
	if err != nil || !q.overdone(m) {
		return m, err
	}
	q.still = true
	both, err := q.large()
	if q.offset(both) {
		return both, err
	}
	q.still = false
	return m, err
}

// moves are what sets moved a total up and down by. Of a ratio only what moves it
// the way it moved is a cause.
func (q *question) moves(m judge.Model) (up, down float64) {
	if q.in.Parts != nil {
		return 0, 0
	}
	for _, s := range m.Sets {
		if e := q.moved(s.Leaves); e > 0 {
			up += e
		} else {
			down -= e
		}
	}
	return up, down
}

// offset tells whether sets moved against each other, by more than is left.
func (q *question) offset(m judge.Model) bool {
	up, down := q.moves(m)
	return min(up, down) > 0 && min(up, down) >= max(offsetting*max(up, down), math.Abs(q.move))
}

// overdone tells whether sets moved the total by so much more than it moved
// that as much must have moved against them as is an offset.
func (q *question) overdone(m judge.Model) bool {
	up, down := q.moves(m)
	return !q.still && (1-offsetting)*max(up, down) >= math.Abs(q.move)
}

// moved is what some leaves moved the total by.
func (q *question) moved(leaves []int32) float64 {
	var e float64
	for _, i := range leaves {
		e += q.actual[i] - q.forecast[i]
	}
	return e
}

// small looks at every set.
func (q *question) small() judge.Model {
	sets := q.table.Search(q.least())
	m := q.distinct(sets)
	other := math.Abs(m.Background-1) > otherHalf && (q.still || m.Background > 1 != q.rises)
	if len(sets) == 0 || !other {
		return m
	}
	if s, ok := q.table.Other(sets); ok {
		m = q.table.Judge(append(sets, s))
	}
	return m
}

// proposal is what a scan says may have moved.
type proposal struct {
	dims  [][]int
	codes [][]int32
	from  int // sets that it chose from
}

// large lets a scan propose the sets. A table that may have moved as a whole is
// scanned from there, too. Both are judged by the lesser noise, and the model
// holds that costs less and says so.
func (q *question) large() (judge.Model, error) {
	p, err := q.scan(q.forecast, q.noise, q.median)
	if err != nil {
		return judge.Model{}, err
	}
	centre := q.table.Centre()
	if math.Abs(centre-1) <= recentre {
		return q.weigh(p), nil
	}
	moved := q.recentred(centre)
	n, median := noiseOf(moved, q.opt)
	if n.Kappa < q.noise.Kappa {
		q.noise, q.table = n, q.table.Under(*n)
	}
	m := q.weigh(p)
	if !q.wholly(centre) {
		return m, nil
	}
	again, err := q.scan(moved.Forecast, n, median)
	if err != nil {
		return judge.Model{}, err
	}
	if whole := q.weigh(again); whole.Cost < m.Cost && q.alike(whole) {
		m = whole
	}
	return m, nil
}

// recentred is the measure with a forecast of which all moved by a factor.
func (q *question) recentred(factor float64) Measure {
	m := Measure{Forecast: make([]float64, len(q.forecast)), Actual: q.actual}
	for i, f := range q.forecast {
		m.Forecast[i] = f * factor
	}
	return m
}

// wholly tells whether a factor of all would bring so much of the change that
// the table may have moved as a whole.
func (q *question) wholly(factor float64) bool {
	return !q.still && q.total*(factor-1)/q.move > alikeShare/2
}

func (q *question) weigh(p proposal) judge.Model {
	return q.distinct(q.table.Sets(p.dims, p.codes, p.from))
}

// distinct judges sets. Where the factor of all others would by itself bring
// nearly the change, it leaves out those that did about as all others did: what
// they add to it is too small a part of the change to be sure of.
func (q *question) distinct(sets []judge.Set) judge.Model {
	m := q.table.Judge(sets)
	if q.still || q.opt.Deep || q.total*(m.Background-1)/q.move <= alikeShare {
		return m
	}
	var kept []judge.Set
	for _, s := range m.Sets {
		var own float64
		for _, i := range s.Leaves {
			own += q.actual[i] - q.forecast[i]*m.Background
		}
		if math.Abs(own) >= sureShare*math.Abs(q.move) {
			kept = append(kept, s.Set)
		}
	}
	if len(kept) == len(sets) {
		return m
	}
	return q.table.Judge(q.table.Apart(kept))
}

// scan proposes sets that moved from a forecast.
func (q *question) scan(forecast []float64, n *judge.Noise, median float64) (proposal, error) {
	found, err := grescan.Scan(q.codes, q.cards, forecast, q.actual, grescan.Options{
		Count: q.opt.Count, Deep: q.opt.Deep, Both: q.still, Noise: &grescan.Noise{Phi: n.Phi, Kappa: n.Kappa}, Median: median,
		Workers: q.opt.Workers, Errors: q.errors,
	})
	p := proposal{from: found.Elements}
	for _, c := range found.Causes {
		p.dims, p.codes = append(p.dims, c.Dims), append(p.codes, c.Codes)
	}
	return p, err
}
