// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

func TestLasting(t *testing.T) {
	for _, c := range []struct {
		a    []float64
		want float64
	}{
		{[]float64{7}, 7},
		{[]float64{0, 100, 0, 0}, 0}, // a single sample
		{[]float64{0, 100, 90, 0}, 90},
		{[]float64{0, -100, 90, 0}, 90}, // either direction
		{[]float64{5, 5, 5}, 5},
	} {
		if got := lasting(c.a, 0); got != c.want {
			t.Errorf("lasting %v is %v, want %v", c.a, got, c.want)
		}
	}
}

func TestCorrelation(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5}
	for _, c := range []struct {
		y    []float64
		want float64
	}{
		{[]float64{2, 4, 6, 8, 10}, 1},
		{[]float64{5, 4, 3, 2, 1}, -1},
		{[]float64{3, 3, 3, 3, 3}, 0},
		{[]float64{1, 3, 2, 5, 4}, 0.8},
	} {
		if got := correlation(x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("correlation with %v is %v, want %v", c.y, got, c.want)
		}
	}
}

func TestHalves(t *testing.T) {
	if got := halves([]float64{1, 4, 2}); got != 4+1+0.25 {
		t.Errorf("halves of 1, 4, 2 are %v, want 5.25", got)
	}
	many := slices.Repeat([]float64{3}, 5000)
	if got := halves(many); got > 6 || got < 5.999 {
		t.Errorf("5000 times 3 is %v, want just below twice 3", got)
	}
}

func TestMissingSamplesAreFilledWithTheMedian(t *testing.T) {
	tab := &table{rows: 7, onset: 5, core: 4}
	s := tab.column(Series{Values: []float64{1, math.NaN(), 3, 5, math.Inf(1), 100, math.NaN()}}, 0, nil)
	var buf []float64
	s.standardise(4, 5, &buf)
	if want := []float64{1, 3, 3, 5, 3, 100, 3}; !slices.Equal(s.x, want) {
		t.Errorf("filled %v, want %v", s.x, want)
	}
	if want := []bool{false, true, false, false, true, false, true}; !slices.Equal(s.gap, want) {
		t.Errorf("gaps %v, want %v", s.gap, want)
	}
	if got := s.lasting(window{from: 3, to: 6}, 0, &buf); got != s.z[3] {
		t.Errorf("lasting %v over a gap, want %v, which the samples on both sides reach", got, s.z[3])
	}
}

func TestRatiosNearTheirBoundAreFlipped(t *testing.T) {
	for name, c := range map[string]struct {
		x     []float64
		want  float64 // of the first value
		floor float64
	}{
		"share":   {[]float64{1, 0.99, 0.95, 1}, 0, 0.002},
		"percent": {[]float64{100, 99, 95, 100}, 0, 0.2},
		"errors":  {[]float64{0.01, 0.02, 0.01, 0}, 0.01, 0},
		"count":   {[]float64{120, 99, 95, 100}, 120, 0},
	} {
		s := series{x: c.x, kind: Error}
		if floor := s.flip(3); floor != c.floor || s.x[0] != c.want {
			t.Errorf("%s: first %v, floor %v, want %v and %v", name, s.x[0], floor, c.want, c.floor)
		}
	}
}

// TestWalkBack dates the onset by one series with scale 1.
func TestWalkBack(t *testing.T) {
	const rows, alert, core = 60, 50, 40
	for name, c := range map[string]struct {
		high []int // rows before the alert that are high
		want int
	}{
		"on time":           {nil, 50},
		"three late":        {[]int{47, 48, 49}, 47},
		"one calm sample":   {[]int{46, 48, 49}, 46},
		"two calm samples":  {[]int{45, 48, 49}, 48},
		"drift":             {[]int{40, 41, 42, 43, 44, 45, 46, 47, 48, 49}, 50},
		"not before guard":  {[]int{39, 48, 49}, 48},
		"earlier and apart": {[]int{41, 42}, 50},
	} {
		z := make([]float64, rows)
		for i := range z {
			z[i] = 0.1 * float64(i%3)
		}
		for _, i := range slices.Concat(c.high, []int{50, 51, 52, 53, 54, 55, 56, 57, 58, 59}) {
			z[i] = 8
		}
		tab := &table{rows: rows, onset: alert, core: core, cand: []series{{z: z}}}
		if got := walkBack(tab); got != c.want {
			t.Errorf("%s: onset %d, want %d", name, got, c.want)
		}
	}
}

// TestDeviationNeedsBothBaselines: a drift deviates from the long baseline only, the return
// from a spike from the near one only.
func TestDeviationNeedsBothBaselines(t *testing.T) {
	w := window{near: 10, before: 20, from: 20, to: 25}
	level := func(before, near, after float64) *series {
		z := make([]float64, 25)
		for i := range z {
			z[i] = []float64{before, near, after}[min(i/10, 2)]
		}
		return &series{z: z}
	}
	var buf []float64
	for name, c := range map[string]struct {
		s          *series
		long, near float64
	}{
		"jump":   {level(0, 0, 9), 9, 9},
		"drift":  {level(0, 9, 9), 9, 0},
		"return": {level(0, 9, 0), 0, 9},
	} {
		if long, near := w.deviation(c.s, &buf); long != c.long || near != c.near {
			t.Errorf("%s: %v and %v, want %v and %v", name, long, near, c.long, c.near)
		}
	}
}

