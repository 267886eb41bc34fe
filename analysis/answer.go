// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"fmt"
	"slices"
)

// gone says whether nothing is left of a KPI that has no candidates, nor of any of its parts and
// siblings. No further evidence is needed for that.
func (a *answer) gone(c *Change) bool {
	return !a.labels.looked && len(a.target.Candidates) == 0 && c != nil && c.Forecast > 0 && c.Actual == 0 &&
		!a.target.Breakdown.left()
}

// left says whether any leaf still has a value in the incident.
func (b *Breakdown) left() bool {
	return b != nil && slices.ContainsFunc(b.Numerator.Actual, func(v float64) bool { return present(v) && v != 0 })
}

// answer is everything found about one target.
type answer struct {
	target Target
	labels labelAnswer
	series seriesAnswer
	broken []Warning

	changes []Finding
}

func (a *answer) guard(source string, analyse func()) {
	defer func() {
		if err := recover(); err != nil {
			a.broken = append(a.broken, Warning{Source: source, Text: fmt.Sprintf("the analysis failed and is left out (a bug in culprit, please report it): %v", err)})
		}
	}()
	analyse()
}

// warnings returns the warnings of both analyses, prefixed with the target's name if there are
// several.
func (a *answer) warnings(named bool) []Warning {
	all := slices.Concat(a.broken, a.labels.verdict, a.labels.warnings, a.series.warnings)
	if named {
		for i := range all {
			all[i].Source = a.target.Name + ": " + all[i].Source
		}
	}
	return all
}

// change returns the move of the KPI: from the breakdown if that is exactly the KPI or has it
// as a leaf, else from the medians of its samples before and in the incident.
func (a *answer) change(f Frame) *Change {
	b, c := a.target.Breakdown, a.labels.change
	switch {
	case c != nil && !a.target.Clock && a.labels.own != nil:
		c = a.labels.own
	case c == nil || a.target.Clock || b.Beside:
		before, after, ok := f.levels(a.target.Values, a.target.Crossing)
		if !ok {
			return nil
		}
		c = &Change{Forecast: before, Actual: after, Rising: after > before}
	}
	c.Target, c.Clock = cmp.Or(a.target.Title, a.target.Name), a.target.Clock
	if c.Siblings = a.labels.beside; b != nil && b.Own != nil && !b.Extreme {
		c.Siblings = len(b.Leaves) - 1
	}
	if c.Clock {
		c.Actual, c.Rising = f.latest(a.target.Values), f.ascends(a.target.Values)
		c.Others = b.others(c.Actual)
	}
	return c
}

// blind says that there was nothing to analyse, or too little history.
func (a *answer) blind() bool { return !a.labels.looked && (a.series.fit == nil || a.series.short) }

// still says that the KPI did not move, according to everything that was analysed.
func (a *answer) still() bool {
	labels := !a.labels.looked || a.labels.still
	series := a.series.fit == nil || a.series.calm
	return labels && series
}
