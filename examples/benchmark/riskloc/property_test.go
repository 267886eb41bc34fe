// SPDX-License-Identifier: Apache-2.0

package riskloc

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawCause draws a table in which one combination of one or two labels moved, down or up, beyond
// its noise.
func drawCause(t *rapid.T) (codes [][]int32, cards []int, f, v []float64, dims []int, values []int32) {
	a, b := rapid.Int32Range(0, 5).Draw(t, "a"), rapid.Int32Range(0, 4).Draw(t, "b")
	by := rapid.SampledFrom([]float64{0.2, 0.4, 2.5, 6}).Draw(t, "factor")
	dims, values = []int{0}, []int32{a}
	if rapid.Bool().Draw(t, "two labels") {
		dims, values = []int{0, 1}, []int32{a, b}
	}
	codes, cards, f, v = table(rapid.Uint64().Draw(t, "seed"), func(x, y, _ int32) float64 {
		if x == a && (len(dims) == 1 || y == b) {
			return by
		}
		return 1
	})
	return codes, cards, f, v, dims, values
}

func mustLocate(t *rapid.T, codes [][]int32, cards []int, f, v []float64) []Cause {
	c, err := Locate(codes, cards, f, v, Options{RemoveFew: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sameCauses compares causes and, except for rounding, their figures.
func sameCauses(t *rapid.T, got, want []Cause) {
	if len(got) != len(want) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for k, w := range want {
		g := got[k]
		if !same(g, w.Dims, w.Codes) || g.Leaves != w.Leaves || math.Abs(g.Risk-w.Risk) > 1e-9 || math.Abs(g.Share-w.Share) > 1e-9 {
			t.Fatalf("cause %d is %+v, want %+v", k, g, w)
		}
	}
}

// A clear cause comes first.
func TestAClearCauseIsFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v, dims, values := drawCause(t)
		got := mustLocate(t, codes, cards, f, v)
		if len(got) == 0 || !same(got[0], dims, values) {
			t.Fatalf("%+v, want %v = %v first", got, dims, values)
		}
		for _, c := range got {
			if c.Risk < 0.5 || c.High > 1 || c.Low < 0 {
				t.Fatalf("risk %v = %v − %v", c.Risk, c.High, c.Low)
			}
		}
	})
}

// Deviations have no unit: a factor that floats hold exactly changes no bit.
func TestUnitIsNoMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v, _, _ := drawCause(t)
		want := mustLocate(t, codes, cards, f, v)
		factor := math.Ldexp(1, rapid.IntRange(-40, 40).Draw(t, "exponent"))
		for i := range f {
			f[i] *= factor
			v[i] *= factor
		}
		if got := mustLocate(t, codes, cards, f, v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v in another unit, %+v before", got, want)
		}
	})
}

// The order of the leaves is arbitrary and must not matter.
func TestOrderOfLeavesIsNoMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v, _, _ := drawCause(t)
		want := mustLocate(t, codes, cards, f, v)
		perm := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1)).Perm(len(f))
		turned := make([][]int32, len(codes))
		for d := range codes {
			turned[d] = shuffled(codes[d], perm)
		}
		sameCauses(t, mustLocate(t, turned, cards, shuffled(f, perm), shuffled(v, perm)), want)
	})
}

func shuffled[T any](x []T, perm []int) []T {
	out := make([]T, len(x))
	for to, from := range perm {
		out[to] = x[from]
	}
	return out
}

// A label with one value, or equivalent to an earlier one, changes nothing.
func TestALabelThatTellsNothingChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v, _, _ := drawCause(t)
		want := mustLocate(t, codes, cards, f, v)
		constant := make([]int32, len(f))
		sameCauses(t, mustLocate(t, append(slices.Clone(codes), constant), append(slices.Clone(cards), 1), f, v), want)
		of := rapid.IntRange(0, 2).Draw(t, "copy of")
		sameCauses(t, mustLocate(t, append(slices.Clone(codes), codes[of]), append(slices.Clone(cards), cards[of]), f, v), want)
	})
}

// Leaves without traffic, before and now, are ignored.
func TestLeavesWithoutTrafficAreNoLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes, cards, f, v, _, _ := drawCause(t)
		want := mustLocate(t, codes, cards, f, v)
		for range rapid.IntRange(1, 20).Draw(t, "empty leaves") {
			for d := range codes {
				codes[d] = append(codes[d], rapid.Int32Range(0, int32(cards[d])-1).Draw(t, "code"))
			}
			f, v = append(f, 0), append(v, 0)
		}
		sameCauses(t, mustLocate(t, codes, cards, f, v), want)
	})
}

// Both indexes number keys in order of appearance.
func TestBothIndexesNumberAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.Uint64Range(0, 999)).Draw(t, "keys")
		dense, hashed := newIndex(1000, len(keys)), newIndex(math.MaxUint64, len(keys))
		if dense.dense == nil || hashed.ids == nil {
			t.Fatal("not one of each kind")
		}
		seen := map[uint64]int32{}
		for _, key := range keys {
			if _, ok := seen[key]; !ok {
				seen[key] = int32(len(seen))
			}
			if a, b := dense.id(key), hashed.id(key); a != seen[key] || b != seen[key] {
				t.Fatalf("key %d is %d in the array, %d in the map, want %d", key, a, b, seen[key])
			}
		}
	})
}

func TestCombinationsAreAllInLexicalOrder(t *testing.T) {
	if got := combinations(4, 2); !reflect.DeepEqual(got, [][]int{{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}) {
		t.Errorf("%v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "n")
		k := rapid.IntRange(1, n).Draw(t, "k")
		all := combinations(n, k)
		want := 1
		for i := range k {
			want = want * (n - i) / (i + 1)
		}
		if len(all) != want || !slices.IsSortedFunc(all, slices.Compare[[]int]) {
			t.Fatalf("%d of %d: %v", k, n, all)
		}
	})
}
