// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// kind is a kind of incident: which sets moved by themselves, or the verdict
// that is true where none did.
type kind struct {
	name    string
	verdict Verdict
	moved   func(w *world) [][]int32 // sets as a value of each label, or -1
	by      func(w *world) float64   // the factor of a set
}

// world is an incident of which the truth is known.
type world struct {
	rng    *rand.Rand
	cards  []int
	noise  float64
	count  bool
	ratio  bool
	large  bool // one value has nearly all
	weight []float64
	in     Input
	truth  []string
}

const free = int32(-1)

func (w *world) value(label int) int32 { return w.rng.Int32N(int32(w.cards[label])) }

// one is a set of some labels.
func (w *world) one(labels ...int) []int32 {
	s := slices.Repeat([]int32{free}, len(w.cards))
	for _, d := range labels {
		s[d] = w.value(d)
	}
	return s
}

// other is a set of the same labels of which all values differ.
func (w *world) other(s []int32) []int32 {
	o := slices.Clone(s)
	for d, v := range s {
		if v != free {
			o[d] = (v + 1 + w.rng.Int32N(int32(w.cards[d])-1)) % int32(w.cards[d])
		}
	}
	return o
}

// twice is a set and another of the same labels.
func (w *world) twice(labels ...int) [][]int32 {
	s := w.one(labels...)
	return [][]int32{s, w.other(s)}
}

func (w *world) factor() float64 {
	f := 1.5 + 4*w.rng.Float64()
	if w.rng.IntN(2) == 0 {
		f = 1 / f
	}
	return f
}

func same(s []int32, code func(d int) int32) bool {
	for d, v := range s {
		if v != free && v != code(d) {
			return false
		}
	}
	return true
}

// kinds of incidents. The factor of a world is that of all of its sets, but of a
// swap.
func kinds() []kind {
	return []kind{
		{"a value", Explained, func(w *world) [][]int32 { return [][]int32{w.one(0)} }, (*world).factor},
		{"the largest value", Explained, func(w *world) [][]int32 {
			w.large = true
			s := w.one()
			s[0] = 0
			return [][]int32{s}
		}, (*world).factor},
		{"a combination", Explained, func(w *world) [][]int32 { return [][]int32{w.one(0, 1)} }, (*world).factor},
		{"two values", Explained, func(w *world) [][]int32 { return w.twice(0) }, (*world).factor},
		{"two labels", Explained, func(w *world) [][]int32 { return [][]int32{w.one(0), w.one(1)} }, (*world).factor},
		{"two leaves", Explained, func(w *world) [][]int32 { return w.twice(0, 1) }, (*world).factor},
		{"alike", External, func(*world) [][]int32 { return nil }, (*world).factor},
		{"alike, one large", External, func(w *world) [][]int32 { w.large = true; return nil }, (*world).factor},
		{"nothing", NoChange, func(*world) [][]int32 { return nil }, func(*world) float64 { return 1 }},
	}
}

// draw makes a world.
func (k kind) draw(seed uint64, cards []int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 77)), cards: cards}
	w.noise, w.count, w.ratio = []float64{.005, .01, .02, .04}[w.rng.IntN(4)], w.rng.IntN(2) == 0, w.rng.IntN(3) == 0
	sets, by := k.moved(w), k.by(w)
	for _, s := range sets {
		w.truth = append(w.truth, w.name(s))
	}
	slices.Sort(w.truth)
	w.truth = slices.Compact(w.truth)
	w.fill(sets, by, k.verdict == External)
	return w
}

func (w *world) name(s []int32) string {
	var labels []int
	var values []int32
	for d, v := range s {
		if v != free {
			labels, values = append(labels, d), append(values, v)
		}
	}
	return fmt.Sprint(labels, values)
}

// fill draws the leaves: expected and actual values, of a ratio with the traffic
// that they are of.
func (w *world) fill(sets [][]int32, by float64, all bool) {
	leaves := 1
	for _, c := range w.cards {
		leaves *= c
	}
	w.in = Input{Cards: w.cards, Codes: make([][]int32, len(w.cards))}
	parts := &Parts{}
	for i := range leaves {
		k := i
		for d := len(w.cards) - 1; d >= 0; d-- {
			w.in.Codes[d] = append(w.in.Codes[d], int32(k%w.cards[d]))
			k /= w.cards[d]
		}
		code := func(d int) int32 { return w.in.Codes[d][i] }
		f := math.Round(100 * math.Exp(.8*w.rng.NormFloat64()))
		if w.large && code(0) == 0 {
			f *= 40 * float64(w.cards[0])
		}
		scale := 1.0
		if all || slices.ContainsFunc(sets, func(s []int32) bool { return same(s, code) }) {
			scale = by
		}
		a := f * scale * math.Exp(w.noise*w.rng.NormFloat64())
		if w.count {
			a = max(0, math.Round(a+math.Sqrt(a)*w.rng.NormFloat64()))
		}
		w.in.Forecast, w.in.Actual = append(w.in.Forecast, f), append(w.in.Actual, a)
		den := f * (10 + 5*w.rng.Float64())
		parts.ForecastNum, parts.ForecastDen, parts.ActualDen = append(parts.ForecastNum, f), append(parts.ForecastDen, den), append(parts.ActualDen, den)
	}
	if w.ratio {
		w.in.Parts = parts
	}
}

