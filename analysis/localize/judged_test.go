// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"math"
	"slices"
	"testing"

	"github.com/culprit-dev/culprit/analysis/adtributor"
)

// table has one label with a leaf per value.
func table(forecast, actual []float64) Input {
	codes := make([]int32, len(forecast))
	for i := range codes {
		codes[i] = int32(i)
	}
	return Input{Codes: [][]int32{codes}, Cards: []int{len(codes)}, Measure: Measure{Forecast: forecast, Actual: actual}}
}

// rates is a table of a ratio whose forecast applies the rates before to the current traffic.
func rates(num, den, numNow, denNow []float64) Input {
	expected := make([]float64, len(num))
	for i := range num {
		expected[i] = num[i] / den[i] * denNow[i]
	}
	in := table(expected, numNow)
	in.Parts = &Parts{ForecastNum: num, ForecastDen: den, ActualDen: denNow}
	return in
}

// One value has nearly all of the measure: what the others did decides.
func TestMovedAlikeDependsOnTheRest(t *testing.T) {
	forecast := []float64{970, 12, 10, 8}
	for by, v := range map[float64]Verdict{3: Explained, 0.4: Explained, 0: Explained} {
		alone := table(forecast, []float64{970 * by, 12.1, 9.9, 8})
		checkLocated(t, run(t, alone, Options{}), v, "[0] [0]")
	}
	for _, by := range []float64{3, 0.4} {
		all := table(forecast, []float64{970 * by, 12.1 * by, 9.9 * by, 8 * by})
		checkLocated(t, run(t, all, Options{}), External)
	}
}

func TestTheOnlyValueThatIsNotZero(t *testing.T) {
	in := table([]float64{0, 120, 0, 0}, []float64{0, 900, 0, 0})
	checkLocated(t, run(t, in, Options{Count: true}), Explained, "[0] [1]")
}

// A total that moved no farther than it does in quiet times has no causes: that all parts rose
// together isn't visible in any of them.
func TestUnmovedTotalHasNoCause(t *testing.T) {
	in := table([]float64{0.081, 0.005}, []float64{0.267, 0.007})
	still := Options{Gate: adtributor.Gate{SD: 0.1}}
	for _, c := range run(t, in, still).Causes {
		if c.Confidence != Low {
			t.Errorf("%v is sure", c.Combinations)
		}
	}
	if r := run(t, in, Options{}); len(r.Causes) == 0 || r.Causes[0].Confidence == Low { // the total moved
		t.Errorf("verdict %d, %d causes", r.Verdict, len(r.Causes))
	}
}

// In a table of ten leaves, all but the largest exactly as forecast, the fault of the largest
// isn't noise.
func TestTheLargestOfASmallTable(t *testing.T) {
	forecast := []float64{900, 80, 70, 60, 50, 40, 30, 20, 15, 10}
	actual := slices.Clone(forecast)
	actual[0] *= 0.4
	r := run(t, table(forecast, actual), Options{})
	checkLocated(t, r, Explained, "[0] [0]")
	if r.Causes[0].Confidence != High {
		t.Errorf("confidence %s", r.Causes[0].Confidence)
	}
}

// Traffic moves to where the ratio was high already, and one part got ten times better: no part
// caused the rise, least of all that one.
func TestARatioThatMovedByItsTraffic(t *testing.T) {
	in := rates([]float64{10, 600, 40}, []float64{10000, 6000, 4000}, []float64{10, 1800, 4}, []float64{10000, 18000, 4000})
	r := run(t, in, Options{Count: true})
	if r.Verdict != TrafficMix || slices.ContainsFunc(r.Causes, func(c Cause) bool { return c.Confidence != Low }) {
		t.Errorf("verdict %d, causes %+v", r.Verdict, r.Causes)
	}
}

func TestNoCauseGoesAgainstTheChange(t *testing.T) {
	in := rates([]float64{100, 100, 100}, []float64{1e4, 1e4, 1e4}, []float64{400, 10, 100}, []float64{1e4, 1e4, 1e4})
	r := run(t, in, Options{Count: true})
	checkLocated(t, r, Explained, "[0] [0]")
}

// Under a constant total, two large opposite moves are both named, with shares of what moved.
func TestASwap(t *testing.T) {
	for _, forecast := range [][]float64{{20000, 20000}, {20000, 20000, 30000, 10000}} {
		actual := slices.Clone(forecast)
		actual[0], actual[1] = 36000, 4000
		r := run(t, table(forecast, actual), Options{})
		checkLocated(t, r, Explained, "[0] [0]", "[0] [1]")
		for _, c := range r.Causes {
			if math.Abs(c.Share-.5) > 1e-9 || c.Confidence != Medium {
				t.Errorf("%+v", c)
			}
		}
	}
}

