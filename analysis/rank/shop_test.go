// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The shop has eight services with CPU, memory and requests each. Its KPI slows down from row
// 150 on; each test adds more.
const (
	shopRows, shopOnset = 160, 150
	shopServices        = 8
)

// shop makes the incident. happens returns the summand or factor of a series at a row: 0 and 1
// leave it unchanged.
func shop(seed uint64, happens func(service int, kind Metric, row int) float64) Input {
	rng := rand.New(rand.NewPCG(seed, 21))
	in := Input{Onset: shopOnset, KPI: Series{Kind: Latency, Values: make([]float64, shopRows)}}
	for row := range shopRows {
		in.KPI.Values[row] = 100 + 4*rng.NormFloat64()
		if row >= shopOnset {
			in.KPI.Values[row] += 120
		}
	}
	for service := range shopServices {
		for k, kind := range []Metric{CPU, Memory, Traffic} {
			s := Series{Service: service, Kind: kind, Metric: k + 1, Values: make([]float64, shopRows)}
			level := []float64{0.2, 4e8, 50}[k] * (1 + 0.2*float64(service%4))
			for row := range s.Values {
				s.Values[row] = level * (1 + 0.03*rng.NormFloat64()) * happens(service, kind, row)
			}
			in.Series = append(in.Series, s)
		}
	}
	return in
}

// guilty is a fault: the CPU of one service triples from a row on.
func guilty(service, since int) func(int, Metric, int) float64 {
	return func(s int, kind Metric, row int) float64 {
		if s == service && kind == CPU && row >= since {
			return 3
		}
		return 1
	}
}

func first(t *testing.T, r Result) Service {
	t.Helper()
	clean(t, r)
	return r.Services[0]
}

func TestServiceThatStandsOutIsConfident(t *testing.T) {
	for seed := range uint64(10) {
		s := first(t, Rank(shop(seed, guilty(5, shopOnset)), Options{}))
		if s.Service != 5 || s.Confidence != High || s.Margin < marginHigh {
			t.Errorf("seed %d: %+v, want service 5 with high confidence", seed, s)
		}
		in := shop(seed, func(int, Metric, int) float64 { return 1 })
		if r := Rank(in, Options{}); r.Confidence() != Low || r.Loud() {
			t.Errorf("seed %d: nothing moved, and service %d is %v", seed, r.Services[0].Service, r.Confidence())
		}
	}
}

// A short baseline, a few times the incident, doesn't suppress a clear answer.
func TestShortBaselineNeedsServiceThatStandsOut(t *testing.T) {
	for _, calm := range []int{20, 40, 60} {
		in := cutBefore(shop(3, guilty(5, shopOnset)), shopOnset-calm)
		r := Rank(in, Options{})
		if s := first(t, r); s.Service != 5 || s.Confidence == Low || !warned(r, "a cause must stand out alone") {
			t.Errorf("%d quiet samples: %+v %q", calm, s, r.Warnings)
		}
	}
}

func cutBefore(in Input, row int) Input {
	in.KPI.Values, in.Onset = in.KPI.Values[row:], in.Onset-row
	for j := range in.Series {
		in.Series[j].Values = in.Series[j].Values[row:]
	}
	return in
}

// Two equal causes are both named, with less confidence; of three equal ones none is.
func TestHowManyCausesThereMayBe(t *testing.T) {
	for n, want := range map[int]Confidence{1: High, 2: Medium, 3: Low} {
		in := shop(4, func(s int, kind Metric, row int) float64 {
			if s < n && kind == CPU && row >= shopOnset {
				return 3
			}
			return 1
		})
		r := Rank(in, Options{})
		for i := range min(n, 2) {
			if got := r.Services[i].Confidence; got != want {
				t.Errorf("%d causes: place %d is %v, want %v", n, i+1, got, want)
			}
		}
		if why, other := r.Unclear(); n == 3 && (why != TooClose || other != r.Services[1].Service) {
			t.Errorf("three causes are unclear by %v, %d", why, other)
		}
	}
}

// A series that moves after the KPI is a victim, however far it moves.
func TestLaterMoveFollows(t *testing.T) {
	in := shop(5, func(s int, kind Metric, row int) float64 {
		switch {
		case s == 7 && kind == CPU && row >= shopOnset+5:
			return 40
		case s == 2 && kind == CPU && row >= shopOnset:
			return 3
		}
		return 1
	})
	r := Rank(in, Options{})
	if s := first(t, r); s.Service != 2 || s.Follows || s.Confidence == Low {
		t.Errorf("first is %+v, want 2, which moved with the KPI", s)
	}
	for _, s := range r.Services {
		if s.Service == 7 && (!s.Follows || s.Confidence != Low) {
			t.Errorf("the victim is %+v", s)
		}
	}
	alone := shop(5, guilty(7, shopOnset+5))
	if r := Rank(alone, Options{}); r.Confidence() != Low {
		t.Errorf("what moved five rows after the KPI is %v", r.Confidence())
	} else if why, _ := r.Unclear(); why != Follows {
		t.Errorf("it is unclear by %v, want because it follows", why)
	}
}

