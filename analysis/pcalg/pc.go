// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Sample is the input of the tests.
type Sample struct {
	R mat.Symmetric // correlations of the variables, 1 on the diagonal
	N float64       // number of samples
	// PairN is the effective number of samples of each pair, for serially correlated series;
	// nil: N for all.
	PairN mat.Symmetric
}

// Knowledge is what is known before looking at data. Its indices are variables. Arrows that
// would close a directed cycle are left out.
type Knowledge struct {
	// Tiers, one per variable, or nil: no arrow points from a later (larger)
	// tier to an earlier one.
	Tiers []int
	// Forbidden arrows {cause, effect}. With both directions forbidden there
	// is no edge.
	Forbidden [][2]int
	// Required arrows {cause, effect}: in the graph whatever the data.
	Required [][2]int
	// Likely arrows {cause, effect}, such as from callee to caller in a call graph: they direct
	// an edge if the data show one.
	Likely [][2]int
}

// Options are the settings of PC. The zero value is the default.
type Options struct {
	Alpha float64 // significance level of the tests; 0: 0.05
	MaxK  int     // largest conditioning set, at most 4; 0: 3; negative: none
	// Parity lets colliders close directed cycles, and conditions on known effects, for
	// comparison with causal-learn. Without it the graph is acyclic.
	Parity bool
	Knowledge
	Workers  int // goroutines; 0: GOMAXPROCS
	MaxTests int // budget of tests; 0: 5 million
}

const (
	defaultAlpha    = 0.05
	defaultMaxK     = 3
	capMaxK         = 4
	defaultMaxTests = 5_000_000
)

func (o Options) withDefaults() Options {
	if o.Alpha == 0 {
		o.Alpha = defaultAlpha
	}
	if o.MaxK == 0 {
		o.MaxK = defaultMaxK
	}
	o.MaxK = min(max(o.MaxK, 0), capMaxK)
	if o.MaxTests == 0 {
		o.MaxTests = defaultMaxTests
	}
	return o
}

// Origin says where the direction of an edge comes from.
type Origin uint8

// The origins.
const (
	Undirected Origin = iota // direction unknown
	Learned                  // a collider, or Meek's rules
	Topology                 // Knowledge.Likely
	Given                    // tiers, forbidden and required arrows
)

// String returns the name in lower case.
func (o Origin) String() string {
	return [...]string{"undirected", "learned", "topology", "given"}[o]
}

// Edge joins two variables; From→To if Directed, else From < To.
type Edge struct {
	From, To int
	Directed bool
	Origin   Origin
	// R is the weakest partial correlation of all tests, P its p-value. For a loop that shows
	// only with a delay, they are the delayed ones.
	R, P float64
	// Feedback: the two follow each other in time. Such an edge is not directed.
	Feedback bool
}

// Separation is a pair without an edge, with the union of the sets of that level that separate
// it, and the weakest correlation found.
type Separation struct {
	I, J int
	Set  []int
	R, P float64
}

// Graph is a partly directed graph over P variables.
type Graph struct {
	P       int
	Edges   []Edge       // by smaller, then by larger variable
	Removed []Separation // likewise
	Tests   int          // number of tests
	CutOff  int          // the first level skipped for lack of budget; -1: none
	index   map[[2]int]int
}

// PC learns the graph. It panics if PairN or Tiers don't fit R, or if knowledge refers to a
// missing variable.
func PC(s Sample, opt Options) *Graph {
	return learn(s, opt, nil)
}

// learn is PC with loops: edges that stay undirected.
func learn(s Sample, opt Options, feedback loops) *Graph {
	opt = opt.withDefaults()
	p := s.R.SymmetricDim()
	know := newRules(p, opt.Knowledge)
	sk := &skeleton{
		r: newMatrix(s.R), n: s.size(), alpha: opt.Alpha, maxK: opt.MaxK, workers: workers(opt.Workers),
		budget: opt.MaxTests,
		keep:   func(i, j int) bool { return know.keeps(i, j) || feedback.has(i, j) }, adj: square(p),
		acts: func(k, v int) bool { return opt.Parity || know.acts(k, v) },
	}
	for i := range p {
		for j := i + 1; j < p; j++ {
			if !know.parted(i, j) {
				sk.adj[i][j], sk.adj[j][i] = true, true
				sk.pairs = append(sk.pairs, untested(s, i, j))
			}
		}
	}
	sk.run()
	return assemble(sk, know, opt, feedback)
}

// size returns the number of samples of a pair.
func (s Sample) size() func(i, j int) float64 {
	if s.PairN == nil {
		return func(int, int) float64 { return s.N }
	}
	if s.PairN.SymmetricDim() != s.R.SymmetricDim() {
		panic(fmt.Sprintf("pcalg: sizes of %d variables for %d", s.PairN.SymmetricDim(), s.R.SymmetricDim()))
	}
	return s.PairN.At
}

// untested returns a pair with its plain correlation as the weakest so far.
func untested(s Sample, i, j int) pair {
	z, p := FisherZ(s.R.At(i, j), s.size()(i, j), 0)
	return pair{i: i, j: j, r: s.R.At(i, j), z: max(z, -z), p: p}
}

// assemble directs the edges of the skeleton and lists them.
func assemble(sk *skeleton, know *rules, opt Options, feedback loops) *Graph {
	g := newPDAG(sk.adj)
	g.forbidden = know.forbids
	g.frozen = feedback.has
	origin := know.orient(g)
	sep := map[[2]int][]int{}
	for _, q := range sk.pairs {
		sep[[2]int{q.i, q.j}] = q.sep
	}
	g.colliders(func(x, z int) []int { return sep[[2]int{x, z}] }, opt.Parity)
	g.meek()
	out := &Graph{P: len(sk.adj), Tests: sk.tests, CutOff: sk.cutOff, index: map[[2]int]int{}}
	for _, q := range sk.pairs {
		if q.gone {
			out.Removed = append(out.Removed, Separation{I: q.i, J: q.j, Set: q.sep, R: q.r, P: q.p})
			continue
		}
		e := Edge{From: q.i, To: q.j, R: q.r, P: q.p, Feedback: g.frozen(q.i, q.j)}
		if l, ok := feedback[[2]int{q.i, q.j}]; ok && math.Abs(e.R) < math.Abs(l.r) {
			e.R, e.P = l.r, l.p
		}
		if g.arrow[q.j][q.i] && !g.arrow[q.i][q.j] {
			e.From, e.To = q.j, q.i
		}
		if g.arrow[e.From][e.To] {
			e.Directed, e.Origin = true, Learned
			if o, ok := origin[[2]int{e.From, e.To}]; ok {
				e.Origin = o
			}
		}
		out.index[[2]int{q.i, q.j}] = len(out.Edges)
		out.Edges = append(out.Edges, e)
	}
	return out
}

// Edge returns the edge between i and j; ok is false if there is none.
func (g *Graph) Edge(i, j int) (Edge, bool) {
	k, ok := g.index[[2]int{min(i, j), max(i, j)}]
	if !ok {
		return Edge{}, false
	}
	return g.Edges[k], true
}

// Causes returns the parents and undirected neighbours of v, ascending: everything that may act
// on it directly.
func (g *Graph) Causes(v int) []int {
	var causes []int
	for u := range g.P {
		if e, ok := g.Edge(u, v); ok && u != v && (!e.Directed || e.To == v) {
			causes = append(causes, u)
		}
	}
	return causes
}
