// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// reference is the scan by definition: it sums all leaves afresh each time.
func reference(codes [][]int32, cards []int, f, v []float64, opt Options) []Cause {
	opt = opt.withDefaults()
	t, _ := newTable(codes, cards, f, v, Options{Count: opt.Count})
	rule := t.rule(opt)
	if rule.least == 0 || len(t.codes) == 0 {
		return nil
	}
	var causes []Cause
	var bar float64
	for len(causes) < opt.MaxCauses {
		var best candidate
		elements := 0
		for k := 1; k <= min(len(t.codes), opt.MaxLayer); k++ {
			var top candidate
			for _, c := range choose(len(t.codes), k) {
				cells := map[uint64]*cell{}
				var order []uint64
				for i := range t.leaves() {
					key := t.key(c.dims, int32(i))
					if cells[key] == nil {
						cells[key] = &cell{leaf: int32(i)}
						order = append(order, key)
					}
					if t.alive[i] {
						t.addTo(cells[key], i)
					}
				}
				elements += len(order)
				slices.Sort(order)
				var one candidate
				for _, key := range order {
					if s := rule.score(cells[key]); s > one.score {
						one = candidate{*cells[key], c.dims, s}
					}
				}
				if one.score > top.score*(1+nearlyEqual) {
					top = one
				}
			}
			if top.score > best.score*(1+deeper) {
				best = top
			}
		}
		if len(causes) == 0 {
			bar = math.Log(float64(elements)) + barOffset
		}
		if best.score == 0 || len(causes) > 0 && (best.score < bar || best.score < stopRelative*causes[0].Score) {
			break
		}
		leaves := t.under(best.dims, best.leaf)
		causes = append(causes, t.cause(best, leaves, bar, f, v))
		if best.score < bar {
			break
		}
		if len(causes) == 1 && opt.Both {
			rule.rises, rule.against = best.wd > 0, opposed*best.score
		}
		for _, i := range leaves {
			t.alive[i] = false
		}
	}
	return causes
}

func TestSumsOfSumsEqualSumsOfLeaves(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 5))
		cards := make([]int, 2+rng.IntN(5))
		for d := range cards {
			cards[d] = 2 + rng.IntN(9)
		}
		codes, f, v := sparseTable(cards, 30+rng.IntN(400), seed)
		for _, opt := range []Options{{}, {Deep: true, Both: true}, {Count: true, MaxLayer: 2}} {
			want := reference(codes, cards, f, v, opt)
			got := scan(t, codes, cards, f, v, opt).Causes
			if len(got) != len(want) {
				t.Fatalf("seed %d: %d causes, by definition %d", seed, len(got), len(want))
			}
			for k := range got {
				checkCause(t, got[k], want[k].Dims, want[k].Codes)
				if math.Abs(got[k].Score-want[k].Score) > 1e-9*want[k].Score {
					t.Errorf("score %v, by definition %v", got[k].Score, want[k].Score)
				}
			}
		}
	}
}
