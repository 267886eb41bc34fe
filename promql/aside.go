// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"slices"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// setAside replaces outliers in the recent steps of a measure by baseline values. It returns
// when those were, except for times when the alert fired.
func (j joiner) setAside(b *analysis.Breakdown, numerator *analysis.Pieces, denominator *analysis.Pieces) []forecast.Span {
	steps := forecast.Steps{Length: recentStep.Seconds()}
	if b.Count {
		steps.Event = b.Seconds / steps.Length
	}
	n, ok := j.row()
	if !ok || len(numerator.Recent) != n {
		return nil
	}
	steps.Known = j.b.firedSteps(j.fired, n)
	var aside []bool
	*numerator, aside = forecast.SetAside(*numerator, denominator, steps)
	for k, known := range steps.Known {
		aside = slices.Clone(aside)
		if k < len(aside) && known {
			aside[k] = false
		}
	}
	return steps.Stretches(aside, float64(j.b.grid.before.Unix()))
}

// row returns how many recent steps there are, up to the last one. ok is false if steps in
// between are missing.
func (j joiner) row() (n int, ok bool) {
	at := slices.IndexFunc(j.b.samples, func(s sample) bool { return s.piece == PieceRecent })
	if at < 0 {
		return 0, false
	}
	s := j.b.samples[at]
	for k := range s.steps {
		there := j.covered(s, s.end.Add(-time.Duration(s.steps-1-k)*s.length)) >= leastCovered
		if n > 0 && !there {
			return 0, false
		}
		if there {
			n++
		}
	}
	return n, true
}
