// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/analysis"
)

// Later returns what an alert's report is after another look at it, and whether
// that is the new one.
//
// A look that names what the earlier one named with confidence, or comes after
// one that named nothing, takes its place. One that disagrees needs more
// evidence than the earlier had, or the earlier stands: an incident that fades
// takes the evidence with it. Both are then told in the report. That it is no single
// place is an answer, too: a look without any does not take its place. A look at another
// Prometheus, since a reload, takes its place. A look that found no evidence never
// takes the place of one that did.
func Later(earlier, now Report) (kept Report, replaced bool) {
	switch {
	case earlier.Status != Failed && now.Status == Failed:
		return earlier, false
	case earlier.Prometheus != now.Prometheus: // what another server told says nothing of this one's
		return now, true
	case agrees(earlier, now):
		return now, true
	case evidenceOf(now).outweighs(evidenceOf(earlier)):
		now.Result.Warnings = told(now, fmt.Sprintf("at %s it was: %s; now there is more evidence for: %s", lookedAt(earlier), earlier.Line(), now.Line()))
		return now, true
	default:
		earlier.Result.Warnings = told(earlier, fmt.Sprintf("at %s it was: %s; this stands: there is less evidence for what was found at %s: %s",
			lookedAt(earlier), earlier.Line(), lookedAt(now), now.Line()))
		return earlier, false
	}
}

// sourceLater is the source of warnings about another look.
const sourceLater = "another look"

// told are the warnings of a report with what another look has found, in the
// place of what one before that had.
func told(r Report, text string) []analysis.Warning {
	others := slices.DeleteFunc(slices.Clone(r.Result.Warnings), func(w analysis.Warning) bool { return w.Source == sourceLater })
	return append(others, analysis.Warning{Source: sourceLater, Text: text})
}

func lookedAt(r Report) string { return r.Plan.End.UTC().Format("15:04") }

// agrees says whether a look names, of each kind, what the earlier one named first
// with confidence, or a part or a whole of it, and has an answer if that one had.
func agrees(earlier, now Report) bool {
	if evidenceOf(earlier).sure > 0 && evidenceOf(now).sure == 0 {
		return false
	}
	for _, kind := range []string{analysis.KindChange, analysis.KindLabels, analysis.KindSeries} {
		first := best(earlier.Result.Causes, kind)
		if first == nil {
			continue
		}
		if !slices.ContainsFunc(now.Result.Causes, func(f analysis.Finding) bool { return Confident(f) && compatible(*first, f) }) {
			return false
		}
	}
	return true
}

// compatible says whether two findings are of the same series, or have sets of
// labels of which one lies within the other.
func compatible(a, b analysis.Finding) bool {
	if a.Kind != b.Kind || a.Kind != analysis.KindLabels {
		return identity(a) == identity(b)
	}
	return slices.ContainsFunc(a.Labels, func(x map[string]string) bool {
		return slices.ContainsFunc(b.Labels, func(y map[string]string) bool { return inside(x, y) || inside(y, x) })
	})
}

// inside says whether a set of labels has all of another.
func inside(set, other map[string]string) bool {
	for name, v := range other {
		if have, ok := set[name]; !ok || have != v {
			return false
		}
	}
	return true
}

// evidence is how much speaks for the answer of a report.
type evidence struct {
	complete bool
	sure     int           // 2: a cause with high confidence; 1: with medium, or that it is no single place; 0: nothing
	seen     time.Duration // of the incident
}

func evidenceOf(r Report) evidence {
	e := evidence{complete: r.Status == Complete, seen: r.Plan.End.Sub(r.Onset)}
	for _, f := range r.Result.Causes {
		e.sure = max(e.sure, 2-f.Confidence.Rank())
	}
	if e.sure == 0 && r.Result.Verdict == analysis.External {
		e.sure = 1
	}
	return e
}

// longer is how many times as much of an incident must be seen to tell more of it.
const longer = 2

func (e evidence) outweighs(other evidence) bool {
	switch {
	case e.sure == 0, e.sure < other.sure, other.complete && !e.complete:
		return false
	case e.sure > other.sure, e.complete && !other.complete:
		return true
	default:
		return e.seen >= longer*other.seen
	}
}
