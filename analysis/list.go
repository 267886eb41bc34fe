// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"slices"

	"github.com/culprit-dev/culprit/analysis/attribution"
)

// oneList merges changes, label sets and series into one ranked list: by confidence, then by
// share of the change, and label sets before series on a tie. The order within a kind stays. At
// least one confident finding of each kind is among the first five.
func oneList(l lists) []Finding {
	why := slices.Clone(l.why)
	hideConflictingShares(why)
	where := l.where
	list := make([]Finding, 0, len(where)+len(why)+len(l.what))
	for len(where) > 0 || len(why) > 0 {
		switch {
		case len(why) == 0, len(where) > 0 && !before(why[0], where[0]):
			list, where = append(list, where[0]), where[1:]
		default:
			list, why = append(list, why[0]), why[1:]
		}
	}
	list = withChanges(list, l.what)
	list = ShowKinds(list, func(f Finding) Finding { return f })
	for i := range list {
		list[i].Rank = i + 1
	}
	return list
}

// lists are the findings of each kind, in the order of its method.
type lists struct{ what, where, why []Finding }

// withChanges inserts each change into the list: a confident one before everything of at most
// its confidence, a guess before the series that are less likely.
func withChanges(list, what []Finding) []Finding {
	for _, f := range what {
		at := slices.IndexFunc(list, func(other Finding) bool {
			switch {
			case other.Confidence != f.Confidence:
				return f.Confidence.Rank() < other.Confidence.Rank()
			case other.Kind == KindChange:
				return false
			default:
				return f.Confidence != Low || other.Kind == KindSeries && other.Odds < f.Odds
			}
		})
		if at < 0 {
			at = len(list)
		}
		list = slices.Insert(list, at, f)
		hideShare(list[:at+1], list[at+1:])
	}
	return list
}

// hideShare clears the share of the last finding if one behind it, of the same confidence, has a
// larger one: its rank has other reasons, and the figure stays in the evidence.
func hideShare(list, behind []Finding) {
	last := &list[len(list)-1]
	for _, f := range behind {
		if f.Confidence == last.Confidence && f.Share > last.Share {
			last.Share = 0
		}
	}
}

func before(a, b Finding) bool { return compareStanding(a, b) < 0 }

// hideConflictingShares clears the share of a series whose share by the regression exceeds that of a
// higher-ranked one of the same confidence: regression and ranking disagree, and the ranking
// has measured better. The figure stays in the evidence.
func hideConflictingShares(why []Finding) {
	least := map[Confidence]float64{}
	for i, f := range why {
		switch most, told := least[f.Confidence]; {
		case f.Share == 0:
		case told && f.Share > most:
			why[i].Share = 0
		default:
			least[f.Confidence] = f.Share
		}
	}
}

// firstScreen is how many causes people read. A confident kind must not be pushed below them by
// another.
const firstScreen = 5

// ShowKinds moves the first confident finding of each kind up into the first five places, if it
// is below. Everything else keeps its order.
func ShowKinds[T any](list []T, of func(T) Finding) []T {
	shown := make([]bool, len(list)) // on the first screen
	room := min(firstScreen, len(list))
	for _, kind := range []string{KindChange, KindLabels, KindSeries} {
		at := slices.IndexFunc(list, func(item T) bool { return of(item).Kind == kind && of(item).Confidence != Low })
		if at >= 0 {
			shown[at] = true
			room--
		}
	}
	head, tail := make([]T, 0, len(list)), []T(nil)
	for i, item := range list {
		if !shown[i] && room > 0 {
			shown[i] = true
			room--
		}
		if shown[i] {
			head = append(head, item)
		} else {
			tail = append(tail, item)
		}
	}
	return append(head, tail...)
}

// mergeTargets merges the findings of several KPIs. Those of a single KPI stay as they are.
func mergeTargets(targets []Target, answers []answer) lists {
	if len(answers) == 1 {
		a := answers[0]
		return lists{a.changes, a.labels.findings, a.series.findings}
	}
	var what, where, why [][]Finding
	for _, a := range answers {
		what, where, why = append(what, a.changes), append(where, a.labels.findings), append(why, a.series.findings)
	}
	return lists{mergeFindings(targets, what), mergeFindings(targets, where), mergeFindings(targets, why)}
}

// mergeFindings merges the findings of one kind by name. The share of a cause in several KPIs
// is the union 1 − Π(1 − A)^w, and a cause common to all explained KPIs is marked (BALANCE,
// step 8).
func mergeFindings(targets []Target, findings [][]Finding) []Finding {
	index := map[string]int{}
	var best []Finding
	for _, list := range findings {
		for _, f := range list {
			i, ok := index[f.Name]
			if !ok {
				index[f.Name] = len(best)
				best = append(best, f)
			} else if f.Confidence.Rank() < best[i].Confidence.Rank() {
				best[i] = f
			}
		}
	}
	shares, weights := shareTable(targets, findings, index)
	merged := make([]Finding, 0, len(best))
	listed := make([]bool, len(best))
	for _, m := range attribution.Merge(shares, weights) {
		f := best[m.Candidate]
		f.Share, f.Common = m.Union, m.Common
		f.Explains = nil
		for _, k := range m.Explains {
			f.Explains = append(f.Explains, targets[k].Name)
		}
		listed[m.Candidate] = true
		merged = append(merged, f)
	}
	for i, f := range best { // without a share in any KPI: last
		if !listed[i] {
			merged = append(merged, f)
		}
	}
	slices.SortStableFunc(merged, func(a, b Finding) int { return cmp.Compare(a.Confidence.Rank(), b.Confidence.Rank()) })
	return merged
}

func shareTable(targets []Target, findings [][]Finding, index map[string]int) (shares [][]float64, weights []float64) {
	largest := 0.0
	for _, t := range targets {
		largest = max(largest, t.weight())
	}
	for k, list := range findings {
		row := make([]float64, len(index))
		for _, f := range list {
			row[index[f.Name]] = min(max(f.Share, 0), 1)
		}
		shares = append(shares, row)
		weights = append(weights, targets[k].weight()/largest)
	}
	return shares, weights
}

// weight returns the severity of a target relative to the others.
func (t Target) weight() float64 {
	if t.Weight <= 0 {
		return 1
	}
	return t.Weight
}
