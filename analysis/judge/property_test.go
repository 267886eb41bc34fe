// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// sample is a table with every combination of the values of some labels, 2 % of
// noise, and up to two sets that moved.
type sample struct {
	codes  [][]int32
	cards  []int
	f, a   []float64
	counts bool
}

func draw(seed uint64) sample {
	rng := rand.New(rand.NewPCG(seed, 3))
	s := sample{counts: seed%3 == 0}
	leaves := 1
	for leaves < 4 || len(s.cards) < 1+int(seed%3) && leaves < 16 {
		s.cards = append(s.cards, 2+rng.IntN(3))
		leaves *= s.cards[len(s.cards)-1]
	}
	s.codes = make([][]int32, len(s.cards))
	moved, by := rng.IntN(len(s.cards)), []float64{.3, .7, 1.5, 4}[rng.IntN(4)]
	for i := range leaves {
		k := i
		for d := len(s.cards) - 1; d >= 0; d-- {
			s.codes[d] = append(s.codes[d], int32(k%s.cards[d]))
			k /= s.cards[d]
		}
		f := math.Round(20 + 500*rng.ExpFloat64())
		a := f * (1 + .02*rng.NormFloat64())
		if s.codes[moved][i] == 1 {
			a *= by
		}
		if s.counts {
			a = math.Round(a)
		}
		s.f, s.a = append(s.f, f), append(s.a, a)
	}
	return s
}

func (s sample) model(t testing.TB) Model {
	t.Helper()
	table, err := New(s.codes, s.cards, s.f, s.a, Options{Count: s.counts})
	if err != nil {
		t.Fatal(err)
	}
	return table.Judge(table.Search(1e-9))
}

// said are the leaves of the sets and what is said of them, by leaf.
func said(m Model, leaves int, place func(int32) int32) [][]float64 {
	out := make([][]float64, leaves)
	for _, s := range m.Sets {
		for _, i := range s.Leaves {
			out[place(i)] = append(out[place(i)], s.Ratio, s.Gain, s.Gap, s.R2, s.Bar)
		}
	}
	for _, i := range m.Rest {
		out[place(i)] = append(out[place(i)], m.Background)
	}
	return out
}

func sameWords(t *testing.T, what string, seed uint64, a, b [][]float64) {
	t.Helper()
	for i := range a {
		if !slices.EqualFunc(a[i], b[i], func(x, y float64) bool { return math.Abs(x-y) <= 1e-6*(1+math.Abs(x)) }) {
			t.Errorf("seed %d, %s: leaf %d: %v, was %v", seed, what, i, b[i], a[i])
			return
		}
	}
}

func itself(i int32) int32 { return i }

func TestInvariances(t *testing.T) {
	for seed := range uint64(60) {
		s := draw(seed)
		n := len(s.f)
		want := said(s.model(t), n, itself)
		if !s.counts { // a scale of counts is more or less noise
			other := s
			other.f, other.a = times(s.f, 1e-6), times(s.a, 1e-6)
			sameWords(t, "in other units", seed, want, said(other.model(t), n, itself))
		}
		order := rand.New(rand.NewPCG(seed, 4)).Perm(n)
		rows := make([]int32, n)
		for k, i := range order {
			rows[k] = int32(i)
		}
		shuffled := sample{cards: s.cards, f: gather(s.f, rows), a: gather(s.a, rows), counts: s.counts}
		renamed := sample{cards: s.cards, f: s.f, a: s.a, counts: s.counts}
		for d := range s.codes {
			shuffled.codes = append(shuffled.codes, gather(s.codes[d], rows))
			other := make([]int32, n)
			for i, c := range s.codes[d] {
				other[i] = int32(s.cards[d]) - 1 - c
			}
			renamed.codes = append(renamed.codes, other)
		}
		sameWords(t, "in another order", seed, want, said(shuffled.model(t), n, func(i int32) int32 { return rows[i] }))
		sameWords(t, "under other names", seed, want, said(renamed.model(t), n, itself))
		twice := s
		twice.codes, twice.cards = append(slices.Clone(s.codes), s.codes[0]), append(slices.Clone(s.cards), s.cards[0])
		sameWords(t, "with a label twice", seed, want, said(twice.model(t), n, itself))
		padded := s.padded()
		sameWords(t, "with empty leaves", seed, want, said(padded.model(t), n, itself))
	}
}

func times(x []float64, by float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[i] * by
	}
	return y
}

// padded has a leaf of nothing behind the others.
func (s sample) padded() sample {
	p := sample{cards: s.cards, f: append(slices.Clone(s.f), 0), a: append(slices.Clone(s.a), 0), counts: s.counts}
	for d := range s.codes {
		p.codes = append(p.codes, append(slices.Clone(s.codes[d]), 0))
	}
	return p
}

func TestWhatMovedIsFound(t *testing.T) {
	for seed := range uint64(60) {
		s := draw(seed)
		m := s.model(t)
		for i := range s.f {
			if r := s.a[i] / s.f[i]; math.Abs(math.Log(r)) > .25 && slices.Contains(m.Rest, int32(i)) && math.Abs(m.Background-r) > .25*r {
				t.Errorf("seed %d: leaf %d moved ×%.2g and belongs to the rest, which moved ×%.2g", seed, i, r, m.Background)
			}
		}
	}
}

