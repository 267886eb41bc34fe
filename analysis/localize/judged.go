// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/grescan"
	"github.com/culprit-dev/culprit/analysis/judge"
)

// Limits for the verdict in automatic mode.
const (
	stillRatio   = 0.03  // relative move of a ratio that counts as none
	stillGross   = 0.1   // share of the gross movement, below which a total within its noise stood still
	leastShare   = 0.05  // of the change: smallest for a cause, at most
	leastVisible = 0.002 // and at least
	leastStill   = 0.005 // of the gross movement, if the total stood still,
	leastOfTotal = 0.02  // and of the total: it would have moved it alone
	noiseMove    = 0.05  // relative move of a total that the noise of its parts may explain
	sureShare    = 0.15  // of the change, below which no cause is confident
	mostShare    = 0.3   // of the change, below which confident causes leave most unexplained
	mixShare     = 0.5   // of the change, from which on a shift of traffic is the reason
	mixNoise     = 0.1   // of the change, below which there is no shift: forecasts of a ratio and of its parts differ by as much
	mixSD        = 2     // standard deviations of the noise of the parts, below which there is none either
	alikeMove    = 0.05  // common move of the rest that is worth mentioning
	alikeShare   = 0.7   // of the change, that it must make up
	alikeLeaves  = 0.75  // of all leaves, that it must cover
	highGap      = 8.0   // in −2 ln likelihood, between a high cause and its best rival
	highRival    = 0.9   // largest share of the gain for the rival of a high cause
	certainGap   = 50.0  // gap that is enough in a small table with fitted noise: d ≤ 2, so shares are large for large factors
	highR2       = 0.7   // homogeneity of a high cause
	mediumGap    = 3.0   // gap of a medium cause
	mediumRival  = 0.97  // or else the largest share for its rival
	offsetting   = 0.5   // of the larger movement, for the smaller one to be an offset
	otherHalf    = 0.2   // move of the rest that makes it the other half of a swap
	recentre     = 0.05  // common move from which on a large table is also searched from there
)

// question is a breakdown to be judged.
type question struct {
	in   *Input
	opt  Options
	dims []int // labels for causes
	leaves
	table *judge.Table

	move    float64 // Σ(a−f)
	gross   float64 // Σ|a−f|
	total   float64 // Σf
	still   bool    // the total did not move
	rises   bool
	mix     float64      // for a ratio: share of its change by traffic
	change  float64      // for a ratio, in events
	noise   *judge.Noise // of a large table
	median  float64      // of its positive forecasts
	implies [][]int      // for labels, see [judge.Options]
}

// ask prepares the question for a breakdown.
func (r *Result) ask(in *Input, v *view, opt Options) (*question, error) {
	q := &question{in: in, opt: opt, dims: v.usableLabels(), implies: v.implies(v.usableLabels())}
	q.leaves = in.nonEmptyLeaves(q.dims)
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

// noiseOf fits the noise of many leaves, by bands of size. It also returns the median of their
// positive forecasts.
func noiseOf(m Measure, opt Options) (law *judge.Noise, median float64) {
	n, median := grescan.FitNoise(m.Forecast, m.Actual, opt.Count)
	return &judge.Noise{Phi: n.Phi, Kappa: n.Kappa}, median
}

// alikeByLabel says whether all values of each label moved by one factor.
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

// ratio says whether a ratio moved, and how much of that is traffic: whatever is not explained
// by events beyond those expected for the traffic.
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

// least returns the smallest change of a cause: two standard deviations of the total noise,
// within bounds. A smaller one isn't visible in the total.
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

// judged searches the sets that moved by themselves, and judges them and the rest.
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

// model searches the sets that moved. If they moved against each other and little is left in
// the total, they are treated as if the total stood still.
func (q *question) model() (judge.Model, error) {
	if q.noise == nil {
		m := q.small()
		q.still = q.still || q.offset(m)
		return m, nil
	}
	m, err := q.large()
	if err != nil || !q.hidesOffset(m) {
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

// moves returns by how much sets moved the total up and down. For a ratio, only sets in its own
// direction are causes.
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

// offset says whether sets moved against each other, by more than is left.
func (q *question) offset(m judge.Model) bool {
	up, down := q.moves(m)
	return min(up, down) > 0 && min(up, down) >= max(offsetting*max(up, down), math.Abs(q.move))
}

// hidesOffset says whether sets moved the total by so much more than it moved that an offset must
// exist.
func (q *question) hidesOffset(m judge.Model) bool {
	up, down := q.moves(m)
	return !q.still && (1-offsetting)*max(up, down) >= math.Abs(q.move)
}

// moved returns by how much some leaves moved the total.
func (q *question) moved(leaves []int32) float64 {
	var e float64
	for _, i := range leaves {
		e += q.actual[i] - q.forecast[i]
	}
	return e
}

// small considers every set.
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

// proposal is what a scan proposes.
type proposal struct {
	dims  [][]int
	codes [][]int32
	from  int // sets considered
}

// large lets a scan propose the sets. If the table may have moved as a whole, it is also
// scanned from there. Both are judged with the smaller noise, and the cheaper model wins if it
// agrees.
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
	if !q.mayMoveAsWhole(centre) {
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

// recentred returns the measure with all forecasts multiplied by a factor.
func (q *question) recentred(factor float64) Measure {
	m := Measure{Forecast: make([]float64, len(q.forecast)), Actual: q.actual}
	for i, f := range q.forecast {
		m.Forecast[i] = f * factor
	}
	return m
}

// mayMoveAsWhole says whether a common factor would make up so much of the change that the table may
// have moved as a whole.
func (q *question) mayMoveAsWhole(factor float64) bool {
	return !q.still && q.total*(factor-1)/q.move > alikeShare/2
}

func (q *question) weigh(p proposal) judge.Model {
	return q.distinct(q.table.Sets(p.dims, p.codes, p.from))
}

// distinct judges sets. If the common factor of the rest alone makes up nearly the change, it
// drops sets that moved about like the rest: what they add is too small to be confident.
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
