// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/words"
)

// SourceNeeded is the source of the warning that says what is needed for an answer.
const SourceNeeded = "needed"

// enoughHistory is how many seconds of a KPI before the onset suffice as a baseline: half an
// hour fills most of the hour that a forecast is made from.
const enoughHistory = 30 * 60

// needed says what would help to get an answer; nil if another warning already says why there
// is none.
func (a *answer) needed(f Frame) []Warning {
	t := a.target
	said := func(w Warning) bool {
		return w.Source == t.Name || w.Source == "prometheus" || w.Source == "expression"
	}
	name := cmp.Or(t.Title, t.Name)
	before, since := f.span(t.Values)
	parts := t.Breakdown != nil && len(t.Breakdown.Labels) > 0
	var text string
	switch {
	case t.Infinite:
		text = name + " is infinite, so there is nothing to compare; hint: look for a division by 0, such as by a limit that is not set, or by no traffic"
	case t.Unread: // a warning says why already, and a count of firing alerts is only a fallback
		return nil
	case before < 0 && since == 0 && slices.ContainsFunc(f.Warnings, said):
		return nil
	case before < 0 && since == 0:
		text = name + " has no samples, neither before the onset nor since; hint: look whether it is still scraped"
	case since == 0:
		text = name + " has no samples since the onset; hint: look whether it is still scraped"
	case before < enoughHistory:
		text = fmt.Sprintf("%s has %s before the onset; %s more would help", name, past(before), words.Seconds.Format(enoughHistory-max(0, before)))
	case !parts && len(t.Candidates) == 0 && t.Breakdown != nil && t.Breakdown.Unsplit != "":
		text = name + " was not broken down: " + t.Breakdown.Unsplit
	case !parts && len(t.Candidates) == 0:
		text = name + " has no labels to split by, and there is nothing to compare it with; hint: name candidates in a rule"
	case len(t.Candidates) == 0:
		text = "the parts of " + name + " show nothing, and there is nothing to compare it with; hint: name candidates in a rule"
	default:
		return nil
	}
	return []Warning{{Source: SourceNeeded, Text: strings.TrimSpace(text)}}
}

func past(seconds float64) string {
	if seconds <= 0 {
		return "no history"
	}
	return words.Seconds.Format(seconds) + " of history"
}

// span returns how many seconds before the onset the samples of a series begin (−1 if none
// precede it), and how many samples there are since.
func (f Frame) span(values []float64) (before float64, since int) {
	before = -1
	for i, v := range values {
		switch {
		case !present(v):
		case f.Times[i] >= f.Onset && (f.End == 0 || f.Times[i] <= f.End):
			since++
		case f.Times[i] < f.Onset && before < 0:
			before = f.Onset - f.Times[i]
		}
	}
	return before, since
}
