// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"math/rand/v2"
	"testing"
)

const bondOnset, bondEnd = 140, 150

// noise is a column of normal noise.
func noise(rng *rand.Rand) []float64 {
	x := make([]float64, bondEnd)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// mixed is a weighted sum of columns, plus a jump in the incident.
func mixed(jump float64, weights []float64, columns ...[]float64) []float64 {
	y := make([]float64, bondEnd)
	for i := range y {
		for k, c := range columns {
			y[i] += weights[k] * c[i]
		}
		if i >= bondOnset {
			y[i] += jump
		}
	}
	return y
}

// bonded is a system in which the KPI always follows the CPU of service 2 and jumps with it by
// the given slope. It also returns the series that drives both.
func bonded(seed uint64, slope float64) (in Input, driver []float64, rng *rand.Rand) {
	rng = rand.New(rand.NewPCG(seed, 77))
	for s := range 5 {
		in.Series = append(in.Series, Series{Service: s, Kind: CPU, Metric: 1, Values: noise(rng)})
	}
	driver = mixed(9, []float64{1}, in.Series[2].Values)
	in.Series[2].Values = driver
	in.KPI = Series{Kind: Latency, Values: mixed(0, []float64{slope, .2 * slope}, driver, noise(rng))}
	in.Onset = bondOnset
	return in, driver, rng
}

// boundTo is the candidate to which the KPI is bound, or -1.
func boundTo(in Input) int {
	t, _ := prepare(in)
	p := findOnset(t)
	t.rebase(p)
	_, w := trust(t, p)
	ev, _ := weigh(t, p, w, Options{})
	followers(t, p, ev)
	return t.bond(p, DefaultMarks().mark(t.fewQuiet(p), w), ev, in.Calls)
}

// checkBound expects a bond with the candidate in each of many systems.
func checkBound(t *testing.T, want int, slope float64, change func(in *Input, driver []float64, rng *rand.Rand)) {
	t.Helper()
	const runs = 30
	right := 0
	for seed := range uint64(runs) {
		in, driver, rng := bonded(seed, slope)
		change(&in, driver, rng)
		if boundTo(in) == want {
			right++
		}
	}
	if right < runs-1 { // by chance the noise of another service explains a part of the residual
		t.Errorf("the KPI is bound to %d in %d of %d systems", want, right, runs)
	}
}

func asItIs(*Input, []float64, *rand.Rand) {}

// A bond doesn't depend on units or on signs.
func TestBondIgnoresUnitAndSign(t *testing.T) {
	for _, slope := range []float64{1, -1, 1e6, -1e-6} {
		checkBound(t, 2, slope, asItIs)
	}
}

func TestBondIsExclusive(t *testing.T) {
	checkBound(t, -1, 1, func(in *Input, driver []float64, rng *rand.Rand) { // another shows it as well
		in.Series[4].Values = mixed(0, []float64{-3, .02}, driver, noise(rng))
	})
	checkBound(t, 2, 1, func(in *Input, driver []float64, rng *rand.Rand) { // one of the same service does
		in.Series = append(in.Series, Series{Service: 2, Kind: Memory, Values: mixed(0, []float64{1, .5}, driver, noise(rng))})
	})
	checkBound(t, -1, 1, func(in *Input, driver []float64, rng *rand.Rand) { // another explains a part of the residual
		in.KPI.Values = mixed(0, []float64{1, -.3, .1}, driver, in.Series[0].Values, noise(rng))
	})
}

func TestABondHoldsInTheIncident(t *testing.T) {
	for _, jump := range []float64{-18, 9, -9} { // the opposite direction, twice as far, and not at all
		checkBound(t, -1, 1, func(in *Input, driver []float64, rng *rand.Rand) {
			in.KPI.Values = mixed(jump, []float64{1, .2}, driver, noise(rng))
		})
	}
}

func TestCommonDriftIsNoBond(t *testing.T) {
	checkBound(t, -1, 1, func(in *Input, driver []float64, rng *rand.Rand) {
		tide := make([]float64, bondEnd)
		for i := range tide {
			tide[i] = 6 * math.Sin(float64(i)/20)
		}
		in.Series[2].Values = mixed(0, []float64{1, 1}, tide, driver)
		in.KPI.Values = mixed(9, []float64{1, 1}, tide, noise(rng))
	})
}

// A spike that all series share counts as much as any single row.
func TestASpikeIsNoBond(t *testing.T) {
	checkBound(t, -1, 1, func(in *Input, driver []float64, rng *rand.Rand) {
		spike := make([]float64, bondEnd)
		spike[40] = 500
		in.Series[2].Values = mixed(0, []float64{1, 1}, spike, driver)
		in.KPI.Values = mixed(9, []float64{1, 1}, spike, noise(rng))
	})
}

func TestABondNeedsABaselineAndNoDemand(t *testing.T) {
	checkBound(t, -1, 1, func(in *Input, _ []float64, _ *rand.Rand) { in.KPI.Kind = Traffic })
	checkBound(t, -1, 1, func(in *Input, _ []float64, _ *rand.Rand) { *in = cutBefore(*in, bondOnset-bondRows/2) })
}

// A service's symptoms may come from its callees; its resource usage is its own.
func TestSymptomOfCalleeIsNoBond(t *testing.T) {
	calls := [][2]int{{0, 1}, {2, 3}, {3, 4}, {1, 2}}
	breaks := func(in *Input, service int) {
		in.Series[service].Values = mixed(9, []float64{1}, in.Series[service].Values)
	}
	for _, c := range []struct {
		kind   Metric
		calls  [][2]int
		breaks int // another service that moved
		want   int
	}{
		{CPU, calls, 4, 2},
		{Error, calls, 4, -1},
		{Error, calls, 0, 2}, // it is a caller
		{Error, nil, 4, 2},
		{Latency, nil, 0, -1}, // the same kind as the KPI, with unknown callees
		{Unknown, nil, 0, 2},
	} {
		checkBound(t, c.want, 1, func(in *Input, _ []float64, _ *rand.Rand) {
			in.Series[2].Kind, in.Calls = c.kind, c.calls
			breaks(in, c.breaks)
		})
	}
}

// A bond matters only if no other service is confident.
func TestABondPutsItsServiceFirst(t *testing.T) {
	bound := 0
	for seed := range uint64(10) {
		in, _, _ := bonded(seed, 1)
		for s := range 5 { // all move, so that moving is no evidence
			if s != 2 {
				in.Series[s].Values = mixed(30, []float64{1}, in.Series[s].Values)
			}
		}
		r := Rank(in, Options{})
		if first := r.Services[0]; first.Service != 2 || first.Confidence != Medium {
			t.Errorf("seed %d: service %d of %v confidence; want service 2 of medium", seed, first.Service, first.Confidence)
		} else if r.Causes[0].Bound {
			bound++
		}
	}
	if bound < 8 {
		t.Errorf("the bond made %d of ten answers", bound)
	}
}

// The residual of a fit is uncorrelated with it, in any unit and at any level.
func TestResidualIsUncorrelatedWithFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		x, slope, level := noise(rng), 10*rng.NormFloat64(), 100*rng.NormFloat64()
		y := mixed(0, []float64{slope, 1}, x, noise(rng))
		for i := range y {
			x[i], y[i] = x[i]+level, y[i]-level
		}
		if rest := without(y, x); math.Abs(correlation(rest, x)) > 1e-9 {
			t.Errorf("what is left goes with the line: r = %g", correlation(rest, x))
		}
		if got := slopeOf(x, mixed(0, []float64{slope}, x)); math.Abs(got-slope) > 1e-9*(1+math.Abs(slope)) {
			t.Errorf("slope %g, want %g", got, slope)
		}
	}
	if got := slopeOf(make([]float64, 9), []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}); got != 0 {
		t.Errorf("the slope over a constant is %g", got)
	}
}
