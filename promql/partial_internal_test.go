// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"math"
	"slices"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// The query for the incident may fail while others succeed.
func TestLeavesArePartialWithoutAnActual(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		n    analysis.Pieces
		d    *analysis.Pieces
		want []bool
	}{
		"nothing is missing":     {n: analysis.Pieces{Actual: []float64{1, 2}}},
		"no answer":              {},
		"a leaf":                 {n: analysis.Pieces{Actual: []float64{1, nan}}, want: []bool{false, true}},
		"without an actual":      {n: analysis.Pieces{Recent: [][]float64{{nan, 1}}}, want: []bool{true, false}},
		"below":                  {n: analysis.Pieces{Hour: []float64{1, 1}}, d: &analysis.Pieces{Hour: []float64{1, nan}}, want: []bool{false, true}},
		"a numerator of nothing": {d: &analysis.Pieces{Baseline: []float64{nan}}, want: []bool{true}},
	} {
		if got := partial(c.n, c.d); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
