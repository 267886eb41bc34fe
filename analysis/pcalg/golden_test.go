// SPDX-License-Identifier: Apache-2.0

package pcalg

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// edges is a graph of the golden files as pairs of names.
type edges struct {
	Directed   [][2]string `json:"directed"`
	Undirected [][2]string `json:"undirected"`
}

type pcCase struct {
	ID     string      `json:"id"`
	N      float64     `json:"n"`
	Alpha  float64     `json:"alpha"`
	Names  []string    `json:"names"`
	Corr   [][]float64 `json:"corr"`
	Rows   [][]float64 `json:"rows"`
	True   [][2]string `json:"true_dag"`
	Expect edges       `json:"expect"`
	Exact  bool        `json:"our_ref_ok"`
}

func readGolden[T any](t testing.TB, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// sample returns the correlations of a case, which are given or computed from rows.
func (c pcCase) sample() Sample {
	if c.Rows == nil {
		r := mat.NewSymDense(len(c.Corr), nil)
		for i, row := range c.Corr {
			for j := i; j < len(row); j++ {
				r.SetSym(i, j, row[j])
			}
		}
		return Sample{R: r, N: c.N}
	}
	x := mat.NewDense(len(c.Rows), len(c.Names), slices.Concat(c.Rows...))
	var r mat.SymDense
	stat.CorrelationMatrix(&r, x, nil)
	return Sample{R: &r, N: float64(len(c.Rows))}
}

// marks are the adjacencies and arrow heads of a graph; an undirected edge has no arrow head.
type marks struct{ adj, arrow [][]bool }

func (e edges) marks(names []string) marks {
	m := marks{square(len(names)), square(len(names))}
	at := func(name string) int { return slices.Index(names, name) }
	for _, d := range e.Directed {
		m.arrow[at(d[0])][at(d[1])] = true
	}
	for _, u := range slices.Concat(e.Directed, e.Undirected) {
		m.adj[at(u[0])][at(u[1])], m.adj[at(u[1])][at(u[0])] = true, true
	}
	return m
}

func (g *Graph) marks() marks {
	m := marks{square(g.P), square(g.P)}
	for _, e := range g.Edges {
		m.adj[e.From][e.To], m.adj[e.To][e.From] = true, true
		m.arrow[e.From][e.To] = e.Directed
	}
	return m
}

// differences counts the pairs whose adjacency differs, and those whose adjacency or direction
// differs (the structural Hamming distance).
func (m marks) differences(o marks) (skeleton, shd int) {
	for i := range m.adj {
		for j := range i {
			if m.adj[i][j] != o.adj[i][j] {
				skeleton++
			}
			if m.adj[i][j] != o.adj[i][j] || m.arrow[i][j] != o.arrow[i][j] || m.arrow[j][i] != o.arrow[j][i] {
				shd++
			}
		}
	}
	return skeleton, shd
}

func (m marks) cyclic() bool {
	g := &pdag{adj: m.adj, arrow: m.arrow}
	for i := range m.arrow {
		for j, ok := range m.arrow[i] {
			if ok && g.reaches(j, i) {
				return true
			}
		}
	}
	return false
}

// TestPCGolden compares with causal-learn (commit e30895b; pc with alpha,
// fisherz, stable, uc_rule 0, uc_priority 2) and, for the analytic cases, with
// the graph by definition. In parity two cases, in which colliders contradict
// each other and the order of the sweeps decides, may differ by three marks.
// Without parity no graph has a cycle, where three of causal-learn's have one.
func TestPCGolden(t *testing.T) {
	var exact [2]int
	cases := readGolden[pcCase](t, "pc_golden.json")
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			want := c.Expect.marks(c.Names)
			for i, parity := range []bool{true, false} {
				got := PC(c.sample(), Options{Alpha: c.Alpha, MaxK: 4, Parity: parity}).marks()
				skeleton, shd := got.differences(want)
				if skeleton != 0 {
					t.Errorf("parity %v: %d adjacencies differ", parity, skeleton)
				}
				if shd == 0 {
					exact[i]++
				}
				allowed := 0
				if !c.Exact {
					allowed = 3
				}
				if parity && shd > allowed {
					t.Errorf("parity: %d marks differ, want at most %d", shd, allowed)
				}
				if !parity && shd > 4 {
					t.Errorf("%d marks differ, want at most 4", shd)
				}
				if !parity && got.cyclic() {
					t.Error("directed cycle")
				}
			}
		})
	}
	if len(cases) != 86 || exact != [2]int{84, 83} {
		t.Errorf("%d cases, exactly equal %d in parity and %d without, want 86, 84 and 83", len(cases), exact[0], exact[1])
	}
}

// TestMeekGolden checks the rules against Meek (1995): one case for each rule, two in which an
// incomplete rule would fire, the guard and a cascade.
func TestMeekGolden(t *testing.T) {
	for _, c := range readGolden[struct {
		ID            string
		Names         []string
		Given, Expect edges
	}](t, "meek_golden.json") {
		t.Run(c.ID, func(t *testing.T) {
			given := c.Given.marks(c.Names)
			g := newPDAG(given.adj)
			g.arrow = given.arrow
			g.meek()
			if _, shd := (marks{g.adj, g.arrow}).differences(c.Expect.marks(c.Names)); shd != 0 {
				t.Errorf("%d marks differ: arrows %v, want %v", shd, g.arrow, c.Expect.Directed)
			}
		})
	}
}

// TestFisherZGolden compares with scipy.
func TestFisherZGolden(t *testing.T) {
	for _, c := range readGolden[struct {
		R, N, P float64
		K       int
		Z       *float64
	}](t, "fisherz_golden.json") {
		t.Run(fmt.Sprintf("r=%v,n=%v,k=%d", c.R, c.N, c.K), func(t *testing.T) {
			z, p := FisherZ(c.R, c.N, c.K)
			want := 0.0 // null: the test isn't possible
			if c.Z != nil {
				want = *c.Z
			}
			if math.Abs(z-want) > 1e-9 || math.Abs(p-c.P) > 1e-9 {
				t.Errorf("z %v p %v, want %v %v", z, p, want, c.P)
			}
		})
	}
}
