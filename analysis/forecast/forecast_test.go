// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func additive(t *testing.T, p Pieces, unit float64) Forecast {
	t.Helper()
	f, err := Additive(p, unit)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var nan = math.NaN()

func TestProfileIsRelevelledByTheLastHour(t *testing.T) {
	p := Pieces{
		Actual:  []float64{0, 0, 0},
		Profile: [][]float64{{100, 50, 0}, {120, 40, 0}, {90, 60, 0}},
		Level:   [][]float64{{200, 30, 0}, {220, 30, 0}, {180, 30, 0}},
		Hour:    []float64{300, 60, 10},
	}
	f := additive(t, p, 1)
	if f.Method != Profile || f.Days != 3 {
		t.Fatalf("%+v", f)
	}
	r := 370. / 230
	near(t, "level", f.Level, r)
	near(t, "first leaf", f.Expected[0], 100*(300+5*r)/(200+5))
	near(t, "second leaf", f.Expected[1], 50*(60+5*r)/(30+5))
	near(t, "a leaf that began within the last day", f.Expected[2], 10)
	tiny := additive(t, p, 1e12)
	near(t, "a leaf drawn wholly to the level of all", tiny.Expected[0]/(100*r), 1)
}

func TestTheWeekdayJoinsSixDays(t *testing.T) {
	p := Pieces{Actual: []float64{0}, Hour: []float64{10}}
	for j := range 9 {
		p.Profile = append(p.Profile, []float64{float64(10 * (j + 1))})
		p.Level = append(p.Level, []float64{10})
	}
	f := additive(t, p, 0)
	if f.Days != 7 {
		t.Fatalf("%d days", f.Days)
	}
	near(t, "median of seven days", f.Expected[0], 40)
}

func TestDaysWithoutBothPiecesAreLeftOut(t *testing.T) {
	p := Pieces{
		Actual:  []float64{0},
		Profile: [][]float64{{10}, nil, {30}, {nan}, {50}},
		Level:   [][]float64{{10}, {10}, nil, {10}, {10}},
		Hour:    []float64{10},
	}
	f := additive(t, p, 0)
	if f.Days != 2 {
		t.Fatalf("%d days", f.Days)
	}
	near(t, "median of the first and the fifth", f.Expected[0], 30)
}

func TestAnEmptyCellIsZero(t *testing.T) {
	p := Pieces{
		Actual:  []float64{0, 0},
		Profile: [][]float64{{10, nan}, {10, 8}},
		Level:   [][]float64{{10, nan}, {10, 8}},
		Hour:    []float64{10, 4},
	}
	f := additive(t, p, 0)
	c, r := 0.05*7, 14./14
	near(t, "half of the days empty", f.Expected[1], 4*(4+c*r)/(4+c))
}

func TestFallbacksByHistory(t *testing.T) {
	steps := func(n int) [][]float64 {
		var s [][]float64
		for k := range n {
			s = append(s, []float64{float64(k)})
		}
		return s
	}
	day := Pieces{
		Actual: []float64{1}, Recent: steps(23), Hour: []float64{2},
		Profile: [][]float64{{1}}, Level: [][]float64{{1}}, Baseline: []float64{7}, Forecast: []float64{9},
	}
	want := []Method{Given, Chosen, Profile, Smoothed, Mean}
	less := []func(*Pieces){
		func(p *Pieces) { p.Forecast = nil },
		func(p *Pieces) { p.Baseline = nil },
		func(p *Pieces) { p.Hour = nil },
		func(p *Pieces) { p.Recent = p.Recent[:22] },
		func(p *Pieces) { p.Recent = p.Recent[:2] },
	}
	for k, m := range want {
		f := additive(t, day, 1)
		if f.Method != m || f.String() == "" {
			t.Errorf("step %d: %v (%s), want %v", k, f.Method, f, m)
		}
		less[k](&day)
	}
	if _, err := Additive(day, 1); !errors.Is(err, ErrHistory) {
		t.Errorf("two steps: error %v", err)
	}
}

func TestSmoothedAndMean(t *testing.T) {
	p := Pieces{Actual: []float64{0}}
	want := 4.0
	for k := range 23 {
		x := float64(4 + k%3)
		p.Recent = append(p.Recent, []float64{x})
		want += 0.3 * (x - want)
	}
	near(t, "exponentially weighted", additive(t, p, 0).Expected[0], want)
	p.Recent = p.Recent[:10] // 4 5 6 4 | 5 6 4 5 6 4
	near(t, "mean of six steps", additive(t, p, 0).Expected[0], 5)
}

