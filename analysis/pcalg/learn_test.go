// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sound fails on an invalid network.
func sound(t interface{ Fatalf(string, ...any) }, net *Network, columns int) {
	if net.marks().cyclic() {
		t.Fatalf("directed cycle: %+v", net.Edges)
	}
	seen := map[int]int{}
	for _, n := range net.Nodes {
		seen[n.Column]++
		for _, a := range n.Aliases {
			seen[a]++
		}
	}
	for _, d := range net.Dropped {
		seen[d.Column]++
	}
	for c := range columns {
		if seen[c] != 1 {
			t.Fatalf("column %d is accounted for %d times", c, seen[c])
		}
	}
	for _, e := range net.Edges {
		if math.IsNaN(e.R) || math.IsNaN(e.P) || e.P < 0 || e.P > 1 || math.Abs(e.R) > 1+1e-9 {
			t.Fatalf("edge %+v", e)
		}
	}
	if math.IsNaN(net.Effective) || net.Effective < 0 {
		t.Fatalf("effective size %v", net.Effective)
	}
}

func TestLearnDropsAndGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const n = 200
	x := make([][]float64, 6)
	for j := range x {
		x[j] = make([]float64, n)
	}
	for i := range n {
		x[0][i] = rng.NormFloat64()
		x[1][i] = 3
		x[2][i] = 1000 - 2*x[0][i] // a negated copy
		x[3][i] = rng.NormFloat64() + x[0][i]
		x[4][i] = rng.NormFloat64()
		x[5][i] = x[3][i]
	}
	for i := range 50 {
		x[4][i*3] = math.NaN()
	}
	net := Learn(x, SeriesOptions{MaxNodes: 2})
	sound(t, net, len(x))
	if want := []Node{{0, []int{2}}, {3, []int{5}}}; !reflect.DeepEqual(net.Nodes, want) {
		t.Errorf("nodes %+v, want %+v", net.Nodes, want)
	}
	if want := []Drop{{1, "constant"}, {4, "missing"}}; !reflect.DeepEqual(net.Dropped, want) {
		t.Errorf("dropped %+v, want %+v", net.Dropped, want)
	}
	if len(net.Edges) != 1 || net.Samples != n {
		t.Errorf("edges %+v of %d samples, want one of %d", net.Edges, net.Samples, n)
	}
	net = Learn(x, SeriesOptions{MaxNodes: 1})
	if want := (Drop{3, "limit"}); !slices.Contains(net.Dropped, want) {
		t.Errorf("dropped %+v, want %+v too", net.Dropped, want)
	}
}

// TestLearnMovesKnowledgeToNodes: required arrows name columns, and work for aliases, too.
func TestLearnMovesKnowledgeToNodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	x := make([][]float64, 4)
	for range 300 {
		a := rng.NormFloat64()
		b := a + rng.NormFloat64()
		for j, v := range []float64{5, a, b, 2 * b} {
			x[j] = append(x[j], v)
		}
	}
	know := Knowledge{Likely: [][2]int{{3, 1}, {0, 1}, {2, 3}}, Tiers: []int{0, 1, 1, 1}}
	net := Learn(x, SeriesOptions{Options: Options{Knowledge: know}})
	if len(net.Edges) != 1 || net.Nodes[net.Edges[0].From].Column != 2 || net.Edges[0].Origin != Topology {
		t.Errorf("edges %+v of nodes %+v, want 2 to 1 by topology", net.Edges, net.Nodes)
	}
}

// TestLearnNeverFails covers all kinds of bad data.
func TestLearnNeverFails(t *testing.T) {
	nan := math.NaN()
	wide := model(20, 6, 1) // more variables than rows
	same := [][]float64{wide[0], wide[0], wide[0]}
	for name, x := range map[string][][]float64{
		"nothing":    nil,
		"no rows":    {{}, {}},
		"one row":    {{1}, {2}},
		"two rows":   {{1, 2}, {2, 1}, {1, 3}},
		"constant":   {{1, 1, 1, 1}, {2, 2, 2, 2}},
		"missing":    {{nan, nan, nan}, {1, 2, 4}},
		"infinite":   {{math.Inf(1), 2, 3, 4, 6}, {1, 2, 4, 3, 5}},
		"largest":    {{math.MaxFloat64, -math.MaxFloat64, 0, 1, 2}, {1, 2, 4, 3, 5}},
		"duplicates": same,
		"wide":       wide,
		"line":       {sequenceOf(50, 1), sequenceOf(50, 2), sequenceOf(50, -3)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, raw := range []bool{false, true} {
				net := Learn(x, SeriesOptions{Raw: raw})
				sound(t, net, len(x))
				net.Weights(x, 1)
			}
		})
	}
}

