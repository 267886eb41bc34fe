// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"slices"
	"testing"
)

// grid is a table of a × b leaves of n events each; the events of those that moved selects are
// multiplied by factor.
func grid(a, b int, n, factor float64, moved func(i, j int) bool) (codes [][]int32, forecast, actual []float64) {
	codes = make([][]int32, 2)
	for i := range a {
		for j := range b {
			codes[0], codes[1] = append(codes[0], int32(i)), append(codes[1], int32(j))
			v := n
			if moved(i, j) {
				v *= factor
			}
			forecast, actual = append(forecast, n), append(actual, v)
		}
	}
	return codes, forecast, actual
}

// A part that didn't move is excluded from the cause, however much the rest rose, if it has
// enough events; one that moved is included.
func TestUnmovedPartIsExcluded(t *testing.T) {
	for _, factor := range []float64{3, 10, 100, 1000} {
		for _, n := range []float64{4, 40, 400} {
			for _, tt := range []struct {
				name  string
				moved func(i, j int) bool
				want  []int
			}{
				{"one leaf of two", func(i, j int) bool { return i == 1 && j == 1 }, []int{0, 1}},
				{"both leaves", func(i, _ int) bool { return i == 1 }, []int{0}},
			} {
				codes, forecast, actual := grid(4, 2, n, factor, tt.moved)
				r, err := Scan(codes, []int{4, 2}, forecast, actual, Options{Count: true})
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Causes) == 0 || !slices.Equal(r.Causes[0].Dims, tt.want) {
					t.Errorf("%s of %v events, ×%v: %+v", tt.name, n, factor, r.Causes)
				}
			}
		}
	}
}

// One event is too few to know whether it should have increased.
func TestPartOfOneEventIsNoEvidence(t *testing.T) {
	codes, forecast, actual := grid(4, 2, 100, 10, func(i, j int) bool { return i == 1 && j == 1 })
	forecast[2], actual[2] = 1, 1 // next to the leaf that moved
	r, err := Scan(codes, []int{4, 2}, forecast, actual, Options{Count: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Causes) != 1 || !slices.Equal(r.Causes[0].Dims, []int{0}) {
		t.Errorf("%+v", r.Causes)
	}
}