func TestPastErrorsOfTheTotal(t *testing.T) {
	p := Pieces{Actual: []float64{0}, Hour: []float64{100}}
	for _, x := range []float64{100, 102, 98, 101, 99, 5000} { // an incident on one day
		p.Profile = append(p.Profile, []float64{x})
		p.Level = append(p.Level, []float64{100})
	}
	if sd := additive(t, p, 0).SD; sd < 1 || sd > 5 {
		t.Errorf("standard deviation %v", sd)
	}
	p.Profile, p.Level = p.Profile[:1], p.Level[:1]
	if sd := additive(t, p, 0).SD; sd != 0 {
		t.Errorf("of one day nothing is known: %v", sd)
	}
}

func ratio(t *testing.T, num, den Pieces, s Scale, count bool) Forecast {
	t.Helper()
	f, err := Ratio(num, den, s, count)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRule4_10ExpectedCountsOfAChosenBaseline(t *testing.T) {
	num := Pieces{Actual: []float64{9, 0}, Baseline: []float64{2, 0}}
	den := Pieces{Actual: []float64{100, 400}, Baseline: []float64{50, 150}}
	f := ratio(t, num, den, Scale{Window: 1}, true)
	g := 2. / 200
	near(t, "first", f.Expected[0], 100*(2+50*g)/(50+50))
	near(t, "second", f.Expected[1], 400*(0+50*g)/(150+50))
	// The same traffic as rates over 10 seconds.
	tenth := func(p Pieces) Pieces {
		for _, x := range [][]float64{p.Actual, p.Baseline} {
			for i := range x {
				x[i] /= 10
			}
		}
		return p
	}
	g10 := ratio(t, tenth(num), tenth(den), Scale{Window: 10}, true)
	near(t, "as rates", 10*g10.Expected[0], f.Expected[0])
}

func TestRule4_10TrafficShiftsDropOut(t *testing.T) {
	num := Pieces{Actual: []float64{50, 6}, Baseline: []float64{1000, 1000}}
	den := Pieces{Actual: []float64{500, 600}, Baseline: []float64{10000, 100000}}
	f := ratio(t, num, den, Scale{Window: 1}, true)
	for i, a := range num.Actual {
		if math.Abs(f.Expected[i]-a) > 0.03*a {
			t.Errorf("leaf %d: expected %v of its own rate, came %v", i, f.Expected[i], a)
		}
	}
}

func TestRatioOfADayInTwoSteps(t *testing.T) {
	num := Pieces{Actual: []float64{9, 1}, Day: []float64{2, 1}, Hour: []float64{3, 1}}
	den := Pieces{Actual: []float64{100, 20}, Day: []float64{90, 30}, Hour: []float64{100, 20}}
	f := ratio(t, num, den, Scale{Window: 2, Hour: 12, Day: 288}, true)
	if f.Method != DayRate {
		t.Fatalf("%+v", f)
	}
	g24, g1 := 3./120, 4./120
	near(t, "level", f.Level, g1/g24)
	for e := range num.Day {
		day := (288*num.Day[e] + 50*g24) / (288*den.Day[e] + 50)
		rate := (12*num.Hour[e] + 100*day*g1/g24) / (12*den.Hour[e] + 100)
		near(t, "expected", f.Expected[e], den.Actual[e]*rate)
	}
}

func TestRatioFallbacks(t *testing.T) {
	num := Pieces{Actual: []float64{9}, Hour: []float64{2}, Recent: [][]float64{{1}, {1}, {1}}}
	den := Pieces{Actual: []float64{90}, Hour: []float64{100}, Recent: [][]float64{{10}, {10}, {10}}}
	s := Scale{Window: 1, Hour: 12, Day: 288}
	f := ratio(t, num, den, s, true)
	if f.Method != HourRate {
		t.Fatalf("%+v", f)
	}
	near(t, "one leaf has the rate of all", f.Expected[0], 90*0.02)
	num.Hour = nil
	near(t, "of three steps", ratio(t, num, den, s, true).Expected[0], 9)
	den.Recent = den.Recent[:2]
	if _, err := Ratio(num, den, s, true); !errors.Is(err, ErrHistory) {
		t.Errorf("error %v", err)
	}
	given := ratio(t, Pieces{Actual: num.Actual, Forecast: []float64{1}}, Pieces{Actual: den.Actual, Forecast: []float64{50}}, s, false)
	if given.Method != Given {
		t.Errorf("%+v", given)
	}
	near(t, "given", given.Expected[0], 90./50)
}

func TestARatioWithoutTrafficHasNoRate(t *testing.T) {
	zero := func() []float64 { return []float64{0, 0} }
	f := ratio(t, Pieces{Actual: []float64{1, 0}, Baseline: zero()}, Pieces{Actual: []float64{5, 0}, Baseline: zero()}, Scale{}, false)
	if !slices.Equal(f.Expected, zero()) {
		t.Errorf("%+v", f)
	}
}

func TestScaleMattersOnlyForCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by := math.Ldexp(1, rapid.IntRange(-30, 30).Draw(t, "scale"))
		n := rapid.IntRange(1, 6).Draw(t, "leaves")
		value := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.1, 1e6))
		piece := func(name string) []float64 { return rapid.SliceOfN(value, n, n).Draw(t, name) }
		p := Pieces{
			Actual: piece("actual"), Hour: piece("hour"),
			Profile: [][]float64{piece("p1"), piece("p2")}, Level: [][]float64{piece("l1"), piece("l2")},
		}
		scaled := func(x []float64) []float64 {
			y := slices.Clone(x)
			for i := range y {
				y[i] *= by
			}
			return y
		}
		q := Pieces{
			Actual: scaled(p.Actual), Hour: scaled(p.Hour),
			Profile: [][]float64{scaled(p.Profile[0]), scaled(p.Profile[1])},
			Level:   [][]float64{scaled(p.Level[0]), scaled(p.Level[1])},
		}
		one, err1 := Additive(p, 0)
		two, err2 := Additive(q, 0)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for i := range one.Expected {
			if x := one.Expected[i]; math.IsNaN(x) || math.IsInf(x, 0) || x < 0 || x*by != two.Expected[i] {
				t.Fatalf("leaf %d: %v, scaled %v", i, x, two.Expected[i])
			}
		}
	})
}