// Two causes in a cube of three by three: of two labels, of one, and of two leaves.
func TestSeveralCausesInASmallCube(t *testing.T) {
	for _, k := range []struct {
		moved func(c []int32) bool
		want  []string
	}{
		{func(c []int32) bool { return c[0] == 1 || c[1] == 2 }, []string{"[0] [1]", "[1] [2]"}},
		{func(c []int32) bool { return c[0] == 0 || c[0] == 2 }, []string{"[0] [0]", "[0] [2]"}},
		{func(c []int32) bool { return c[0] == 0 && c[1] == 1 || c[0] == 2 && c[1] == 0 }, []string{"[0 1] [0 1]", "[0 1] [2 0]"}},
	} {
		in := breakdown(8, []int{4, 4}, func(c []int32) float64 {
			if k.moved(c) {
				return 4
			}
			return 1
		})
		checkLocated(t, run(t, in, Options{}), Explained, k.want...)
	}
}

func TestASmallPartOfTheChangeIsNotSure(t *testing.T) {
	in := table([]float64{1000, 1000, 1000, 1000}, []float64{4000, 1330, 1001, 999})
	r := run(t, in, Options{})
	if len(r.Causes) != 2 || r.Causes[0].Confidence != High || r.Causes[1].Confidence != Low || r.Causes[1].Share > sureShare {
		t.Errorf("%+v", r.Causes)
	}
}

func TestASmallMoveWithinTheNoiseIsNone(t *testing.T) {
	in := table([]float64{1000, 1000, 1000, 1000}, []float64{1090, 930, 1080, 1000})
	checkLocated(t, run(t, in, Options{}), NoChange)
}

// A large table that moved as a whole, with and without a place that moved more.
func TestALargeTableThatMovedAlike(t *testing.T) {
	for _, by := range []float64{0.5, 2, 6} {
		all := breakdown(11, []int{10, 8, 5}, func([]int32) float64 { return by })
		checkLocated(t, run(t, all, Options{}), External)
	}
}

// A leaf that is always erratic is no cause.
func TestErraticLeafIsNoCause(t *testing.T) {
	for _, cards := range [][]int{{5, 4}, {10, 8, 5}} { // a small and a large table
		in := breakdown(14, cards, still)
		in.Forecast[7], in.Actual[7] = 400, 1600
		if r := run(t, in, Options{}); len(r.Causes) == 0 {
			t.Errorf("%d leaves: nothing is found where the past is not known", len(in.Forecast))
		}
		in.Errors = make([]float64, len(in.Forecast))
		in.Errors[7] = .9
		if r := run(t, in, Options{}); len(r.Causes) > 0 && r.Causes[0].Confidence != Low {
			t.Errorf("%d leaves: %+v", len(in.Forecast), r.Causes)
		}
	}
}

// One part rises, another falls by most of it: both are reported, with shares of what moved
// rather than of the remaining change.
func TestPartsThatOffsetEachOther(t *testing.T) {
	small := table([]float64{100, 100, 100, 100, 100, 100}, []float64{200, 200, 20, 20, 100, 100})
	small.Codes, small.Cards = [][]int32{{0, 0, 1, 1, 2, 2}, {0, 1, 0, 1, 0, 1}}, []int{3, 2}
	large := breakdown(15, []int{10, 8, 5}, func(c []int32) float64 { return [...]float64{2, .3, 1, 1, 1, 1, 1, 1, 1, 1}[c[0]] })
	for _, in := range []Input{small, large} {
		r := run(t, in, Options{})
		checkLocated(t, r, Explained, "[0] [0]", "[0] [1]")
		var shares float64
		for _, c := range r.Causes {
			shares += c.Share
		}
		if !r.Gross || len(r.Causes) != 2 || shares > 1+1e-9 {
			t.Errorf("gross %v, %d causes with %v of what moved", r.Gross, len(r.Causes), shares)
		}
	}
}

// Traffic always shifts a little. A ratio that moves by this no more than by chance is no
// finding.
func TestShiftOfTrafficWithinNoiseIsNoCause(t *testing.T) {
	for _, c := range []struct {
		size float64 // errors are a fraction of size
		want bool
	}{{100, false}, {1e6, true}} {
		in := &Input{Codes: [][]int32{{0, 1, 2, 3}}, Cards: []int{4}}
		rates := []float64{.02, .04, .06, .08}
		before, now := []float64{1, 1, 1, 1}, []float64{.9, .95, 1.05, 1.1} // the ratio rises by 5 %
		parts := &Parts{}
		for i, rate := range rates {
			in.Forecast = append(in.Forecast, rate*now[i]*c.size)
			in.Actual = append(in.Actual, math.Round(rate*now[i]*c.size))
			parts.ForecastNum = append(parts.ForecastNum, rate*before[i]*c.size)
			parts.ForecastDen = append(parts.ForecastDen, before[i]*c.size)
			parts.ActualDen = append(parts.ActualDen, now[i]*c.size)
		}
		in.Parts = parts
		if r := run(t, *in, Options{Count: true}); (r.Verdict == TrafficMix) != c.want {
			t.Errorf("of %v requests: verdict %v, %.3g → %.3g", c.size, r.Verdict, r.RatioBefore, r.RatioNow)
		}
	}
}
