// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	pathLength = 30   // largest number of columns on a path
	nearCopy   = 1e-3 // columns with less than this share outside the span are skipped
	related    = 0.7  // correlation from which on candidates are related
)

// selection is the outcome of a selection rule, in the standardised problem.
type selection struct {
	selected []bool
	beta     []float64
	sets     []Set
}

func newSelection(p int) selection {
	return selection{selected: make([]bool, p), beta: make([]float64, p)}
}

// selectByEBIC searches the subset with the smallest extended BIC: the best prefix of three
// paths, improved by exchange, pruned, with further members of its correlated blocks; and it
// collects what can't be distinguished from each of them.
//
// A path has at most n/3 columns, so that the model is never saturated, and at most pathLength:
// more causes than that help nobody.
func (d *design) selectByEBIC(mu []float64, confusion float64) selection {
	blocks := d.blocks()
	among := d.chances(blocks) * d.kinds
	if blocks = several(blocks); len(d.event().rows) > 0 {
		blocks = nil // what moved in the event is one finding anyway
	}
	e := newEBIC(d.withMeans(blocks), mu, among)
	e.candidates, e.blocks, e.confusion = d.p, blocks, confusion
	s := e.find()
	if d.gaps {
		s = e.findWeighted(s)
	}
	return e.confuse(s)
}

// find grows and prunes a selection and completes its blocks. An incomplete block leaves a
// residual that unrelated candidates can fit, so these are pruned again once the blocks are
// complete.
func (e *ebic) find() []int {
	s := e.members(e.prune(e.grow(), nil))
	for {
		s = e.prune(s, e.fellows(s))
		next, changed := e.settle(s)
		if !changed {
			return s
		}
		s = e.members(next)
	}
}

// ebic is the state of one selection.
type ebic struct {
	d     *design
	plain *design // d before its rows were weighted
	score scorer
	norm  []float64 // of the columns
	order []int     // candidates on the paths, by |mu_j| |x_j|
	limit int       // largest number of columns on a path

	candidates int     // number of columns that are candidates; the others are block means
	blocks     []block // the blocks of those means, in order
	confusion  float64 // Options.Confusion

	// loss is -2 log-likelihood of a prefix with this residual.
	loss func(s []int, rss float64) float64
}

// newEBIC prices columns as one of among independent ones. The first columns of d have the
// posterior means mu.
func newEBIC(d *design, mu []float64, among float64) *ebic {
	e := &ebic{d: d, plain: d, score: d.scorer(among), norm: make([]float64, d.p), candidates: d.p}
	e.limit, e.loss = max(1, min(d.p, d.n/3, pathLength)), e.complete
	for j := range d.p {
		e.norm[j] = floats.Norm(d.column(j), 2)
	}
	weight := make([]float64, len(mu))
	for j, m := range mu {
		if weight[j] = math.Abs(m) * e.norm[j]; weight[j] > 0 {
			e.order = append(e.order, j)
		}
	}
	slices.SortStableFunc(e.order, func(a, b int) int { return descending(weight[a], weight[b]) })
	e.order = e.order[:min(len(e.order), max(20, d.n/2))]
	return e
}

func descending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// complete is the likelihood of complete data, which depends only on the residual.
func (e *ebic) complete(_ []int, rss float64) float64 { return e.score.loss(rss) }

// grow walks three paths and improves the best prefix: the posterior's order, the forward path
// over the candidates that it ranks first, and the forward path over all, for weak candidates.
func (e *ebic) grow() []int {
	all := make([]int, e.d.p)
	for j := range all {
		all[j] = j
	}
	best, s := e.loss(nil, floats.Dot(e.d.t, e.d.t)), []int(nil)
	for _, p := range []*path{
		{columns: e.order, nested: true}, {columns: e.order}, {columns: all},
	} {
		e.start(p)
		if loss, prefix := e.walk(p); loss < best {
			best, s = loss, prefix
		}
	}
	return e.improve(s)
}

// criterion returns the extended BIC of a selection with this residual.
func (e *ebic) criterion(s []int, rss float64) float64 {
	return e.loss(s, rss) + float64(len(s))*e.score.price
}

// walk follows a path to its end and returns its best prefix.
func (e *ebic) walk(p *path) (best float64, s []int) {
	best = math.Inf(1)
	for p.step(e.limit) {
		if v := e.criterion(p.chosen, p.rss()); v < best {
			best, s = v, slices.Clone(p.chosen)
		}
	}
	return best, s
}

// path is a growing subset of some columns: nested, in the order given, or forward, by the
// largest decrease of the residual.
type path struct {
	*basis
	columns []int
	nested  bool
	chosen  []int

	left []int       // positions in columns not taken yet
	r    [][]float64 // the columns, projected out of the span
	norm []float64   // of the columns
}

