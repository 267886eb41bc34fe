// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawSystem draws a small system whose first two series jump.
func drawSystem(t *rapid.T) Input {
	rows := rapid.IntRange(80, 200).Draw(t, "rows")
	onset := rows - rapid.IntRange(3, 15).Draw(t, "incident")
	return system(rapid.IntRange(4, 20).Draw(t, "series"), rows, onset, rapid.Uint64().Draw(t, "seed"))
}

// bySeries indexes the evidence by column.
func bySeries(r Result) map[int]Cause {
	by := map[int]Cause{}
	for _, c := range r.Causes {
		by[c.Series] = c
	}
	return by
}

func alike(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) }

// Each series has its own unit: rescaling by factors that floats represent exactly gives the
// same scores, bit by bit.
func TestEachSeriesHasItsOwnUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawSystem(t)
		want := bySeries(Rank(in, Options{}))
		for j := range in.Series {
			factor := math.Ldexp(1, rapid.IntRange(-20, 20).Draw(t, "exponent"))
			for i := range in.Series[j].Values {
				in.Series[j].Values[i] *= factor
			}
		}
		for j, c := range bySeries(Rank(in, Options{})) {
			c.Relative = want[j].Relative // a logarithm, which rounds
			if !alike(c.score, want[j].score) {
				t.Fatalf("series %d scores %v in another unit, %v before", j, c.score, want[j].score)
			}
			if c.score = want[j].score; c.Evidence != want[j].Evidence {
				t.Fatalf("series %d shows %+v in another unit, %+v before", j, c.Evidence, want[j].Evidence)
			}
		}
	})
}

// Falls count as much as rises: a series negated gives the same evidence. Success ratios, which
// have a bad direction, are of kind Error.
func TestAFallCountsAsARise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawSystem(t)
		j := rapid.IntRange(0, len(in.Series)-1).Draw(t, "series")
		in.Series[j].Kind = CPU
		want := bySeries(Rank(in, Options{}))[j]
		for i := range in.Series[j].Values {
			in.Series[j].Values[i] *= -1
		}
		got := bySeries(Rank(in, Options{}))[j]
		if !alike(got.Dev, want.Dev) || !alike(got.Quiet, want.Quiet) || !alike(got.Rho, want.Rho) || !alike(got.Score, want.Score) {
			t.Fatalf("series %d shows %+v turned over, %+v before", j, got, want)
		}
	})
}

// Two copies of a series in one service have the same evidence, and take none from a third.
func TestCopiesShowTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawSystem(t)
		before := bySeries(Rank(in, Options{NoResidual: true}))
		j := rapid.IntRange(0, len(in.Series)-1).Draw(t, "series")
		in.Series = append(in.Series, in.Series[j])
		by := bySeries(Rank(in, Options{NoResidual: true}))
		if a, b := by[j], by[len(in.Series)-1]; !alike(a.Score, b.Score) || !alike(a.Share, b.Share) || a.Dev != b.Dev {
			t.Fatalf("series %d shows %+v, its copy %+v", j, a, b)
		}
		for k, c := range before {
			if by[k].Dev != c.Dev || by[k].Quiet != c.Quiet || by[k].Rho != c.Rho {
				t.Fatalf("series %d shows %+v beside a copy of %d, %+v before", k, by[k], j, c)
			}
		}
	})
}

// The codes of services are labels, not numbers.
func TestServicesAreNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawSystem(t)
		in.Calls = [][2]int{{0, 1}, {1, 2}}
		want := bySeries(Rank(in, Options{}))
		turn := func(code int) int { return 1000 - 7*code }
		for j := range in.Series {
			in.Series[j].Service = turn(in.Series[j].Service)
		}
		for i, c := range in.Calls {
			in.Calls[i] = [2]int{turn(c[0]), turn(c[1])}
		}
		for j, c := range bySeries(Rank(in, Options{})) {
			if c.Service != turn(want[j].Service) || !alike(c.Score, want[j].Score) {
				t.Fatalf("series %d of service %d scores %v, %v under the other code", j, c.Service, c.Score, want[j].Score)
			}
		}
	})
}

// A larger jump never deviates less, if the series stays around its level: one that wanders may
// return to a usual value.
func TestALargerJumpDeviatesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawSystem(t)
		j := rapid.IntRange(2, len(in.Series)-1).Filter(func(j int) bool { return j%10 != 3 }).Draw(t, "series")
		quiet := slices.Clone(in.Series[j].Values)
		last := -1.0
		for _, jump := range []float64{5, 10, 40, 400} {
			values := slices.Clone(quiet)
			for i := in.Onset; i < len(values); i++ {
				values[i] += jump
			}
			in.Series[j].Values = values
			dev := bySeries(Rank(in, Options{NoResidual: true}))[j].Dev
			if dev < last {
				t.Fatalf("a jump by %v deviates by %v, a smaller one by %v", jump, dev, last)
			}
			last = dev
		}
	})
}

// A series that ends at the onset, such as one of a pod that died, can't be compared; a few
// samples lost before it change no first place.
func TestMissingSamplesAreNoEvidence(t *testing.T) {
	in := system(24, 300, 280, 3)
	for i := in.Onset; i < 300; i++ {
		in.Series[9].Values[i] = math.NaN()
	}
	r := Rank(in, Options{})
	clean(t, r)
	if !slices.Equal(r.Skipped, []int{9}) {
		t.Errorf("left out %v, want the series that ended", r.Skipped)
	}
	rng := rand.New(rand.NewPCG(1, 5))
	in = system(24, 300, 280, 3)
	for j := range in.Series {
		for _, i := range rng.Perm(280)[:28] {
			in.Series[j].Values[i] = math.NaN()
		}
	}
	r = Rank(in, Options{})
	clean(t, r)
	if r.Services[0].Service != 0 || len(r.Skipped) > 0 {
		t.Errorf("with a tenth missing service %d is first, %d series are left out", r.Services[0].Service, len(r.Skipped))
	}
}

// A longer history of the same quiet baseline gives the same first place, and no less
// confidence.
func TestALongerHistoryIsNoWorse(t *testing.T) {
	short := Rank(system(64, 300, 280, 3), Options{})
	long := Rank(system(64, 900, 880, 3), Options{})
	if short.Services[0].Service != long.Services[0].Service || long.Confidence().Rank() > short.Confidence().Rank() {
		t.Errorf("first %d (%v) of 280 quiet rows, %d (%v) of 880",
			short.Services[0].Service, short.Confidence(), long.Services[0].Service, long.Confidence())
	}
}
