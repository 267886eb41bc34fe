// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawFaults draws a table in which one or two combinations moved.
func drawFaults(t *rapid.T) (codes [][]int32, cards []int, f, v []float64) {
	a, b := rapid.Int32Range(0, 2).Draw(t, "a"), rapid.Int32Range(0, 3).Draw(t, "b")
	by := rapid.SampledFrom([]float64{0.1, 0.5, 2, 8}).Draw(t, "factor")
	second := rapid.Bool().Draw(t, "second")
	return smallTable(rapid.Uint64().Draw(t, "seed"), func(x, y, z int32) float64 {
		switch {
		case x == a && y == b:
			return by
		case second && x == (a+1)%3 && z == 1:
			return by
		}
		return 1
	})
}

func mustScan(t *rapid.T, codes [][]int32, cards []int, f, v []float64, opt Options) Result {
	r, err := Scan(codes, cards, f, v, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each cause contains the leaves that no earlier one contains, and its sums are theirs.
func TestLeavesAreExplainedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v := drawFaults(t)
		taken := make([]bool, len(f))
		for _, c := range mustScan(t, codes, cards, f, v, Options{Deep: true, Both: true}).Causes {
			var leaves int
			var forecast, actual float64
			for i := range f {
				under := !taken[i]
				for k, d := range c.Dims {
					under = under && codes[d][i] == c.Codes[k]
				}
				if under {
					taken[i] = true
					leaves++
					forecast += f[i]
					actual += v[i]
				}
			}
			if leaves != c.Leaves || math.Abs(forecast-c.Forecast) > 1e-9*forecast || math.Abs(actual-c.Actual) > 1e-9*actual {
				t.Fatalf("%+v holds %d leaves, forecast %v, actual %v", c, leaves, forecast, actual)
			}
			if c.R2 < minHomogenous || c.R2 > 1 || c.Score <= 0 || !slices.IsSorted(c.Dims) {
				t.Fatalf("%+v", c)
			}
		}
	})
}

// A label equivalent to an earlier one is never named: of two names for the same leaves the
// shorter wins, then the first.
func TestOfTwoNamesTheFirstIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v := drawFaults(t)
		want := mustScan(t, codes, cards, f, v, Options{})
		of := rapid.IntRange(0, 2).Draw(t, "copy of")
		got := mustScan(t, append(slices.Clone(codes), codes[of]), append(slices.Clone(cards), cards[of]), f, v, Options{})
		if len(got.Causes) > len(want.Causes) {
			t.Fatalf("%+v with a copy of label %d, %+v before", got.Causes, of, want.Causes)
		}
		for k, c := range got.Causes { // the threshold rises with the number of names
			w := want.Causes[k]
			if !slices.Equal(c.Dims, w.Dims) || !slices.Equal(c.Codes, w.Codes) || c.Score != w.Score {
				t.Fatalf("cause %d is %+v with a copy of label %d, %+v before", k, c, of, w)
			}
		}
	})
}

// Leaves without volume, before and now, are ignored.
func TestLeavesWithoutVolumeAreNoLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v := drawFaults(t)
		want := mustScan(t, codes, cards, f, v, Options{})
		for range rapid.IntRange(1, 9).Draw(t, "empty leaves") {
			for d := range codes {
				codes[d] = append(codes[d], rapid.Int32Range(0, int32(cards[d])-1).Draw(t, "code"))
			}
			f, v = append(f, 0), append(v, 0)
		}
		got := mustScan(t, codes, cards, f, v, Options{})
		if got.Bar != want.Bar || len(got.Causes) != len(want.Causes) {
			t.Fatalf("%+v, %+v before", got, want)
		}
		for k, c := range got.Causes {
			if w := want.Causes[k]; !slices.Equal(c.Dims, w.Dims) || !slices.Equal(c.Codes, w.Codes) || c.Leaves != w.Leaves || c.Score != w.Score {
				t.Fatalf("cause %d is %+v, %+v before", k, c, w)
			}
		}
	})
}
