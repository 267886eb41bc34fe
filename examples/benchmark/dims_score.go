// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
)

// located returns the combinations of a cause, written as in the data, in the order of the answer.
func located(f analysis.Finding) []string {
	list := make([]string, len(f.Labels))
	for i, labels := range f.Labels {
		pairs := make([]string, 0, len(labels))
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			pairs = append(pairs, name+"="+labels[name])
		}
		slices.Sort(pairs)
		list[i] = strings.Join(pairs, "&")
	}
	return list
}

// locatedBy returns the combinations of several causes.
func locatedBy(causes []analysis.Finding) []string {
	var list []string
	for _, f := range causes {
		list = append(list, located(f)...)
	}
	return list
}

// reliability counts causes by confidence, and how many of them are right: each of their
// combinations is a true cause.
type reliability map[analysis.Confidence]*[2]int

func (r reliability) add(causes []analysis.Finding, truth []string) {
	for _, f := range causes {
		if r[f.Confidence] == nil {
			r[f.Confidence] = &[2]int{}
		}
		answer := located(f)
		r[f.Confidence][0]++
		r[f.Confidence][1] += oneIf(hitsOf(answer, truth) == len(answer))
	}
}

// cells formats the counts as table cells, the most confident first.
func (r reliability) cells() string {
	cells := make([]string, 0, 3)
	for _, c := range []analysis.Confidence{analysis.High, analysis.Medium, analysis.Low} {
		n := r[c]
		if n == nil {
			n = &[2]int{}
		}
		cells = append(cells, fmt.Sprintf("%d of %d", n[1], n[0]))
	}
	return strings.Join(cells, " | ")
}

// setScore counts exact combinations over the cases of a set.
type setScore struct {
	cases, right, found, true, exact int
	ac1, ac3                         float64
}

func (s *setScore) add(answer, truth []string) {
	hits := hitsOf(answer, truth)
	s.cases++
	s.right += hits
	s.found += len(answer)
	s.true += len(truth)
	if hits == len(truth) && hits == len(answer) {
		s.exact++
	}
	s.ac1 += accuracyAt(1, answer, truth)
	s.ac3 += accuracyAt(3, answer, truth)
}

func hitsOf(answer, truth []string) int {
	n := 0
	for _, c := range answer {
		if slices.Contains(truth, c) {
			n++
		}
	}
	return n
}

// accuracyAt returns AC@k of one case: the share of the truth among the first k answers, of as much
// as k answers can hold.
func accuracyAt(k int, answer, truth []string) float64 {
	return float64(hitsOf(answer[:min(k, len(answer))], truth)) / float64(min(k, len(truth)))
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// f1 returns the micro F1 over exact combinations.
func (s *setScore) f1() float64 { return ratio(2*s.right, s.found+s.true) }

// cells formats the scores as table cells.
func (s *setScore) cells() string {
	n := float64(max(s.cases, 1))
	return fmt.Sprintf("%d | %.3f | %.3f | **%.3f** | %d | %.2f | %.2f",
		s.cases, ratio(s.right, s.found), ratio(s.right, s.true), s.f1(), s.exact, s.ac1/n, s.ac3/n)
}