// answer is what is said of a world.
type answer struct {
	right, wrong, high bool
	text               string
}

func (w *world) ask(t *testing.T, k kind) answer {
	r := run(t, w.in, Options{Count: w.count})
	var said []string
	a := answer{}
	for _, c := range r.Causes {
		if c.Confidence == Low {
			continue
		}
		for _, x := range c.Combinations {
			name := fmt.Sprint(x.Labels, x.Values)
			said = append(said, name)
			if !slices.Contains(w.truth, name) {
				a.wrong = true
				a.high = a.high || c.Confidence == High
			}
		}
	}
	slices.Sort(said)
	a.right = slices.Equal(said, w.truth) && r.Verdict == k.verdict
	a.wrong = a.wrong || r.Verdict == External && k.verdict != External || r.Verdict == NoChange && k.verdict != NoChange ||
		r.Verdict == Explained && k.verdict != Explained
	a.text = fmt.Sprintf("verdict %d, said %s, true %s; noise %g, count %v, ratio %v", r.Verdict, strings.Join(said, " "), strings.Join(w.truth, " "), w.noise, w.count, w.ratio)
	return a
}

// visible tells whether a careful person could see the truth: the total moves by
// a twelfth, and each set by more than ten times its noise, in no more than
// half of the leaves.
func (w *world) visible(k kind) bool {
	if k.verdict != Explained {
		return true
	}
	var f, a, most float64
	inside := 0
	for i := range w.in.Forecast {
		f += w.in.Forecast[i]
		a += w.in.Actual[i]
	}
	least := math.Inf(1)
	for _, name := range w.truth {
		var e, v float64
		for i := range w.in.Forecast {
			if slices.ContainsFunc(w.sets(name), func(s []int32) bool { return same(s, func(d int) int32 { return w.in.Codes[d][i] }) }) {
				e += w.in.Actual[i] - w.in.Forecast[i]
				v += w.in.Forecast[i]*1 + math.Pow(.04*w.in.Forecast[i], 2)
				inside++
			}
		}
		least, most = min(least, math.Abs(e)/math.Abs(a-f)), max(most, math.Abs(e))
		if math.Abs(e) < 10*math.Sqrt(v) {
			return false
		}
	}
	return math.Abs(a-f) > f/12 && least > .2 && inside*2 <= len(w.in.Forecast)
}

// sets reads the name of a set.
func (w *world) sets(name string) [][]int32 {
	var all [][]int32
	s := slices.Repeat([]int32{free}, len(w.cards))
	labels, values, _ := strings.Cut(strings.Trim(name, "[]"), "] [")
	vs := strings.Fields(values)
	for k, l := range strings.Fields(labels) {
		var d, v int32
		fmt.Sscan(l, &d)
		fmt.Sscan(vs[k], &v)
		s[d] = v
	}
	return append(all, s)
}

// Of every kind, in small cubes and in large ones, hardly any answer is false,
// most are right, and hardly any false one is of high confidence.
func TestKindsOfIncidents(t *testing.T) {
	const worlds = 120
	for _, cards := range [][]int{{3, 3}, {4, 4}, {6, 4, 3}, {12, 10}} {
		for _, k := range kinds() {
			n, right, wrong, high := 0, 0, 0, 0
			for seed := uint64(0); n < worlds && seed < 20*worlds; seed++ {
				w := k.draw(seed, cards)
				if !w.visible(k) {
					continue
				}
				n++
				a := w.ask(t, k)
				right, wrong, high = right+count(a.right), wrong+count(a.wrong), high+count(a.high)
				if a.wrong {
					t.Logf("%v %s, seed %d: %s", cards, k.name, seed, a.text)
				}
			}
			t.Logf("| %v | %s | %d | %d | %d | %d |", cards, k.name, n, right, wrong, high)
		}
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
