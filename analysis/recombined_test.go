// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"testing"
)

func TestPartsAreComparedWithWhole(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	pieces := Pieces{Actual: []float64{3, nan, 4, inf}}
	for _, tt := range []struct {
		name string
		b    *Breakdown
		want *Recombined
	}{
		{"no breakdown", nil, nil},
		{"a whole that was not asked", &Breakdown{Numerator: pieces}, nil},
		{"a whole that is not a number", &Breakdown{Numerator: pieces, Whole: nan}, nil},
		{"leaves", &Breakdown{Numerator: pieces, Whole: 8}, &Recombined{Parts: 7, Whole: 8}},
		{"one label at a time", &Breakdown{Marginals: []Marginal{{Numerator: pieces}}, Whole: 7}, &Recombined{Parts: 7, Whole: 7}},
	} {
		got := tt.b.recombined()
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