// Load is no cause; a service that exceeds the load is.
func TestCommonLoad(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	load := make([]float64, shopRows)
	for row := range load {
		load[row] = 1 + 0.1*rng.NormFloat64()
		if row >= shopOnset {
			load[row] *= 2
		}
	}
	for _, c := range []struct{ guilty, want int }{{-1, -1}, {6, 6}} {
		in := shop(6, func(s int, kind Metric, row int) float64 {
			f := load[row]
			if kind == Memory {
				f = 1
			}
			if s == c.guilty && kind == CPU && row >= shopOnset {
				f *= 6
			}
			return f
		})
		in.Series[2].Values = make([]float64, shopRows)
		for row := range load { // the requests of service 0 are exactly the load
			in.Series[2].Values[row] = 1000 * load[row]
		}
		r := Rank(in, Options{})
		if s := first(t, r); c.want >= 0 && s.Service != c.want {
			t.Errorf("beyond the load %+v is first, want %d", s, c.want)
		}
		if r.Load == nil || r.Load.Demand != 2 || math.Abs(r.Load.Factor-2) > 0.1 || slices.Contains(r.Load.Series, 1) {
			t.Errorf("load %+v, want twice as much, carried by series 2 and not by the memory of series 1", r.Load)
		}
	}
	if r := Rank(shop(6, guilty(5, shopOnset)), Options{}); r.Load != nil {
		t.Errorf("one service alone is a load: %+v", r.Load)
	}
}

// A rise on all edges of one caller is the caller's.
func TestFanOut(t *testing.T) {
	const caller = 6
	for broken, want := range map[int]int{1: 0, 4: caller} {
		in := shop(7, func(int, Metric, int) float64 { return 1 })
		rng := rand.New(rand.NewPCG(2, 2))
		for callee := range 4 {
			s := Series{Service: callee, Kind: Latency, Metric: 9, Values: make([]float64, shopRows)}
			for row := range s.Values {
				s.Values[row] = 10 + 0.3*rng.NormFloat64()
				if callee < broken && row >= shopOnset {
					s.Values[row] += 20
				}
			}
			in.Edges = append(in.Edges, [2]int{len(in.Series), caller})
			in.Series = append(in.Series, s)
		}
		if s := first(t, Rank(in, Options{})); s.Service != want {
			t.Errorf("%d of 4 edges rise: first is %+v, want %d", broken, s, want)
		}
	}
}

// A callee explains only the symptoms of its caller: not its CPU.
func TestAResourceIsNotExplainedAway(t *testing.T) {
	for _, kind := range []Metric{CPU, Latency} {
		in := shop(8, func(s int, k Metric, row int) float64 {
			if s < 2 && k == CPU && row >= shopOnset {
				return 4
			}
			return 1
		})
		in.Series[0].Kind, in.KPI.Kind = kind, Latency
		in.Calls = [][2]int{{0, 1}}
		for _, s := range Rank(in, Options{}).Services {
			if explained := s.By == 1; s.Service == 0 && explained != (kind == Latency) {
				t.Errorf("the caller's %v is explained: %v", kind, explained)
			}
		}
	}
}

// Growing from one page of memory to ten means nothing among peers with gigabytes, however
// constant it was.
func TestPeersScaleAMove(t *testing.T) {
	in := shop(9, guilty(5, shopOnset))
	idle := &in.Series[3*7+1] // memory of service 7
	for row := range idle.Values {
		if idle.Values[row] = 150; row >= shopOnset {
			idle.Values[row] = 15000
		}
	}
	if s := first(t, Rank(in, Options{})); s.Service != 5 || s.Confidence == Low {
		t.Errorf("first is %+v, want 5", s)
	}
}

// A series that was always zero is evidence, more so the longer it was, and in any unit.
func TestZeroBeforeIsEvidence(t *testing.T) {
	answer := func(after float64, calm int) Service {
		in := shop(10, func(int, Metric, int) float64 { return 1 })
		s := Series{Service: 77, Kind: Unknown, Values: make([]float64, shopRows)}
		for row := shopOnset; row < shopRows; row++ {
			s.Values[row] = after * (1 + 0.1*float64(row%3))
		}
		in.Series = append(in.Series, s)
		return first(t, Rank(cutBefore(in, shopOnset-calm), Options{}))
	}
	want := answer(1, shopOnset)
	if want.Service != 77 || want.Confidence == Low {
		t.Fatalf("first is %+v, want what was 0 for %d rows", want, shopOnset)
	}
	for _, after := range []float64{1e-9, 0.1, 3, 45, 1e12} {
		if got := answer(after, shopOnset); got.Service != 77 || got.Confidence != want.Confidence || !alike(got.Lift, want.Lift) {
			t.Errorf("0 to %v is %+v, 0 to 1 is %+v", after, got, want)
		}
	}
	if short := answer(1, 60); short.Lift >= want.Lift {
		t.Errorf("lift %v after 60 rows of 0, %v after %d", short.Lift, want.Lift, shopOnset)
	}
}