func sequenceOf(n int, step float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i) * step
	}
	return x
}

func TestLearnAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(0, 30).Draw(t, "rows")
		value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(1)}))
		x := rapid.SliceOfN(rapid.SliceOfN(value, rows, rows), 0, 8).Draw(t, "x")
		net := Learn(x, SeriesOptions{Raw: rapid.Bool().Draw(t, "raw")})
		sound(t, net, len(x))
		for _, w := range net.Weights(x, rapid.IntRange(0, rows).Draw(t, "onset")) {
			if math.IsNaN(w) || w < 0 || w > 1+1e-9 {
				t.Fatalf("weight %v", w)
			}
		}
	})
}

// FuzzLearn decodes bytes to columns of nine rows.
func FuzzLearn(f *testing.F) {
	f.Add(make([]byte, 9*8*3))
	f.Fuzz(func(t *testing.T, data []byte) {
		var x [][]float64
		for len(data) >= 72 && len(x) < 12 {
			c := make([]float64, 9)
			for i := range c {
				c[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[i*8:]))
			}
			x, data = append(x, c), data[72:]
		}
		sound(t, Learn(x, SeriesOptions{}), len(x))
	})
}

func TestFillCarriesThreeSamples(t *testing.T) {
	nan := math.NaN()
	x := make([]float64, 30)
	for i := range x {
		x[i] = 5
	}
	x[0] = nan
	x[9] = 7
	copy(x[10:14], []float64{nan, nan, nan, nan})
	got := fill(x)
	if got[0] != 5 || !slices.Equal(got[9:15], []float64{7, 7, 7, 7, 5, 5}) {
		t.Errorf("filled %v", got)
	}
	if fill([]float64{nan, 1, 2, 3}) != nil {
		t.Error("a quarter missing was filled")
	}
}

// TestNormalScores compares with scipy.stats: norm.ppf((rankdata(x)-0.5)/n).
func TestNormalScores(t *testing.T) {
	got := normalScores([]float64{10, 30, 20, 20})
	want := []float64{-1.15034938, 1.15034938, 0, 0}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-8 {
			t.Errorf("scores %v, want %v", got, want)
			break
		}
	}
}

// TestEffectiveSizes: white noise counts in full; two autoregressions of 0.9 count for
// n·(1-0.81)/(1+0.81), a tenth (Bartlett).
func TestEffectiveSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	const n = 4000
	units := make([][]float64, 4)
	for j := range units {
		x := make([]float64, n)
		for i := 1; i < n; i++ {
			x[i] = rng.NormFloat64()
			if j >= 2 {
				x[i] += 0.9 * x[i-1]
			}
		}
		units[j] = unit(x)
	}
	sizes := effectiveSizes(units, n)
	if white := sizes.At(0, 1); white < 0.9*n {
		t.Errorf("white noise counts for %v of %d", white, n)
	}
	if slow := sizes.At(2, 3); slow < 0.07*n || slow > 0.15*n {
		t.Errorf("two slow series count for %v of %d, want about %.0f", slow, n, 0.105*n)
	}
}

// TestDriftIsDifferenced: independent random walks correlate in their levels, not in their
// differences.
func TestDriftIsDifferenced(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	x := make([][]float64, 6)
	for j := range x {
		x[j] = make([]float64, 400)
		for i := 1; i < len(x[j]); i++ {
			x[j][i] = x[j][i-1] + rng.NormFloat64()
		}
	}
	net := Learn(x, SeriesOptions{Options: Options{Alpha: 0.001}})
	if !net.Differenced || len(net.Edges) != 0 {
		t.Errorf("differenced %v, edges %+v, want changes and no edges", net.Differenced, net.Edges)
	}
}

