// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// block is a candidate and others correlated with it, with the signs of the correlations.
type block struct {
	members []int
	signs   []float64
}

// leaders are candidates that are not correlated with each other, at norm 1.
type leaders [][]float64

// closest returns the leader most correlated with a column, -1 if none is.
func (l leaders) closest(c []float64, norm float64) int {
	at, most := -1, related*norm
	for i, leader := range l {
		if r := math.Abs(floats.Dot(leader, c)); r >= most {
			at, most = i, r
		}
	}
	return at
}

func (l leaders) with(c []float64, norm float64) leaders {
	leader := slices.Clone(c)
	floats.Scale(1/norm, leader)
	return append(l, leader)
}

// blocks assigns each candidate to the block of a correlated leader, or opens a new block with
// it.
func (d *design) blocks() []block {
	var first leaders
	var out []block
	for j := range d.p {
		c := d.column(j)
		norm := floats.Norm(c, 2)
		at := first.closest(c, norm)
		if at < 0 {
			at = len(first)
			first, out = first.with(c, norm), append(out, block{})
		}
		b := &out[at]
		b.members = append(b.members, j)
		b.signs = append(b.signs, math.Copysign(1, floats.Dot(first[at], c)))
	}
	return out
}

// several are the blocks with more than one member.
func several(blocks []block) []block {
	return slices.DeleteFunc(blocks, func(b block) bool { return len(b.members) == 1 })
}

// chances returns how many independent candidates would find as much by chance as these blocks.
// A block of m members with mean correlation r to its leader counts as (sum sqrt l)^2 / sum l,
// where l are the eigenvalues of a correlation matrix: with r everywhere, one of 1+(m-1)r and
// m-1 of 1-r. Copies count as one.
//
//	Galwey, A new measure of the effective number of tests, Genetic
//	Epidemiology 33(7), 2009.
func (d *design) chances(blocks []block) float64 {
	var sum float64
	for _, b := range blocks {
		others := float64(len(b.members) - 1)
		follow := others * d.following(b)
		root := math.Sqrt(1+follow) + math.Sqrt(others)*math.Sqrt(math.Max(others-follow, 0))
		sum += root * root / (1 + others)
	}
	return sum
}

// following returns the mean absolute correlation of a block's other members with its leader; 0
// without any.
func (d *design) following(b block) float64 {
	if len(b.members) == 1 {
		return 0
	}
	first := d.column(b.members[0])
	var sum float64
	for _, j := range b.members[1:] {
		c := d.column(j)
		sum += math.Abs(floats.Dot(first, c)) / floats.Norm(c, 2)
	}
	return sum / floats.Norm(first, 2) / float64(len(b.members)-1)
}

// distinct returns the number of candidates that are not correlated with an earlier one. Once
// limit of them are found, the rest is extrapolated, so that the time stays linear in p.
func (d *design) distinct(limit int) float64 {
	var first leaders
	for j := range d.p {
		c := d.column(j)
		norm := floats.Norm(c, 2)
		if first.closest(c, norm) >= 0 {
			continue
		}
		if first = first.with(c, norm); len(first) == limit {
			return float64(limit) * float64(d.p) / float64(j+1)
		}
	}
	return float64(len(first))
}

// withMeans returns the problem with one more column per block, the mean of its members. For a
// block that acts as a whole, one member has its own noise, and three members cost three times
// the price; the mean shows it at the price of one:
//
//	Park, Hastie and Tibshirani, Averaged gene expressions for regression,
//	Biostatistics 8(2), 2007.
func (d *design) withMeans(blocks []block) *design {
	if len(blocks) == 0 {
		return d
	}
	out := *d
	out.p = d.p + len(blocks)
	out.x = mat.NewDense(out.p, d.n, nil)
	out.x.Slice(0, d.p, 0, d.n).(*mat.Dense).Copy(d.x)
	out.missing, out.doubt = slices.Clone(d.missing), slices.Clone(d.doubt)
	for k, b := range blocks {
		rows, doubt := d.mean(out.column(d.p+k), b)
		out.missing, out.doubt = append(out.missing, rows), append(out.doubt, doubt)
	}
	return &out
}

// mean writes the mean of a block to dst, and returns the rows in which a member is missing,
// with the variance of the mean there.
func (d *design) mean(dst []float64, b block) (rows []int, doubt []float64) {
	share := 1 / float64(len(b.members))
	unknown := make([]float64, d.n)
	for i, j := range b.members {
		floats.AddScaled(dst, share*b.signs[i], d.column(j))
		for k, row := range d.missing[j] {
			unknown[row] += share * share * d.doubt[j][k]
		}
	}
	for row, v := range unknown {
		if v > 0 {
			rows, doubt = append(rows, row), append(doubt, v)
		}
	}
	return rows, doubt
}

// blockOf returns the block whose mean is column j; false for a candidate.
func (e *ebic) blockOf(j int) (block, bool) {
	if j < e.candidates {
		return block{}, false
	}
	return e.blocks[j-e.candidates], true
}

// settle replaces the mean of a block by its best member, unless the mean is as much likelier
// as makes members distinguishable. A priori, the whole is as likely as that one member acts
// alone, and members are equally likely. It replaces at most one mean, and says whether it did.
func (e *ebic) settle(s []int) (next []int, changed bool) {
	base := e.score.loss(e.d.basisOf(s).rss())
	for i, j := range s {
		b, whole := e.blockOf(j)
		if !whole {
			continue
		}
		rest := e.d.basisOf(without(s, i))
		at, least, alone := -1, math.Inf(1), 0.0
		for _, k := range b.members {
			c, _ := e.substitute(rest, k, base)
			alone += math.Exp(-c.loss/2) / float64(len(b.members))
			if c.loss < least && !slices.Contains(s, k) {
				at, least = k, c.loss
			}
		}
		if at >= 0 && -2*math.Log(alone) <= e.confusion {
			next = slices.Clone(s)
			next[i] = at
			return next, true
		}
	}
	return s, false
}

// together makes one finding of a block that acts as a whole through its mean, column j.
func (e *ebic) together(sel *selection, b block, j int, rest *basis, base float64) {
	mean, _ := e.substitute(rest, j, base)
	share := 1 / float64(len(b.members))
	out := Set{Whole: true}
	least := math.Inf(1)
	for i, k := range b.members {
		alone, _ := e.substitute(rest, k, base)
		if alone.loss < least {
			least, out.Seed = alone.loss, k
		}
		out.Members = append(out.Members, Member{Candidate: k, Weight: share, Loss: alone.loss})
		sel.beta[k] += share * b.signs[i] * mean.beta
		sel.selected[k] = true
	}
	sel.sets = append(sel.sets, out)
}
