// SPDX-License-Identifier: Apache-2.0

package attribution

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// targets draws the shares of up to 5 candidates in up to 4 targets.
func targets(t *rapid.T) [][]float64 {
	p := rapid.IntRange(1, 5).Draw(t, "candidates")
	share := rapid.OneOf(rapid.Just(0.0), rapid.Just(1.0), rapid.Float64Range(0, 1))
	a := make([][]float64, rapid.IntRange(1, 4).Draw(t, "targets"))
	for k := range a {
		a[k] = rapid.SliceOfN(share, p, p).Draw(t, "shares")
	}
	return a
}

func column(a [][]float64, j int) []float64 {
	var c []float64
	for _, row := range a {
		if explained(row) {
			c = append(c, row[j])
		}
	}
	return c
}

func TestUnionAndIntersectionEncloseTheShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := targets(t)
		union, both := Union(a, nil), Intersection(a, nil)
		for j := range union {
			c := column(a, j)
			if len(c) == 0 {
				if union[j] != 0 || both[j] != 0 {
					t.Fatalf("nothing explained gives union %g, intersection %g", union[j], both[j])
				}
				continue
			}
			lo, hi := slices.Min(c), slices.Max(c)
			if both[j] < lo-1e-12 || both[j] > hi+1e-12 || union[j] < hi-1e-12 || union[j] > 1 {
				t.Fatalf("shares %v: intersection %g, union %g", c, both[j], union[j])
			}
		}
	})
}

func TestOneTargetStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := targets(t)[:1]
		union, both := Union(a, []float64{.3}), Intersection(a, []float64{.3})
		for j, v := range a[0] {
			if math.Abs(union[j]-v) > 1e-15+1e-12*v || math.Abs(both[j]-v) > 1e-12 {
				t.Fatalf("share %g becomes union %g, intersection %g", v, union[j], both[j])
			}
		}
	})
}

func TestOrderOfTargetsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := targets(t)
		union, both := Union(a, nil), Intersection(a, nil)
		slices.Reverse(a)
		for j := range union {
			if math.Abs(Union(a, nil)[j]-union[j]) > 1e-12 || math.Abs(Intersection(a, nil)[j]-both[j]) > 1e-12 {
				t.Fatal("the order of the targets changes the merged scores")
			}
		}
	})
}

func TestMoreShareNeverMergesToLess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := targets(t)
		k := rapid.IntRange(0, len(a)-1).Draw(t, "target")
		j := rapid.IntRange(0, len(a[0])-1).Draw(t, "candidate")
		if !explained(a[k]) {
			t.Skip("a target that becomes explained joins the intersection")
		}
		union, both := Union(a, nil)[j], Intersection(a, nil)[j]
		a[k][j] += (1 - a[k][j]) * rapid.Float64Range(0, 1).Draw(t, "more")
		if Union(a, nil)[j] < union-1e-12 || Intersection(a, nil)[j] < both-1e-12 {
			t.Fatal("a larger share lowers the merged score")
		}
	})
}

func TestMergeRanksAndExplains(t *testing.T) {
	got := Merge([][]float64{{.5, .5, 0, 0}, {.5, 0, .5, 0}, {0, 0, 0, 0}}, nil)
	if len(got) != 3 {
		t.Fatalf("merged = %+v, want three candidates with a share", got)
	}
	first := got[0]
	if first.Candidate != 0 || math.Abs(first.Union-.75) > 1e-12 || math.Abs(first.Intersection-.5) > 1e-12 || !first.Common {
		t.Errorf("first = %+v, want the common cause 0 with union 0.75 and intersection 0.5", first)
	}
	if !reflect.DeepEqual(first.Explains, []int{0, 1}) || !reflect.DeepEqual(got[2].Explains, []int{1}) || got[1].Common {
		t.Errorf("merged = %+v", got)
	}
	if got[1].Candidate != 1 || got[2].Candidate != 2 {
		t.Errorf("ties must go to the smaller index: %+v", got)
	}
	if Merge(nil, nil) != nil {
		t.Error("no targets must merge to nothing")
	}
}

func TestSevereTargetsCountMore(t *testing.T) {
	got := Merge([][]float64{{.6, 0}, {0, .6}}, []float64{1, 4})
	if got[0].Candidate != 1 || math.Abs(got[0].Union-.6) > 1e-12 || math.Abs(got[1].Union-(1-math.Pow(.4, .25))) > 1e-12 {
		t.Errorf("merged = %+v, want the cause of the severe target first", got)
	}
}
