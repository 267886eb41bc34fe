// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// sayLevel says since when an unchanged KPI has been beyond its alert's threshold, and how far.
func sayLevel(c analysis.Change, u words.Unit) []string {
	l := c.Level
	if l == nil {
		return nil
	}
	limit := u.Format(l.Threshold)
	if l.Held == 0 && !l.AtLeast {
		return []string{": it is no longer " + side(l.Operator) + limit}
	}
	since := " for "
	if l.AtLeast {
		since = " for at least " // as far back as was queried
	}
	return []string{": it has been " + side(l.Operator) + limit + since + words.Seconds.Format(l.Held), by(*l, c.Actual)}
}

// by is the relative distance of a value from the threshold.
func by(l analysis.Level, v float64) string {
	share := math.Abs(v-l.Threshold) / math.Abs(l.Threshold)
	if l.Threshold == 0 || share == 0 || l.Operator == "==" || l.Operator == "!=" {
		return ""
	}
	return ", by " + words.Percent(share) + " now"
}

// side is where the values are for which a comparison holds.
func side(operator string) string {
	return map[string]string{
		">": "above ", ">=": "at or above ", "<": "below ", "<=": "at or below ", "==": "at ", "!=": "other than ",
	}[operator]
}
