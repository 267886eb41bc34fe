// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"math"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// A level that began is assumed to have always been where it is since; one that came with the
// incident, or exists only at times, was zero.
func TestNewLevelIsBackfilled(t *testing.T) {
	none := math.NaN()
	p := analysis.Pieces{
		Actual: []float64{9, 9, none},
		Recent: [][]float64{{none, none, 1}, {none, none, none}, {none, none, 1}, {2, none, none}, {4, none, 1}, {3, none, 1}},
		Hour:   []float64{3, none, 1},
		Level:  [][]float64{{none, none, 1}},
	}
	backfill(&p)
	if got, want := fmt.Sprint(p.Recent, p.Hour, p.Level, p.Actual),
		"[[3 0 1] [4 0 0] [2 0 1] [2 0 0] [4 0 1] [3 0 1]] [3 0 1] [[3 0 1]] [9 9 0]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