// Alike is a statement about the rest: the same large value, with and without
// the others.
func TestAlikeIsSeenInTheRest(t *testing.T) {
	codes := [][]int32{{0, 1, 2, 3}}
	f := []float64{9700, 120, 100, 80}
	for _, c := range []struct {
		a     []float64
		alike bool
		sets  int
	}{
		{[]float64{29100, 362, 299, 241}, true, 0},
		{[]float64{29100, 121, 99, 80}, false, 1},
		{[]float64{0, 121, 99, 80}, false, 1},
		{[]float64{9750, 121, 99, 80}, false, 0},
	} {
		table, err := New(codes, []int{4}, f, c.a, Options{})
		if err != nil {
			t.Fatal(err)
		}
		m := table.Judge(table.Search(50))
		if m.Alike != c.alike || len(m.Sets) != c.sets {
			t.Errorf("%v: alike %v with %d sets, want %v and %d: %+v", c.a, m.Alike, len(m.Sets), c.alike, c.sets, m)
		}
	}
}

func TestValuesThatCannotBeJudged(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e200} {
		for side := range 2 {
			x := [2][]float64{{1, 2}, {3, 4}}
			x[side][1] = bad
			_, err := New([][]int32{{0, 1}}, []int{2}, x[0], x[1], Options{})
			var value *ValueError
			if !errors.As(err, &value) || value.Leaf != 1 {
				t.Errorf("%v: error %v", bad, err)
			}
		}
	}
	if _, err := New([][]int32{{0, 1}}, []int{2}, []float64{1, -1e-12}, []float64{3, 0}, Options{}); err != nil {
		t.Errorf("rounding below zero: %v", err)
	}
}

func TestNothingToJudge(t *testing.T) {
	for _, s := range []sample{{}, {codes: [][]int32{{}}, cards: []int{0}}, {codes: [][]int32{{0}}, cards: []int{1}, f: []float64{1}, a: []float64{5}}} {
		if m := s.model(t); len(m.Sets) > 0 || m.Alike {
			t.Errorf("%+v", m)
		}
	}
}

// TestProposalsAreJudgedAlike compares a search of all sets with proposals of
// the same ones.
func TestProposalsAreJudgedAlike(t *testing.T) {
	for seed := range uint64(20) {
		s := draw(seed)
		small := s.model(t)
		table, err := New(s.codes, s.cards, s.f, s.a, Options{Count: s.counts, Noise: &small.Noise})
		if err != nil {
			t.Fatal(err)
		}
		var dims [][]int
		var codes [][]int32
		for _, x := range small.Sets {
			dims, codes = append(dims, x.Dims), append(codes, x.Codes)
		}
		large := table.Judge(table.Sets(dims, codes, 10))
		for k := range small.Sets {
			a, b := small.Sets[k], large.Sets[k]
			if !slices.Equal(a.Leaves, b.Leaves) || math.Abs(a.Ratio-b.Ratio) > 1e-9*a.Ratio || math.Abs(a.Gain-b.Gain) > 1e-6*a.Gain {
				t.Errorf("seed %d: %+v, judged as a proposal %+v", seed, a, b)
			}
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add([]byte{3, 10, 30, 20, 20, 5, 5})
	f.Add([]byte{2, 0, 0, 255, 1, 0, 9, 7, 7, 40, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 3 || len(data) > 2*Small {
			return
		}
		card := 1 + int(data[0])%5
		var s sample
		s.codes, s.cards = make([][]int32, 2), []int{card, Small}
		for i := 1; i+1 < len(data); i += 2 {
			s.f, s.a = append(s.f, float64(data[i])), append(s.a, float64(data[i+1])*float64(data[0]))
			s.codes[0] = append(s.codes[0], int32(i%card))
			s.codes[1] = append(s.codes[1], int32(i/2%Small))
		}
		m := s.model(t)
		seen := make([]int, len(s.f))
		for _, x := range m.Sets {
			for _, v := range []float64{x.Ratio, x.Gain, x.Gap, x.Rival, x.R2, x.Bar} {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%+v", x)
				}
			}
			for _, i := range x.Leaves {
				seen[i]++
			}
		}
		for _, i := range m.Rest {
			seen[i]++
		}
		for i, n := range seen {
			if n > 1 || n == 0 && (s.f[i] > 0 || s.a[i] > 0) {
				t.Fatalf("leaf %d belongs to %d sets: %+v", i, n, m)
			}
		}
	})
}

func BenchmarkJudge(b *testing.B) {
	for _, size := range []struct {
		name  string
		cards []int
	}{{"10", []int{5, 2}}, {"60", []int{5, 4, 3}}, {"100", []int{5, 5, 4}}, {"1000", []int{10, 10, 10}}, {"20000", []int{20, 10, 10, 10}}, {"48000", []int{10, 12, 10, 8, 5}}} {
		s := full(size.cards)
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				var o Options
				if len(s.f) > Small {
					o.Noise = &Noise{Phi: 0, Kappa: .02}
				}
				t, err := New(s.codes, s.cards, s.f, s.a, o)
				if err != nil {
					b.Fatal(err)
				}
				if o.Noise == nil {
					t.Judge(t.Search(1))
				} else {
					t.Judge(t.Sets([][]int{{0}}, [][]int32{{1}}, 1000))
				}
			}
		})
	}
}

// full is a table of all combinations, the second value of the first label ×3.
func full(cards []int) sample {
	s := sample{cards: cards, codes: make([][]int32, len(cards))}
	n := 1
	for _, c := range cards {
		n *= c
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		k := i
		for d, c := range cards {
			s.codes[d] = append(s.codes[d], int32(k%c))
			k /= c
		}
		f := 100 * rng.ExpFloat64()
		a := f * (1 + .02*rng.NormFloat64())
		if s.codes[0][i] == 1 {
			a *= 3
		}
		s.f, s.a = append(s.f, f), append(s.a, a)
	}
	return s
}
