// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestOddsLowerAScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		score, by := rapid.Float64Range(0, 4).Draw(t, "score"), rapid.Float64Range(1, 1e4).Draw(t, "by")
		low := lower(score, by)
		if low < 0 || low > score+1e-12 {
			t.Fatalf("%v is %v by %v", score, low, by)
		}
		if back := Raise(low, by); math.Abs(back-score) > 1e-6 {
			t.Fatalf("%v comes back as %v", score, back)
		}
		if higher := lower(score+.1, by); higher < low {
			t.Fatalf("the order of scores is not kept: %v, %v", low, higher)
		}
	})
	if got := lower(1.25, 1); got != 1.25 {
		t.Errorf("without odds a score is another one: %v", got)
	}
}

func TestLikeliestKeepTheirScore(t *testing.T) {
	gs := []group{{service: 0, total: 2, unexplained: 2}, {service: 1, total: 1.9, unexplained: 1.9}, {service: 2, total: 1, unexplained: 1}}
	expect(gs, []float64{1, 100, 100})
	if gs[1].total != 1.9 || gs[2].total != 1 || gs[0].total > 1 || gs[0].unexplained <= gs[0].total {
		t.Errorf("the scores are %+v", gs)
	}
	before := []group{{service: 0, total: 2}, {service: 1, total: 1}}
	if expect(before, nil); before[0].total != 2 || before[1].total != 1 {
		t.Errorf("without odds they are %+v", before)
	}
}

// A change may put its service first; high confidence still needs evidence from its series.
func TestOddsAloneAreNoHighConfidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.Float64Range(0.1, 2).Draw(t, "second")
		odds := rapid.Float64Range(1, 1e3).Draw(t, "odds")
		gs := []group{
			{service: 0, total: 2, unexplained: 2, lift: 9, other: -1},
			{service: 1, total: second, unexplained: second, lift: 9, other: -1},
		}
		expect(gs, []float64{odds, 1})
		m := DefaultMarks().mark(false, 1)
		without := m.level(9, 1-second/2)
		if got := m.grade(gs, 0); got == High && without == Low {
			t.Fatalf("by odds of %v, %v beside %v is said with high confidence", odds, 2.0, second)
		}
	})
}