func TestPiecesOfDifferentLengthsPanic(t *testing.T) {
	for name, call := range map[string]func(){
		"hour":    func() { _, _ = Additive(Pieces{Actual: []float64{1}, Hour: []float64{1, 2}}, 0) },
		"profile": func() { _, _ = Additive(Pieces{Actual: []float64{1}, Profile: [][]float64{{}}}, 0) },
		"ratio":   func() { _, _ = Ratio(Pieces{Actual: []float64{1}}, Pieces{Actual: []float64{1, 2}}, Scale{}, true) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

// week is n leaves over some days of 5-minute steps, with a daily cycle and noise.
func week(n, days int) Series {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	s := Series{Values: make([][]float64, n)}
	for i := range days * 288 {
		s.Times = append(s.Times, 1.5e9+300*float64(i))
	}
	for e := range s.Values {
		size := 1000 * rng.ExpFloat64()
		s.Values[e] = make([]float64, len(s.Times))
		for i := range s.Values[e] {
			cycle := 1 + 0.8*math.Sin(2*math.Pi*float64(i%288)/288)
			s.Values[e][i] = size * cycle * (1 + 0.05*rng.NormFloat64())
		}
	}
	return s
}

func BenchmarkCutAndForecast(b *testing.B) {
	s := week(600, 7)
	last := s.Times[len(s.Times)-1]
	span := Span{Onset: last - 900, End: last}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Additive(Cut(s, span), 1); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzFiniteInFiniteOut(f *testing.F) {
	f.Add(1.0, 0.0, 3.0, 1e99, math.NaN(), 2.0, uint8(3))
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, uint8(255))
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g float64, how uint8) {
		for _, x := range []float64{a, b, c, d, e, g} {
			if math.IsInf(x, 0) || x < 0 || x > 1e100 || x > 0 && x < 1e-100 {
				t.Skip("no measure")
			}
		}
		piece := func(x, y float64) []float64 { return []float64{x, y} }
		num := Pieces{Actual: piece(a, b), Recent: [][]float64{piece(a, c), piece(b, d), piece(c, e)}}
		den := Pieces{Actual: piece(g, a), Recent: [][]float64{piece(d, e), piece(e, g), piece(g, a)}}
		if how&1 != 0 {
			num.Hour, num.Day = piece(c, d), piece(e, g)
			den.Hour, den.Day = piece(d, g), piece(b, a)
		}
		if how&2 != 0 {
			num.Profile, num.Level = [][]float64{piece(g, e), piece(a, a)}, [][]float64{piece(b, d), piece(c, c)}
		}
		if how&4 != 0 {
			num.Baseline, den.Baseline = piece(b, c), piece(d, e)
		}
		add, err1 := Additive(num, float64(how>>4))
		div, err2 := Ratio(num, den, Scale{Window: 2, Hour: 12, Day: 288}, how&8 != 0)
		for _, made := range []struct {
			Forecast
			error
		}{{add, err1}, {div, err2}} {
			if made.error != nil {
				continue
			}
			for _, x := range append(made.Expected, made.Level, made.SD) {
				if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
					t.Fatalf("%+v", made.Forecast)
				}
			}
		}
	})
}

