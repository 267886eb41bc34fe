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

// kind is a kind of incident: the sets that moved, or the true verdict if there are none.
type kind struct {
	name    string
	verdict Verdict
	moved   func(w *world) [][]int32
	by      func(w *world) float64 // the factor of a set, or of all
}

// world is an incident with a known cause.
type world struct {
	rng   *rand.Rand
	cards []int
	noise float64
	count bool
	ratio bool
	fall  bool
	large bool // one value has nearly all of the measure
	in    Input
	sets  [][]int32 // a value for each label, or free
	truth []string  // their names
}

// free stands for any value of a label.
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

// other is a set of the same labels with different values.
func (w *world) other(s []int32) []int32 {
	o := slices.Clone(s)
	for d, v := range s {
		if v != free {
			o[d] = (v + 1 + w.rng.Int32N(int32(w.cards[d])-1)) % int32(w.cards[d])
		}
	}
	return o
}

// twice returns two sets of the same labels.
func (w *world) twice(labels ...int) [][]int32 {
	s := w.one(labels...)
	return [][]int32{s, w.other(s)}
}

func (w *world) factor() float64 {
	f := 1.3 * math.Exp(2*w.rng.Float64()) // up to 9.6
	if w.fall {
		f = 1 / f
	}
	return f
}

// has reports whether a set contains a leaf.
func has(s []int32, code func(d int) int32) bool {
	for d, v := range s {
		if v != free && v != code(d) {
			return false
		}
	}
	return true
}

// kinds of incidents.
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
		{"a value and a leaf", Explained, func(w *world) [][]int32 {
			s := w.one(0)
			leaf := w.other(s)
			leaf[1] = w.value(1)
			return [][]int32{s, leaf}
		}, (*world).factor},
		{"alike", External, func(*world) [][]int32 { return nil }, (*world).factor},
		{"alike, one large", External, func(w *world) [][]int32 { w.large = true; return nil }, (*world).factor},
		{"nothing", NoChange, func(*world) [][]int32 { return nil }, func(*world) float64 { return 1 }},
	}
}

// draw makes a world.
func (k kind) draw(seed uint64, cards []int) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 77)), cards: cards}
	w.noise, w.count, w.ratio = []float64{.005, .01, .02, .04, .08}[w.rng.IntN(5)], w.rng.IntN(2) == 0, w.rng.IntN(3) == 0
	w.fall = w.rng.IntN(2) == 0
	w.sets = k.moved(w)
	by := []float64{k.by(w)}
	for range w.sets {
		by = append(by, k.by(w))
	}
	for _, s := range w.sets {
		w.truth = append(w.truth, w.name(s))
	}
	slices.Sort(w.truth)
	w.truth = slices.Compact(w.truth)
	w.fill(by, k.verdict == External)
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

// scale is the factor of a leaf: by[0] for all, or those of the sets that contain it.
func (w *world) scale(by []float64, all bool, code func(d int) int32) float64 {
	if all {
		return by[0]
	}
	product := 1.0
	for k, s := range w.sets {
		if has(s, code) {
			product *= by[k+1]
		}
	}
	return product
}

// fill draws the leaves' expected and actual values, for a ratio with their traffic.
func (w *world) fill(by []float64, all bool) {
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
		a := f * w.scale(by, all, code) * math.Exp(w.noise*w.rng.NormFloat64())
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

// answer is the outcome of a world.
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
	a.right = slices.Equal(said, w.truth) && (r.Verdict == k.verdict || k.verdict == NoChange && r.Verdict == NoConfident)
	a.wrong = a.wrong || r.Verdict == External && k.verdict != External || r.Verdict == NoChange && k.verdict != NoChange ||
		r.Verdict == Explained && k.verdict != Explained
	a.text = fmt.Sprintf("verdict %d, said %s, true %s; noise %g, count %v, ratio %v", r.Verdict, strings.Join(said, " "), strings.Join(w.truth, " "), w.noise, w.count, w.ratio)
	return a
}

// visible reports whether a careful person could see the truth: the total moves by a twelfth;
// each set moves by a fifth of that and by more than ten times its noise; and a third of the
// leaves don't move.
func (w *world) visible(k kind) bool {
	if k.verdict != Explained {
		return true
	}
	var f, a float64
	inside := 0
	moves, noise := make([]float64, len(w.sets)), make([]float64, len(w.sets))
	for i := range w.in.Forecast {
		f += w.in.Forecast[i]
		a += w.in.Actual[i]
		of := w.of(i)
		inside += count(len(of) > 0)
		if len(of) == 1 {
			moves[of[0]] += w.in.Actual[i] - w.in.Forecast[i]
			noise[of[0]] += w.in.Forecast[i] + square(w.noise*w.in.Forecast[i])
		}
	}
	for j := range w.sets {
		if e := math.Abs(moves[j]); e < 10*math.Sqrt(noise[j]) || e < math.Abs(a-f)/5 {
			return false
		}
	}
	return math.Abs(a-f) > f/12 && inside*3 <= 2*len(w.in.Forecast)
}

// of returns the sets that contain a leaf.
func (w *world) of(leaf int) []int {
	var of []int
	for k, s := range w.sets {
		if has(s, func(d int) int32 { return w.in.Codes[d][leaf] }) {
			of = append(of, k)
		}
	}
	return of
}

// For each kind, in small and large cubes, nearly all answers are right, hardly any is wrong,
// and none is wrong with high confidence.
func TestKindsOfIncidents(t *testing.T) {
	const worlds = 60
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
				if !a.right {
					t.Logf("%v, %s, seed %d: %s", cards, k.name, seed, a.text)
				}
			}
			t.Logf("| %v | %s | %d | %d | %d | %d |", cards, k.name, n, right, wrong, high)
			if right*10 < n*9 || wrong > 2 || high > 0 {
				t.Errorf("%v, %s: of %d worlds %d right, %d wrong, %d of these with high confidence", cards, k.name, n, right, wrong, high)
			}
		}
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func square(x float64) float64 { return x * x }