// TestLaggedLoopIsMarked: 0 and 1 drive each other one sample later, and are unrelated within
// a sample; 2 follows 0 only.
func TestLaggedLoopIsMarked(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	const n = 1000
	x := [][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := 1; i < n; i++ {
		x[0][i] = 0.5*x[1][i-1] + rng.NormFloat64()
		x[1][i] = 0.5*x[0][i-1] + rng.NormFloat64()
		x[2][i] = 0.5*x[0][i-1] + rng.NormFloat64()
	}
	net := Learn(x, SeriesOptions{Independent: true})
	if e, ok := net.Edge(0, 1); !ok || !e.Feedback || e.Directed || e.R < 0.3 {
		t.Errorf("edge of 0 and 1 is %+v (%v), want feedback without direction, of the lagged correlation", e, ok)
	}
	if e, ok := net.Edge(0, 2); ok && e.Feedback {
		t.Errorf("edge of 0 and 2 is %+v, want no feedback", e)
	}
}

// TestSinkSeparatesNothing: in 0 → 1 → 2, where 2 is nearly a copy of 1, conditioning on 2 would
// separate 0 and 1. Either its data or its tier identify 2 as an effect.
func TestSinkSeparatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const n = 300
	x := [][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := range n {
		x[0][i] = rng.NormFloat64()
		x[1][i] = x[0][i] + rng.NormFloat64()
		x[2][i] = 3*x[1][i] + 0.15*rng.NormFloat64()
	}
	for name, k := range map[string]Knowledge{
		"forbidden": {Forbidden: [][2]int{{2, 0}, {2, 1}}},
		"tiers":     {Tiers: []int{0, 0, 1}},
		"likely":    {Likely: [][2]int{{0, 1}, {1, 2}}},
	} {
		if _, ok := Learn(x, SeriesOptions{Options: Options{Knowledge: k, Parity: true}, Independent: true}).Edge(0, 1); ok {
			t.Errorf("%s: a link of 0 and 1 although 2 is held fixed", name)
		}
		net := Learn(x, SeriesOptions{Options: Options{Knowledge: k}, Independent: true})
		if _, ok := net.Edge(0, 1); !ok {
			t.Errorf("%s: no link of 0 and 1 in %+v", name, net.Edges)
		}
		if e, ok := net.Edge(1, 2); !ok || !e.Directed || e.To != 2 {
			t.Errorf("%s: link of 1 and 2 is %+v (%v), want 1 → 2", name, e, ok)
		}
	}
}

// TestFeedbackIsMarked: 0 and 1 drive each other one sample later; 2 only follows 0.
func TestFeedbackIsMarked(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 8))
	const n = 1000
	x := [][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
	for i := 1; i < n; i++ {
		shock := rng.NormFloat64()
		x[0][i] = 0.3*x[0][i-1] + 0.5*x[1][i-1] + rng.NormFloat64() + shock
		x[1][i] = 0.3*x[1][i-1] - 0.5*x[0][i-1] + rng.NormFloat64() + shock
		x[2][i] = 0.9*x[0][i] + rng.NormFloat64()
	}
	net := Learn(x, SeriesOptions{Independent: true})
	if e, ok := net.Edge(0, 1); !ok || !e.Feedback || e.Directed {
		t.Errorf("edge of 0 and 1 is %+v (%v), want feedback without direction", e, ok)
	}
	if e, ok := net.Edge(0, 2); !ok || e.Feedback {
		t.Errorf("edge of 0 and 2 is %+v (%v), want one without feedback", e, ok)
	}
}

// TestTrueGraphs measures how close the graphs are to the models that generated the data, by
// size of the model, and compares with causal-learn on the same data: the wrong adjacencies
// must not be more.
func TestTrueGraphs(t *testing.T) {
	type errors struct{ missing, extra, reversed int }
	count := func(m marks, names []string, truth [][2]string) (e errors) {
		dag := (edges{Directed: truth}).marks(names)
		for i := range m.adj {
			for j := range i {
				switch {
				case dag.adj[i][j] && !m.adj[i][j]:
					e.missing++
				case !dag.adj[i][j] && m.adj[i][j]:
					e.extra++
				case m.arrow[i][j] && dag.arrow[j][i], m.arrow[j][i] && dag.arrow[i][j]:
					e.reversed++
				}
			}
		}
		return e
	}
	type pair struct{ ours, theirs errors }
	bySize := map[int]*pair{}
	add := func(a *errors, b errors) { a.missing += b.missing; a.extra += b.extra; a.reversed += b.reversed }
	for _, c := range readGolden[pcCase](t, "pc_golden.json") {
		p := bySize[len(c.Names)]
		if p == nil {
			p = &pair{}
			bySize[len(c.Names)] = p
		}
		add(&p.ours, count(PC(c.sample(), Options{Alpha: c.Alpha, MaxK: 4}).marks(), c.Names, c.True))
		add(&p.theirs, count(c.Expect.marks(c.Names), c.Names, c.True))
	}
	for size := range 21 {
		p := bySize[size]
		if p == nil {
			continue
		}
		t.Logf("%2d nodes: missing, extra, reversed %v, causal-learn %v", size, p.ours, p.theirs)
		if p.ours.missing != p.theirs.missing || p.ours.extra != p.theirs.extra || p.ours.reversed > p.theirs.reversed+3 {
			t.Errorf("%d nodes: %+v, causal-learn %+v", size, p.ours, p.theirs)
		}
	}
}