// Traffic moves from an element with 1 % to one with 10 %, and no ratio changes: only the mix
// is left to explain.
func TestGivenRatiosAreUsed(t *testing.T) {
	num := Pieces{Actual: []float64{50, 6, 0}, Forecast: []float64{10, 10, 0}}
	den := Pieces{Actual: []float64{500, 600, 55}, Forecast: []float64{100, 1000, 0}}
	f, err := Ratio(num, den, Scale{Window: 1}, false)
	if err != nil || f.Method != Given {
		t.Fatal(f, err)
	}
	for e, want := range []float64{50, 6, 1} { // the third has no history: the ratio of all, 20/1100
		if math.Abs(f.Expected[e]-want) > 1e-12 {
			t.Errorf("leaf %d: %v, want %v", e, f.Expected[e], want)
		}
	}
}

// A small part whose mean differs from that of the whole is forecast at its own mean; otherwise
// it would always seem to move.
func TestSmallPartKeepsItsOwnMean(t *testing.T) {
	num, den := []float64{1000, 1500, 200, 90}, []float64{10000, 12000, 1000, 1800}
	hour := Pieces{Actual: num, Hour: num}
	below := Pieces{Actual: den, Hour: den}
	f, err := Ratio(hour, below, Scale{Window: 600, Hour: 3600}, false)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range f.Expected {
		if math.Abs(x-num[i]) > 0.03*num[i] {
			t.Errorf("part %d: expected %v, it always was %v", i, x, num[i])
		}
	}
}

// The error of a leaf that comes and goes is estimated from its own past.
func TestErrorsFromPastOfLeaf(t *testing.T) {
	var days, hours [][]float64
	for _, restless := range []float64{100, 5, 300, 100, 0, 90} {
		days, hours = append(days, []float64{100, restless}), append(hours, []float64{100, 100})
	}
	p := Pieces{Actual: days[0], Profile: days, Level: hours, Hour: hours[0]}
	if e := additive(t, p, 0).Errors(0); len(e) != 2 || e[0] > 1e-9 || e[1] < .5 || e[1] > 2 {
		t.Errorf("errors %v", e)
	}
	steady := [][]float64{{100, 100}, {100, 100}, {100, 700}, {100, 100}, {100, 100}, {100, 100}, {100, 100}}
	if e := additive(t, Pieces{Actual: days[0], Profile: steady, Level: append(hours, hours[0]), Hour: hours[0]}, 0).Errors(0); e[1] > .01 {
		t.Errorf("the incident of one day makes errors %v", e)
	}
	p.Profile, p.Level = days[:2], hours[:2]
	if e := additive(t, p, 0).Errors(0); e != nil {
		t.Errorf("two days tell errors %v", e)
	}
}

// Without days, the steps before the incident give the error of a leaf: absolute, and larger if
// the incident is shorter than a step.
func TestErrorsFromStepsOfLeaf(t *testing.T) {
	var steps [][]float64
	for _, flickers := range []float64{.3, .6, .2, .5, .4, .4} {
		steps = append(steps, []float64{100, flickers})
	}
	p := Pieces{Actual: []float64{100, 400}, Recent: steps}
	e := additive(t, p, 0).Errors(300)
	if len(e) != 2 || e[0] > 1e-9 || e[1] > .01 {
		t.Errorf("errors %v, but 400 is far from all that it was", e)
	}
	p.Actual = []float64{100, 0}
	long, short := additive(t, p, 0).Errors(300), additive(t, p, 0).Errors(75)
	if long[1] < .3 || long[1] > 1 || math.Abs(short[1]-2*long[1]) > 1e-9 {
		t.Errorf("errors %v of 5 minutes, %v of 75 seconds", long, short)
	}
	steps[2] = []float64{700, .4}
	if e := additive(t, p, 0).Errors(300); e[0] > .01 {
		t.Errorf("one step that is not part of the baseline makes errors %v", e)
	}
	p.Recent = steps[:2]
	if _, err := Additive(p, 0); err == nil {
		t.Error("two steps are enough")
	}
}