// drawShop draws a shop with a fault.
func drawShop(t *rapid.T) (Input, int) {
	service := rapid.IntRange(0, shopServices-1).Draw(t, "service")
	since := shopOnset - rapid.IntRange(0, 2).Draw(t, "ahead")
	return shop(rapid.Uint64().Draw(t, "seed"), guilty(service, since)), service
}

// same fails if two results differ in their services, numbered by the codes of the first.
func same(t *rapid.T, what string, want, got Result, code func(int) int) {
	for i, w := range want.Services {
		g := got.Services[i]
		if math.Abs(g.Score-w.Score) > 1e-6 || math.Abs(g.Lift-w.Lift) > 1e-6 && g.Service == code(w.Service) {
			t.Fatalf("%s: place %d is %+v, it was %+v", what, i+1, g, w)
		}
		alone := (i == 0 || want.Services[i-1].Score-w.Score > 1e-6) && (i+1 == len(want.Services) || w.Score-want.Services[i+1].Score > 1e-6)
		if alone && (g.Service != code(w.Service) || g.Confidence != w.Confidence || g.Follows != w.Follows) { // equals may change places
			t.Fatalf("%s: place %d is %+v, it was %+v", what, i+1, g, w)
		}
	}
	for i, w := range want.Causes { // the series must match, too; a constant one has no score
		if math.Abs(got.Causes[i].Score-w.Score) > 1e-6 {
			t.Fatalf("%s: series at place %d has a score of %v, it had %v", what, i+1, got.Causes[i].Score, w.Score)
		}
	}
}

// listed lists the named services with their confidence.
func listed(r Result) []string {
	var all []string
	for _, s := range r.Services {
		if s.Confidence != Low {
			all = append(all, fmt.Sprint(s.Service, " ", s.Confidence))
		}
	}
	return all
}

func itself(code int) int { return code }

// Changing the unit of all series of a metric doesn't change the answer.
func TestTheUnitOfAMetricDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := drawShop(t)
		want := Rank(in, Options{})
		metric := rapid.IntRange(1, 3).Draw(t, "metric")
		factor := rapid.Float64Range(1e-6, 1e6).Draw(t, "factor")
		for j := range in.Series {
			for i := range in.Series[j].Values {
				if in.Series[j].Metric == metric {
					in.Series[j].Values[i] *= factor
				}
			}
		}
		same(t, "in another unit", want, Rank(in, Options{}), itself)
	})
}

// Adding constant series of a separate metric changes nothing.
func TestConstantSeriesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := drawShop(t)
		want := Rank(in, Options{})
		level := rapid.Float64Range(0, 1e9).Draw(t, "level")
		more := Series{Service: rapid.IntRange(0, shopServices-1).Draw(t, "at"), Values: slices.Repeat([]float64{level}, shopRows)}
		in.Series = append(in.Series, slices.Repeat([]Series{more}, rapid.IntRange(1, 40).Draw(t, "how many"))...)
		same(t, "beside constant series", want, Rank(in, Options{}), itself)
	})
}

// Renaming services and reordering series doesn't change the answer.
func TestNamesAndOrderDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := drawShop(t)
		want := Rank(in, Options{})
		turn := func(code int) int { return 500 - 3*code }
		renamed := in
		renamed.Series = slices.Clone(in.Series)
		for j := range renamed.Series {
			renamed.Series[j].Service = turn(in.Series[j].Service)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		rng.Shuffle(len(renamed.Series), func(i, j int) {
			renamed.Series[i], renamed.Series[j] = renamed.Series[j], renamed.Series[i]
		})
		same(t, "renamed and shuffled", want, Rank(renamed, Options{}), turn)
	})
}

// An earlier incident isn't quiet time: if the same one repeats, its cause and confidence are
// the same.
func TestAnEarlierIncidentIsNoBaseline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, service := drawShop(t)
		want := Rank(in, Options{})
		from := rapid.IntRange(20, 100).Draw(t, "from")
		rows := rapid.IntRange(3, 10).Draw(t, "rows")
		copy(in.KPI.Values[from:from+rows], in.KPI.Values[shopOnset:])
		for j := range in.Series {
			copy(in.Series[j].Values[from:from+rows], in.Series[j].Values[shopOnset:])
		}
		got := Rank(in, Options{})
		if got.Services[0].Service != service || !slices.Equal(listed(got), listed(want)) {
			t.Fatalf("the second time %v are told, first %+v; %v the first time, first %+v", listed(got), got.Services[0], listed(want), want.Services[0])
		}
	})
}

// Missing samples may lower confidence, but name nobody else.
func TestMissingSamplesNameNobodyElse(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, share := range []float64{0.1, 0.3, 0.5} {
		in := shop(11, guilty(5, shopOnset))
		for j := range in.Series {
			for i := range in.Series[j].Values {
				if rng.Float64() < share {
					in.Series[j].Values[i] = math.NaN()
				}
			}
		}
		if s := first(t, Rank(in, Options{})); s.Service != 5 || s.Confidence == Low {
			t.Errorf("with %.0f %% missing: %+v, want 5", 100*share, s)
		}
	}
}