func TestQuietWindowsLieInTheCore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(4, 400).Draw(t, "rows")
		onset := rapid.IntRange(3, rows-1).Draw(t, "onset")
		tab := &table{rows: rows, onset: onset, core: coreRows(rows, onset, 0)}
		ws := quietWindows(tab, period{onset: onset})
		if len(ws) > 2*quietMax+2 {
			t.Fatalf("%d windows", len(ws))
		}
		for _, w := range ws {
			if w.near < 0 || w.near >= w.from || w.from >= w.to || w.to > tab.core {
				t.Fatalf("window %+v of a core of %d", w, tab.core)
			}
		}
	})
}

// The score of a series that never varied is limited by what n rows can show, and grows with
// them.
func TestScoreOfConstantSeriesIsBounded(t *testing.T) {
	still, measured := series{}, series{varies: true}
	rapid.Check(t, func(t *rapid.T) {
		show := func(z float64) Evidence {
			return Evidence{Residual: z, Quiet: 1, Link: 1, Plain: math.Log1p(z), x: math.Log1p(z)}
		}
		a := rapid.Float64Range(0, maxZ).Draw(t, "a")
		b := rapid.Float64Range(a, maxZ).Draw(t, "b")
		less, more := still.named(show(a), 300), still.named(show(b), 300)
		if most := 1.5*math.Log1p(100) + 1e-12; less > more+1e-12 || more > most {
			t.Fatalf("%v shows %v, %v shows %v", a, less, b, more)
		}
		if got := measured.named(show(b), 300); !alike(got, 1.5*math.Log1p(b)) {
			t.Fatalf("one with a scale shows %v", got)
		}
	})
}

// TestRidgeBothWays: both forms, candidates x candidates and rows x rows, give the coefficients
// of the normal equations.
func TestRidgeBothWays(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, shape := range [][2]int{{3, 40}, {40, 40}, {60, 20}} {
		p, n := shape[0], shape[1]
		c, y := mat.NewDense(p, n, nil), make([]float64, n)
		for i := range p {
			for j := range n {
				c.Set(i, j, rng.NormFloat64())
			}
		}
		for j := range y {
			y[j] = rng.NormFloat64()
		}
		b := mat.NewVecDense(p, ridge(c, y, 2))
		var left, right, cc mat.VecDense
		cc.MulVec(c.T(), b)
		left.MulVec(c, &cc)
		left.AddScaledVec(&left, 2, b)
		right.MulVec(c, mat.NewVecDense(n, y))
		for i := range p {
			if math.Abs(left.AtVec(i)-right.AtVec(i)) > 1e-9 {
				t.Fatalf("%d x %d: normal equation %d gives %v, want %v", p, n, i, left.AtVec(i), right.AtVec(i))
			}
		}
	}
}

// TestAttributionIsReplaceable: given shares replace those of the ridge by Column, and NaN
// counts as nothing.
func TestAttributionIsReplaceable(t *testing.T) {
	in := system(24, 200, 190, 4)
	var seen Regression
	r := Rank(in, Options{Attribution: func(g Regression) []float64 {
		seen = g
		share := make([]float64, len(g.X))
		share[4], share[5], share[6] = 3, math.NaN(), -1
		return share
	}})
	if len(seen.X) != 24 || len(seen.X[0]) != len(seen.Y) || seen.Onset != 190 || seen.Column[4] != 4 || seen.Move <= 0 {
		t.Errorf("regression of %d series, onset %d, move %v", len(seen.X), seen.Onset, seen.Move)
	}
	for _, c := range r.Causes {
		want := 0.0
		if c.Series == 4 {
			want = 1
		}
		if c.Share != want {
			t.Errorf("share of %d is %v, want %v", c.Series, c.Share, want)
		}
	}
}

