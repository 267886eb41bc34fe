// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// drawSample draws the correlations of a small random model, sometimes with fewer rows than
// variables.
func drawSample(t *rapid.T) Sample {
	p := rapid.IntRange(2, 9).Draw(t, "p")
	n := rapid.IntRange(4, 80).Draw(t, "n")
	x := model(p, n, rapid.Uint64().Draw(t, "seed"))
	r := mat.NewSymDense(p, nil)
	for i := range p {
		for j := range i + 1 {
			r.SetSym(i, j, dot(unit(x[i]), unit(x[j])))
		}
	}
	return Sample{R: r, N: float64(n)}
}

// TestPartialIsThatOfTheInverse: the recursion gives -P_xy/√(P_xx P_yy), where P is the inverse
// on {x, y} and the conditions.
func TestPartialIsThatOfTheInverse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := model(8, 200, 2)
	r := mat.NewSymDense(8, nil)
	for i := range 8 {
		for j := range i + 1 {
			r.SetSym(i, j, dot(unit(x[i]), unit(x[j])))
		}
	}
	for range 200 {
		v := rng.Perm(8)[:2+rng.IntN(4)]
		sub := mat.NewDense(len(v), len(v), nil)
		for a := range v {
			for b := range v {
				sub.Set(a, b, r.At(v[a], v[b]))
			}
		}
		var p mat.Dense
		if err := p.Inverse(sub); err != nil {
			t.Fatal(err)
		}
		want := -p.At(0, 1) / math.Sqrt(p.At(0, 0)*p.At(1, 1))
		if got := newMatrix(r).partial(v[0], v[1], v[2:]); math.Abs(got-want) > 1e-9 {
			t.Fatalf("partial of %v is %v, want %v", v, got, want)
		}
	}
}

// TestCriticalRIsWhereFisherZRejects: the shortcut agrees with the test.
func TestCriticalRIsWhereFisherZRejects(t *testing.T) {
	for _, n := range []float64{3, 5, 12.5, 100, 1e5} {
		for k := range 4 {
			c := criticalR(0.05, n, k)
			if math.IsInf(c, 1) {
				if _, p := FisherZ(1, n, k); p < 0.05 && n-float64(k)-3 > 1 {
					t.Errorf("n %v k %d: nothing rejected, but p of 1 is %v", n, k, p)
				}
				continue
			}
			_, below := FisherZ(c*0.9999, n, k)
			_, above := FisherZ(c*1.0001, n, k)
			if below <= 0.05 || above > 0.05 {
				t.Errorf("n %v k %d: p %v below and %v above r %v, want 0.05 between", n, k, below, above, c)
			}
		}
	}
}

// TestSkeletonIgnoresTheOrder: relabelling variables relabels the skeleton.
func TestSkeletonIgnoresTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		p := s.R.SymmetricDim()
		perm := rapid.Permutation(sequence(p)).Draw(t, "perm")
		r := mat.NewSymDense(p, nil)
		for i := range p {
			for j := range i + 1 {
				r.SetSym(i, j, s.R.At(perm[i], perm[j]))
			}
		}
		a, b := PC(s, Options{}).marks(), PC(Sample{R: r, N: s.N}, Options{}).marks()
		for i := range p {
			for j := range p {
				if b.adj[i][j] != a.adj[perm[i]][perm[j]] {
					t.Fatalf("edge %d-%d is %v, %v when relabelled", perm[i], perm[j], a.adj[perm[i]][perm[j]], b.adj[i][j])
				}
			}
		}
	})
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// drawKnowledge draws arrows and tiers that may contradict each other.
func drawKnowledge(t *rapid.T, p int) Knowledge {
	arrows := func(name string) (a [][2]int) {
		for range rapid.IntRange(0, 3).Draw(t, name) {
			v := rapid.Permutation(sequence(p)).Draw(t, "arrow")
			a = append(a, [2]int{v[0], v[1]})
		}
		return a
	}
	k := Knowledge{Forbidden: arrows("forbidden"), Required: arrows("required"), Likely: arrows("likely")}
	if rapid.Bool().Draw(t, "tiered") {
		k.Tiers = rapid.SliceOfN(rapid.IntRange(0, 2), p, p).Draw(t, "tiers")
	}
	return k
}

// TestKnowledgeHoldsAndNoCycle: for any data and knowledge there is no directed cycle and no
// forbidden arrow, and required edges exist.
func TestKnowledgeHoldsAndNoCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		k := drawKnowledge(t, s.R.SymmetricDim())
		g := PC(s, Options{Knowledge: k})
		if g.marks().cyclic() {
			t.Fatalf("cycle in %+v", g.Edges)
		}
		know := newRules(g.P, k)
		for _, e := range g.Edges {
			if e.Directed && know.forbids(e.From, e.To) {
				t.Fatalf("forbidden arrow %+v with %+v", e, k)
			}
			if e.Directed == (e.Origin == Undirected) {
				t.Fatalf("edge %+v: origin and direction disagree", e)
			}
		}
		for _, a := range k.Required {
			if _, ok := g.Edge(a[0], a[1]); !ok {
				t.Fatalf("required edge %v is missing", a)
			}
		}
	})
}

func TestWorkersGiveTheSameGraph(t *testing.T) {
	x := model(30, 200, 4)
	one := Learn(x, SeriesOptions{MaxNodes: 30, Options: Options{Workers: 1}})
	for _, w := range []int{2, 8} {
		if many := Learn(x, SeriesOptions{MaxNodes: 30, Options: Options{Workers: w}}); !reflect.DeepEqual(one, many) {
			t.Errorf("%d workers give another graph", w)
		}
	}
}

