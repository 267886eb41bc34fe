// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// pair is a pair of variables i < j with the results of its tests.
type pair struct {
	i, j  int
	r     float64 // the weakest correlation over all tested sets
	z     float64 // its |z|
	p     float64 // its p-value, the largest of all tests
	sep   []int   // union of the separating sets, ascending
	gone  bool
	tests int
}

// skeleton finds which variables are adjacent.
type skeleton struct {
	r       matrix
	n       func(i, j int) float64
	alpha   float64
	maxK    int
	workers int
	budget  int
	keep    func(i, j int) bool // required edges, which are not tested
	acts    func(k, v int) bool // may k be a cause of v? Only those are conditioned on
	adj     [][]bool
	pairs   []pair // all that were adjacent at the start, by (i, j)
	tests   int
	cutOff  int // the level that exceeded the budget, -1 if none
}

// run removes edges level by level. Lists of neighbours are frozen during a level, and pairs
// are removed after it, so the order of the variables doesn't matter (PC-stable), and the pairs
// of a level can be tested in parallel.
func (s *skeleton) run() {
	s.cutOff = -1
	for k := 0; k <= s.maxK; k++ {
		nb := s.neighbours()
		if !slices.ContainsFunc(nb, func(v []int) bool { return len(v) > k }) {
			return
		}
		if s.cost(nb, k) > s.budget-s.tests {
			s.cutOff = k
			return
		}
		s.level(nb, k)
		for i := range s.pairs {
			q := &s.pairs[i]
			if q.gone {
				s.adj[q.i][q.j], s.adj[q.j][q.i] = false, false
			}
		}
	}
}

// neighbours lists, for each variable, the adjacent variables that may act on it, ascending:
// separating sets are among the causes of either end. Conditioning on an effect, such as a sink
// or a variable of a later tier, would separate what belongs together: in a → b → c, a c that
// is nearly a copy of b takes its place.
func (s *skeleton) neighbours() [][]int {
	nb := make([][]int, len(s.adj))
	for i := range s.adj {
		for j := range s.adj {
			if s.offers(i, j) {
				nb[i] = append(nb[i], j)
			}
		}
	}
	return nb
}

// offers says whether v is among the variables to condition on for i.
func (s *skeleton) offers(i, v int) bool { return s.adj[i][v] && s.acts(v, i) }

// cost returns the exact number of tests of a level: sets that both ends offer count once. With
// this known beforehand, the cut-off depends on the data and not on the clock, and a slow
// machine gives the same graph.
func (s *skeleton) cost(nb [][]int, k int) int {
	var n float64
	for _, q := range s.pairs {
		if q.gone || s.keep(q.i, q.j) {
			continue
		}
		var both int
		for _, v := range nb[q.i] {
			if s.offers(q.j, v) {
				both++
			}
		}
		n += binomial(len(without(nb[q.i], q.j)), k) + binomial(len(without(nb[q.j], q.i)), k) - binomial(both, k)
	}
	return int(min(n, math.MaxInt32))
}

// binomial returns n over k as a float, because thousands of pairs with 100 over 4 sets
// overflow 32 bits. It is 0 if k > n.
func binomial(n, k int) float64 {
	b := 1.0
	for i := range k {
		b *= float64(n-i) / float64(i+1)
	}
	return max(0, b)
}

// level tests all remaining pairs; results are placed by index.
func (s *skeleton) level(nb [][]int, k int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, min(s.workers, len(s.pairs))) {
		wg.Go(func() {
			set := make([]int, k)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(s.pairs) {
					return
				}
				if q := &s.pairs[i]; !q.gone && !s.keep(q.i, q.j) {
					s.try(q, nb, set)
				}
			}
		})
	}
	wg.Wait()
	for i := range s.pairs {
		s.tests += s.pairs[i].tests
		s.pairs[i].tests = 0
	}
}

// try tests one pair, given all sets of len(set) neighbours of either end. It continues after
// the first separating set, because colliders depend on all of them.
func (s *skeleton) try(q *pair, nb [][]int, set []int) {
	k := len(set)
	n := s.n(q.i, q.j)
	limit := criticalR(s.alpha, n, k)
	weakest := math.Inf(1)
	var in []bool
	test := func() {
		q.tests++
		r := s.r.partial(q.i, q.j, set)
		if math.Abs(r) < math.Abs(weakest) {
			weakest = r
		}
		if math.Abs(r) > limit {
			return
		}
		if in == nil {
			in = make([]bool, len(nb))
		}
		for _, v := range set {
			in[v] = true
		}
		q.gone = true
	}
	subsets(without(nb[q.i], q.j), set, test)
	subsets(without(nb[q.j], q.i), set, func() {
		if slices.ContainsFunc(set, func(v int) bool { return !s.offers(q.i, v) }) {
			test()
		}
	})
	q.record(weakest, n, k)
	for v, ok := range in {
		if ok {
			q.sep = append(q.sep, v)
		}
	}
}

// record keeps the weakest test of a pair over all levels.
func (q *pair) record(r, n float64, k int) {
	if math.IsInf(r, 0) {
		return
	}
	z, p := FisherZ(r, n, k)
	if z = math.Abs(z); z <= q.z {
		q.r, q.z, q.p = r, z, p
	}
}

// without returns a copy of a without v; a is shared by all workers of a level.
func without(a []int, v int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(u int) bool { return u == v })
}

// subsets calls f for each subset of from with len(set) members, in set, in lexical order.
func subsets(from, set []int, f func()) {
	var fill func(at, start int)
	fill = func(at, start int) {
		if at == len(set) {
			f()
			return
		}
		for i := start; i <= len(from)-(len(set)-at); i++ {
			set[at] = from[i]
			fill(at+1, i+1)
		}
	}
	fill(0, 0)
}

// workers returns how many goroutines to use.
func workers(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}
