// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"cmp"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/judge"
)

// conclude sets the verdict for a model.
func (r *Result) conclude(v *view, q *question, m judge.Model) {
	causes := q.causes(m)
	sure, share := 0, 0.0
	for _, c := range causes {
		if c.Confidence != Low {
			sure++
			share += c.Share
		}
	}
	open := sure == 0 || share < mostShare
	set, selective := v.selective()
	only, lonely := q.soleCombination()
	switch {
	case q.mix >= mixShare && open && math.Abs(q.change) >= mixSD*m.Spread:
		r.Verdict, r.Causes = TrafficMix, lowered(causes)
	case sure == 0 && (q.still || q.withinNoise(m)):
		r.Verdict = NoChange
	case q.still && q.coversAll(m):
		r.Verdict, r.Causes = NoConfident, lowered(causes)
	case open && lonely:
		r.Verdict, r.Causes = Explained, []Cause{only}
	case open && q.alike(m):
		r.Verdict = External
	case sure > 0:
		r.Verdict, r.Causes = Explained, r.joined(q.in, v, causes)
	case len(causes) > 0:
		r.Verdict, r.Causes = NoConfident, causes
	case selective:
		r.Verdict, r.Causes = NoConfident, []Cause{r.fromSet(v, set, Low)}
	default:
		r.Verdict = NoConfident
	}
}

// coversAll says whether the sets cover all leaves and moved in one direction: then neither
// they nor the total went farther than when nothing is wrong.
func (q *question) coversAll(m judge.Model) bool {
	leaves := map[int32]bool{}
	for _, s := range m.Sets {
		for _, i := range s.Leaves {
			leaves[i] = true
		}
	}
	up, down := q.moves(m)
	return len(leaves) > 0 && len(leaves) == q.table.Leaves() && min(up, down) == 0
}

// soleCombination returns the combination that has all of the volume, before and now, if the breakdown has
// other values: that those stayed at 0 is news.
func (q *question) soleCombination() (Cause, bool) {
	var c Combination
	for _, d := range q.dims {
		if code, ok := q.in.onlyValue(d); ok {
			c.Labels, c.Values = append(c.Labels, d), append(c.Values, code)
		}
	}
	if len(c.Labels) == 0 {
		return Cause{}, false
	}
	cause := q.in.cause(c, "adtributor")
	cause.Confidence, cause.Share = Medium, 1-q.mix
	return cause, true
}

// onlyValue returns the single value of a label with any volume, if other values have none.
func (in *Input) onlyValue(label int) (int32, bool) {
	value := int32(-1)
	for i, c := range in.Codes[label] {
		if in.Forecast[i] <= 0 && in.Actual[i] <= 0 {
			continue
		}
		if value >= 0 && c != value {
			return 0, false
		}
		value = c
	}
	return value, value >= 0 && slices.ContainsFunc(in.Codes[label], func(c int32) bool { return c != value })
}

// withinNoise says whether a small move is no more than the noise of the parts adds up to.
func (q *question) withinNoise(m judge.Model) bool {
	move := math.Abs(q.move)
	return q.in.Parts == nil && len(m.Sets) == 0 && m.Background == 1 && move <= noiseMove*q.total && move < 3*m.Spread
}

// alike says whether everything moved by one factor that is worth mentioning, makes up the
// change, and also shows without the heaviest values.
func (q *question) alike(m judge.Model) bool {
	return m.Alike && math.Abs(m.Background-1) > alikeMove && (m.Background > 1) == q.rises && !q.still &&
		float64(len(m.Rest)) >= max(2, alikeLeaves*float64(q.table.Leaves())) && q.moved(m.Rest)/q.move > alikeShare
}

// causes returns the sets that moved in the direction of the total, the largest share first.
func (q *question) causes(m judge.Model) []Cause {
	var causes []Cause
	for _, s := range m.Sets {
		c := q.in.cause(Combination{Labels: pick(q.dims, s.Dims), Values: s.Codes}, "grescan")
		c.Score, c.Bar, c.R2 = s.Gain/2, s.Bar/2, s.R2
		c.Share = q.share(s.Leaves)
		if !q.still && c.Share <= 0 {
			continue
		}
		c.Confidence = q.grade(s, c)
		causes = append(causes, c)
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(b.Share, a.Share) })
	return q.prune(causes)
}

// prune drops guesses if there are confident causes, and lowers causes that are only a small
// part of the change.
func (q *question) prune(causes []Cause) []Cause {
	sure := slices.ContainsFunc(causes, func(c Cause) bool { return c.Confidence != Low && !q.slight(c) })
	kept := causes[:0]
	for _, c := range causes {
		if sure && c.Confidence == Low {
			continue
		}
		if q.slight(c) {
			c.Confidence = Low
		}
		kept = append(kept, c)
	}
	return kept
}

// slight says whether a cause is too small a part of the change to be confident.
func (q *question) slight(c Cause) bool {
	return c.Share < sureShare && !q.still && !q.opt.Deep
}

// share returns the share of the change that some leaves bring, or of the gross movement if the
// total stood still.
func (q *question) share(leaves []int32) float64 {
	e := q.moved(leaves)
	switch {
	case q.still && q.gross > 0:
		return math.Abs(e) / q.gross
	case q.move == 0:
		return 0
	case q.in.Parts != nil:
		return e / q.move * (1 - q.mix)
	}
	return e / q.move
}

// grade returns the confidence in a set: high if it clearly beats the next explanation of its
// leaves, has one factor, and shows in the total.
func (q *question) grade(s judge.Judged, c Cause) Confidence {
	switch {
	case q.noise != nil && s.Gain*math.Sqrt(s.R2) < s.Bar: // chance produces one among so many sets
		return Low
	case !q.still && q.beaten(s) && s.R2 >= highR2 && float64(c.Partial) <= manyPartial*float64(c.Leaves):
		return High
	case q.noise != nil || s.Gap >= mediumGap || s.Rival < mediumRival:
		return Medium
	}
	return Low
}

// beaten says whether a set clearly beats its best rival, and no other choice of values could
// be meant.
func (q *question) beaten(s judge.Judged) bool {
	return s.Plain && (s.Gap >= highGap && s.Rival <= highRival || q.noise == nil && s.Gap >= certainGap)
}

// lowered lowers the confidence of causes.
func lowered(causes []Cause) []Cause {
	for k := range causes {
		causes[k].Confidence = Low
	}
	return causes
}

// joined merges confident causes, if they are values of one label that moved in the same
// direction.
func (r *Result) joined(in *Input, v *view, causes []Cause) []Cause {
	var sure, others []Cause
	for _, c := range causes {
		if c.Confidence != Low {
			sure = append(sure, c)
		} else {
			others = append(others, c)
		}
	}
	_, one := sameLabel(sure)
	if len(sure) < 2 || !one || slices.ContainsFunc(sure, func(c Cause) bool { return c.Ratio > 1 != (sure[0].Ratio > 1) }) {
		return append(sure, others...)
	}
	return append([]Cause{r.union(in, v, sure)}, others...)
}