// TestKnowledgeDirects uses the population of a chain 0-1-2, whose edges data can't direct.
func TestKnowledgeDirects(t *testing.T) {
	chain := Sample{N: 1000, R: mat.NewSymDense(3, []float64{1, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 1})}
	for name, c := range map[string]struct {
		k      Knowledge
		arrows [][2]int
		origin Origin // of the first arrow
		edges  int
	}{
		"nothing":         {Knowledge{}, nil, Undirected, 2},
		"tiers":           {Knowledge{Tiers: []int{0, 1, 1}}, [][2]int{{0, 1}, {1, 2}}, Given, 2},
		"forbidden":       {Knowledge{Forbidden: [][2]int{{1, 0}}}, [][2]int{{0, 1}, {1, 2}}, Given, 2},
		"forbidden twice": {Knowledge{Forbidden: [][2]int{{1, 0}, {0, 1}}}, nil, Undirected, 1},
		"required":        {Knowledge{Required: [][2]int{{2, 0}}}, [][2]int{{2, 0}}, Given, 3},
		"likely":          {Knowledge{Likely: [][2]int{{2, 1}}}, [][2]int{{2, 1}, {1, 0}}, Topology, 2},
		"likely, no edge": {Knowledge{Likely: [][2]int{{2, 0}}}, nil, Undirected, 2},
		"contradiction":   {Knowledge{Likely: [][2]int{{1, 0}, {0, 1}}}, [][2]int{{1, 0}}, Topology, 2},
	} {
		t.Run(name, func(t *testing.T) {
			g := PC(chain, Options{Alpha: 0.01, Knowledge: c.k})
			m := g.marks()
			for _, a := range c.arrows {
				if !m.arrow[a[0]][a[1]] {
					t.Errorf("no arrow %v in %+v", a, g.Edges)
				}
			}
			if len(c.arrows) == 0 && slices.ContainsFunc(g.Edges, func(e Edge) bool { return e.Directed }) {
				t.Errorf("arrows in %+v, want none", g.Edges)
			}
			if len(c.arrows) > 0 {
				if e, _ := g.Edge(c.arrows[0][0], c.arrows[0][1]); e.Origin != c.origin {
					t.Errorf("origin %v, want %v", e.Origin, c.origin)
				}
			}
			if len(g.Edges) != c.edges {
				t.Errorf("%d edges, want %d: %+v", len(g.Edges), c.edges, g.Edges)
			}
		})
	}
}

// TestSeparationIsReported: in the chain 0-1-2 the middle separates the ends, with the p value
// of that test.
func TestSeparationIsReported(t *testing.T) {
	g := PC(Sample{N: 1000, R: mat.NewSymDense(3, []float64{1, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 1})}, Options{})
	if len(g.Removed) != 1 || !slices.Equal(g.Removed[0].Set, []int{1}) || math.Abs(g.Removed[0].P-1) > 1e-9 {
		t.Errorf("removed %+v, want 0 and 2 given 1 with p 1", g.Removed)
	}
	if got := g.Causes(1); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("causes of 1 are %v, want its undirected neighbours 0 and 2", got)
	}
}

func TestBudgetStopsBeforeALevel(t *testing.T) {
	x := model(12, 300, 3)
	full := Learn(x, SeriesOptions{})
	cut := Learn(x, SeriesOptions{Options: Options{MaxTests: 100}})
	if full.CutOff != -1 {
		t.Errorf("cut off at %d with the default budget", full.CutOff)
	}
	if cut.CutOff != 1 || cut.Tests != 66 || len(cut.Edges) < len(full.Edges) {
		t.Errorf("cut off at %d after %d tests with %d edges, want level 1, 66, and no fewer than %d",
			cut.CutOff, cut.Tests, len(cut.Edges), len(full.Edges))
	}
}

func TestCostIsWhatIsSpent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		sk := &skeleton{
			r: newMatrix(s.R), n: s.size(), alpha: 0.05, maxK: 3, workers: 1, budget: math.MaxInt32,
			keep: func(int, int) bool { return false }, adj: square(s.R.SymmetricDim()),
			acts: func(k, v int) bool { return (k+2*v)%5 > 0 },
		}
		for i := range sk.adj {
			for j := i + 1; j < len(sk.adj); j++ {
				sk.adj[i][j], sk.adj[j][i] = true, true
				sk.pairs = append(sk.pairs, untested(s, i, j))
			}
		}
		want := 0
		for k := 0; k <= sk.maxK; k++ {
			nb := sk.neighbours()
			want += sk.cost(nb, k)
			sk.level(nb, k)
			for _, q := range sk.pairs {
				if q.gone {
					sk.adj[q.i][q.j], sk.adj[q.j][q.i] = false, false
				}
			}
			if sk.tests != want {
				t.Fatalf("level %d: %d tests, %d foretold", k, sk.tests, want)
			}
		}
	})
}

func TestPanicsOnWrongShapes(t *testing.T) {
	r := Sample{R: mat.NewSymDense(2, []float64{1, 0, 0, 1}), N: 10}
	for name, f := range map[string]func(){
		"tiers":  func() { PC(r, Options{Knowledge: Knowledge{Tiers: []int{1}}}) },
		"arrow":  func() { PC(r, Options{Knowledge: Knowledge{Likely: [][2]int{{0, 2}}}}) },
		"loop":   func() { PC(r, Options{Knowledge: Knowledge{Required: [][2]int{{1, 1}}}}) },
		"sizes":  func() { PC(Sample{R: r.R, N: 10, PairN: mat.NewSymDense(3, nil)}, Options{}) },
		"rows":   func() { Learn([][]float64{{1, 2}, {1}}, SeriesOptions{}) },
		"chains": func() { PC(r, Options{}).Chains(0, nil, nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
