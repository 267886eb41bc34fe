// SPDX-License-Identifier: Apache-2.0

// Package synth makes the synthetic regression problems on which feature
// selection is measured: the recipe published with BALANCE, blocks of
// correlated candidates, missing values, incidents of a database under load,
// and relations that are not linear or not stable. A problem is a pure function
// of its parameters and its seed.
package synth

import (
	"math"
	"math/rand/v2"
)

// Problem is a regression with a known answer. X[j] holds the samples of
// candidate j, NaN where one is missing.
type Problem struct {
	X      [][]float64
	Y      []float64
	Active []bool // candidates that act on Y
	Group  []int  // block of each candidate

	// TestX and TestY are more samples of the same process, complete.
	TestX [][]float64
	TestY []float64
}

// Rand returns the random source of the problem with this seed.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) }

// Published describes the synthetic experiment of Chen et al., BALANCE, SIGMOD
// 2023: P candidates are cut at random into blocks, and each is plus or minus
// the standard normal series of its block. Blocks act, in order, while the
// number of active candidates stays within Target.
type Published struct {
	N, P, Blocks int
	Target       int     // active candidates at most; 0 means 5
	Noise        float64 // standard deviation of the noise; 0 means 0.1
	Missing      float64 // share of each candidate's samples that is missing
}

// Problem draws one problem with nine times as many test samples.
func (c Published) Problem(rng *rand.Rand) Problem {
	if c.Target == 0 {
		c.Target = 5
	}
	if c.Noise == 0 {
		c.Noise = 0.1
	}
	var group []int
	var alpha []float64
	for acts := false; !acts; {
		group, alpha, acts = c.cut(rng)
	}
	total := 10 * c.N
	block := normals(rng, c.Blocks, total)
	y := noise(rng, total, c.Noise)
	for b, a := range alpha {
		addScaled(y, a, block[b])
	}
	x := make([][]float64, c.P)
	active := make([]bool, c.P)
	for j, b := range group {
		x[j] = make([]float64, total)
		addScaled(x[j], sign(rng), block[b])
		active[j] = alpha[b] != 0
	}
	p := split(x, y, c.N)
	p.Active, p.Group = active, group
	lose(rng, p.X, c.Missing)
	return p
}

// cut draws the blocks and their coefficients; acts is false when the first
// blocks are all too long to act.
func (c Published) cut(rng *rand.Rand) (group []int, alpha []float64, acts bool) {
	alpha = make([]float64, c.Blocks)
	active := 0
	for b := range c.Blocks {
		length := c.P - len(group)
		if b < c.Blocks-1 {
			length = 1 + rng.IntN(c.P-c.Blocks+b+1-len(group))
		}
		for range length {
			group = append(group, b)
		}
		if active+length <= c.Target {
			active += length
			acts = true
			alpha[b] = sign(rng) * (.1 + rng.Float64())
		}
	}
	return group, alpha, acts
}

// Blocks describes candidates in blocks of Size with pairwise correlation Rho
// inside a block and none between blocks.
type Blocks struct {
	N, P, Size int
	Rho        float64
	Acting     int     // blocks that act on the target
	All        bool    // every member of them acts; otherwise one does
	R2         float64 // share of the target's variance that is not noise
	Missing    float64
}

// Problem draws one problem with 500 test samples.
func (c Blocks) Problem(rng *rand.Rand) Problem {
	blocks, total := c.P/c.Size, c.N+500
	common := normals(rng, blocks, total)
	beta := c.coefficients(rng, blocks)
	x := make([][]float64, len(beta))
	group := make([]int, len(beta))
	signal := make([]float64, total)
	place := rng.Perm(len(beta))
	active := make([]bool, len(beta))
	for j, b := range beta {
		own := noise(rng, total, math.Sqrt(1-c.Rho))
		addScaled(own, math.Sqrt(c.Rho), common[j/c.Size])
		addScaled(signal, b, own)
		at := place[j]
		x[at], group[at], active[at] = own, j/c.Size, b != 0
	}
	y := noise(rng, total, math.Sqrt((1-c.R2)/c.R2)*deviation(signal))
	addScaled(y, 1, signal)
	p := split(x, y, c.N)
	p.Active, p.Group = active, group
	lose(rng, p.X, c.Missing)
	return p
}

func (c Blocks) coefficients(rng *rand.Rand, blocks int) []float64 {
	beta := make([]float64, blocks*c.Size)
	for _, b := range rng.Perm(blocks)[:c.Acting] {
		strength := sign(rng) * (.5 + rng.Float64())
		if !c.All {
			beta[b*c.Size+rng.IntN(c.Size)] = strength
			continue
		}
		for k := range c.Size {
			beta[b*c.Size+k] = strength / float64(c.Size) * (.75 + .5*rng.Float64())
		}
	}
	return beta
}

// split keeps the first n samples for training and the rest for the test.
func split(x [][]float64, y []float64, n int) Problem {
	p := Problem{Y: y[:n:n], TestY: y[n:]}
	for _, c := range x {
		p.X, p.TestX = append(p.X, c[:n:n]), append(p.TestX, c[n:])
	}
	return p
}

// lose removes a share of the samples of each candidate.
func lose(rng *rand.Rand, x [][]float64, share float64) {
	if share == 0 {
		return
	}
	for _, c := range x {
		for _, i := range rng.Perm(len(c))[:int(share*float64(len(c)))] {
			c[i] = math.NaN()
		}
	}
}

func normals(rng *rand.Rand, rows, n int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = noise(rng, n, 1)
	}
	return out
}

func noise(rng *rand.Rand, n int, sd float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = sd * rng.NormFloat64()
	}
	return out
}

func sign(rng *rand.Rand) float64 {
	if rng.IntN(2) == 0 {
		return -1
	}
	return 1
}

func addScaled(dst []float64, a float64, s []float64) {
	for i, v := range s {
		dst[i] += a * v
	}
}

// deviation returns the population standard deviation.
func deviation(v []float64) float64 {
	var mean, ss float64
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		ss += (x - mean) * (x - mean)
	}
	return math.Sqrt(ss / float64(len(v)))
}