func (e *ebic) start(p *path) {
	p.basis = newBasis(e.d.t)
	for i, j := range p.columns {
		p.left = append(p.left, i)
		p.r = append(p.r, slices.Clone(e.d.column(j)))
		p.norm = append(p.norm, e.norm[j])
	}
}

// step adds the next column; false at the end of the path.
func (p *path) step(limit int) bool {
	for len(p.left) > 0 && len(p.chosen) < limit {
		at := 0
		if !p.nested {
			var most float64
			if at, most = p.best(); most <= 0 {
				return false
			}
		}
		i := p.left[at]
		p.left = slices.Delete(p.left, at, at+1)
		v := p.add(p.r[i], p.norm[i])
		if v == nil {
			continue
		}
		p.chosen = append(p.chosen, p.columns[i])
		for _, k := range p.left {
			floats.AddScaled(p.r[k], -floats.Dot(v, p.r[k]), v)
		}
		return true
	}
	return false
}

// best returns the position in left with the largest gain.
func (p *path) best() (at int, most float64) {
	most = math.Inf(-1)
	for a, i := range p.left {
		if g := gain(p.r[i], p.resid, p.norm[i]); g > most {
			at, most = a, g
		}
	}
	return at, most
}

// prune drops the column whose removal lowers the criterion most, until none does. Columns that
// are safe stay.
func (e *ebic) prune(s []int, safe map[int]bool) []int {
	for len(s) > 0 {
		base := e.score.loss(e.d.basisOf(s).rss())
		price := e.prices(s)
		at, least := 0, math.Inf(1)
		for i, j := range s {
			if safe[j] {
				continue
			}
			if g := e.score.loss(e.d.basisOf(without(s, i)).rss()) - base - price[i]; g < least {
				at, least = i, g
			}
		}
		if least >= 0 {
			break
		}
		s = without(s, at)
	}
	return s
}

// prices returns the required gain of the columns of s. Strength is a coefficient on a scale on
// which all columns have the same norm.
func (e *ebic) prices(s []int) []float64 {
	strength := e.d.leastSquares(s)
	strongest := 0.0
	for i, j := range s {
		strength[i] = math.Abs(strength[i]) * e.norm[j]
		strongest = math.Max(strongest, strength[i])
	}
	price := make([]float64, len(s))
	for i := range s {
		if price[i] = e.score.price; strength[i] < weakShare*strongest {
			price[i] += e.score.weak
		}
	}
	return price
}

// leastSquares returns the coefficients of the columns of s, with a negligible ridge.
func (d *design) leastSquares(s []int) []float64 {
	if len(s) == 0 {
		return nil
	}
	return ridgeSolve(d.gathered(s), d.t, 1e-6*float64(d.n))
}

// fellows returns the columns of s that are related to another one of s.
func (e *ebic) fellows(s []int) map[int]bool {
	out := map[int]bool{}
	for _, j := range s {
		near := e.near(j)
		for _, k := range s {
			if k != j && near[k] {
				out[j] = true
			}
		}
	}
	return out
}

// near marks the candidates that are related to j.
func (e *ebic) near(j int) []bool {
	dots := make([]float64, e.d.p)
	mul(dots, e.plain.x, e.plain.column(j))
	out := make([]bool, e.d.p)
	norm := make([]float64, e.d.p)
	for k := range norm {
		norm[k] = floats.Norm(e.plain.column(k), 2)
	}
	for k, v := range dots {
		out[k] = norm[k] > 0 && math.Abs(v) >= related*norm[k]*norm[j]
	}
	return out
}

// members adds further members of the blocks in s, at the lower price of 2 + 2 ln m for m
// candidates in those blocks.
func (e *ebic) members(s []int) []int {
	if len(s) == 0 {
		return s
	}
	mate, taken := make([]bool, e.d.p), make([]bool, e.d.p)
	invite := func(j int) {
		taken[j] = true
		for k, near := range e.near(j) {
			mate[k] = mate[k] || near
		}
	}
	for _, j := range s {
		invite(j)
	}
	b := e.d.basisOf(s)
	for len(s) < e.d.n/3 {
		at, rss, m := e.bestMate(b, mate, taken)
		if m == 0 || e.score.loss(b.rss())-e.score.loss(rss) < 2+2*math.Log(float64(m)) {
			break
		}
		b.add(e.d.column(at), e.norm[at])
		s = append(s, at)
		invite(at)
	}
	return s
}

// bestMate returns the untaken mate whose addition leaves the smallest residual, and the number
// of mates.
func (e *ebic) bestMate(b *basis, mate, taken []bool) (at int, rss float64, m int) {
	at, rss = -1, math.Inf(1)
	r := make([]float64, e.d.n)
	for j := range mate {
		if !mate[j] || taken[j] || j >= e.candidates {
			continue
		}
		m++
		copy(r, e.d.column(j))
		b.project(r)
		if left := b.rss() - math.Max(gain(r, b.resid, e.norm[j]), 0); left < rss {
			at, rss = j, left
		}
	}
	return at, rss, m
}
