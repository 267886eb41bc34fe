// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// setAside puts what is usual in the place of what is no baseline in the recent
// steps of a measure. It returns when that was.
func (j joiner) setAside(b *analysis.Breakdown, numerator *analysis.Pieces, denominator *analysis.Pieces) []forecast.Span {
	steps := forecast.Steps{Length: recentStep.Seconds()}
	if b.Count {
		steps.Event = b.Seconds / steps.Length
	}
	if len(numerator.Recent) != recentSteps { // some are missing, and the others are no row of steps
		return nil
	}
	var aside []bool
	*numerator, aside = forecast.SetAside(*numerator, denominator, steps)
	return steps.Stretches(aside, float64(j.b.grid.before.Unix()))
}