// TestExplainAway: a caller that moves with a callee is discounted, also through services
// without series; a callee isn't discounted by its caller.
func TestExplainAway(t *testing.T) {
	in := Input{Onset: 100, KPI: Series{Kind: Latency}}
	rng := rand.New(rand.NewPCG(8, 8))
	in.Series = []Series{{Kind: Latency}, {Kind: Latency}, {Kind: Latency}}
	for i := range 110 {
		jump := 0.0
		if i >= 100 {
			jump = 40
		}
		in.KPI.Values = append(in.KPI.Values, 10+rng.NormFloat64()+jump)
		for j := range in.Series {
			in.Series[j].Values = append(in.Series[j].Values, 10+rng.NormFloat64()+jump)
		}
	}
	const caller, queue, callee, stranger = 0, 1, 2, 3
	in.Series[0].Service, in.Series[1].Service, in.Series[2].Service = caller, callee, stranger
	in.Calls = [][2]int{{caller, queue}, {queue, callee}}
	factors := map[int]Service{}
	for _, s := range Rank(in, Options{NoResidual: true}).Services {
		factors[s.Service] = s
	}
	if f := factors[caller]; f.Factor > 0.3 || f.By != callee {
		t.Errorf("caller keeps %v, explained by %d, want little, by %d", f.Factor, f.By, callee)
	}
	if factors[callee].Factor != 1 || factors[stranger].Factor != 1 {
		t.Errorf("callee keeps %v, stranger %v, want all", factors[callee].Factor, factors[stranger].Factor)
	}
	for _, s := range Rank(in, Options{NoResidual: true, NoExplainAway: true}).Services {
		if s.Factor != 1 {
			t.Errorf("service %d keeps %v without the call graph, want all", s.Service, s.Factor)
		}
	}
}

// TestResidualFindsTheSource: b follows a; both deviate, and only a deviates from what drives
// it.
func TestResidualFindsTheSource(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	in := Input{Onset: 200, KPI: Series{Kind: Latency}, Series: make([]Series, 3)}
	for i := range 210 {
		jump := 0.0
		if i >= 200 {
			jump = 12
		}
		load := rng.NormFloat64()
		a := load + 0.5*rng.NormFloat64() + jump
		for j, v := range []float64{a, a + 0.2*rng.NormFloat64(), load} {
			in.Series[j].Values = append(in.Series[j].Values, v)
			in.Series[j].Service = j
		}
		in.KPI.Values = append(in.KPI.Values, rng.NormFloat64())
	}
	by := map[int]Cause{}
	for _, c := range Rank(in, Options{}).Causes {
		by[c.Series] = c
	}
	if by[1].Residual > by[1].Dev/2 {
		t.Errorf("the follower keeps %v of %v, want less than half", by[1].Residual, by[1].Dev)
	}
	if by[0].Residual < by[0].Dev*0.5 {
		t.Errorf("the source keeps %v of %v", by[0].Residual, by[0].Dev)
	}
}

func TestResourceIsNamedFirstInsideItsService(t *testing.T) {
	tab := &table{cand: []series{{kind: Latency}, {kind: CPU, service: 0}, {kind: Latency, service: 1}}}
	ev := []Evidence{{Residual: 9, score: 4}, {Residual: 5, score: 2}, {Residual: 9, score: 3}}
	gs := []group{{service: 0, members: []int{0, 1}}, {service: 1, members: []int{2}}}
	if got := ordered(tab, gs, ev); !slices.Equal(got, []int{1, 2, 0}) {
		t.Errorf("order %v, want 1 2 0: the places of the services stay", got)
	}
	ev[1].Residual = 3 // hardly deviates from its baseline
	if got := ordered(tab, gs, ev); !slices.Equal(got, []int{0, 2, 1}) {
		t.Errorf("order %v, want 0 2 1", got)
	}
}

func TestKinds(t *testing.T) {
	for k := Unknown; k <= Other; k++ {
		if got, err := ParseKind(k.String()); err != nil || got != k {
			t.Errorf("ParseKind(%q) is %v, %v", k.String(), got, err)
		}
	}
	if _, err := ParseKind("speed"); err == nil {
		t.Error("no error for a kind that doesn't exist")
	}
	if k, err := ParseKind(" Memory "); k != Memory || err != nil {
		t.Errorf("Memory is %v, %v", k, err)
	}
	if got := Metric(99).String(); got != "Kind(99)" {
		t.Errorf("unknown kind is %q", got)
	}
}

func TestDetectKind(t *testing.T) {
	for name, want := range map[string]Metric{
		"container_cpu_usage_seconds_total":                         CPU,
		"rate(container_cpu_cfs_throttled_periods_total[5m])":       CPU,
		"container_memory_working_set_bytes":                        Memory,
		"go_memstats_heap_inuse_bytes":                              Memory,
		"container_network_receive_bytes_total":                     Network,
		"node_netstat_Tcp_CurrEstab":                                Network,
		"container_fs_writes_bytes_total":                           IO,
		"node_disk_io_time_seconds_total":                           IO,
		"http_request_duration_seconds_bucket":                      Latency,
		"histogram_quantile(0.99, sum(rate(x_seconds_bucket[5m])))": Latency,
		"latencyP90": Latency,
		"sum(rate(http_requests_total{code=~\"5..\"}[2m]))": Error,
		"http_request_errors_total":                         Error,
		"ErrorRate":                                         Error,
		"http_requests_total":                               Traffic,
		"qps":                                               Traffic,
		"build_info":                                        Unknown,
		"":                                                  Unknown,
	} {
		if got := DetectKind(name); got != want {
			t.Errorf("DetectKind(%q) is %v, want %v", name, got, want)
		}
	}
}
