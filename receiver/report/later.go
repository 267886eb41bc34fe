// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/analysis"
)

// Later decides whether another look at an alert replaces its report, and returns the report to
// keep.
//
// A look replaces the earlier report if it agrees with the confident causes of that, or if that had
// none. If it disagrees it needs more evidence than the earlier one: when an incident fades, so
// does the evidence. The report then mentions both. "No single place" is an answer too: a look
// without an answer does not replace it. A look at another Prometheus, after a reload, replaces it.
// A look that found no evidence never replaces one that did.
func Later(earlier, now Report) (kept Report, replaced bool) {
	switch {
	case earlier.Status != Failed && now.Status == Failed:
		return earlier, false
	case earlier.Prometheus != now.Prometheus: // findings on another server don't count here
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

// told returns the report's warnings with one about another look, replacing the last such one.
func told(r Report, text string) []analysis.Warning {
	others := slices.DeleteFunc(slices.Clone(r.Result.Warnings), func(w analysis.Warning) bool { return w.Source == sourceLater })
	return append(others, analysis.Warning{Source: sourceLater, Text: text})
}

func lookedAt(r Report) string { return r.Plan.End.UTC().Format("15:04") }

// agrees reports whether a look names, for each kind, the earlier look's first confident cause, or
// a subset or superset of it, and has an answer if the earlier one had.
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

// compatible reports whether two findings are the same, or label sets of which one contains the
// other.
func compatible(a, b analysis.Finding) bool {
	if a.Kind != b.Kind || a.Kind != analysis.KindLabels {
		return identity(a) == identity(b)
	}
	return slices.ContainsFunc(a.Labels, func(x map[string]string) bool {
		return slices.ContainsFunc(b.Labels, func(y map[string]string) bool { return inside(x, y) || inside(y, x) })
	})
}

// inside reports whether a label set has all labels of another.
func inside(set, other map[string]string) bool {
	for name, v := range other {
		if have, ok := set[name]; !ok || have != v {
			return false
		}
	}
	return true
}

// evidence is the weight of a report's answer.
type evidence struct {
	complete bool
	sure     int           // 2: a cause with high confidence; 1: with medium, or "no single place"; 0: nothing
	seen     time.Duration // time of the incident covered
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

// longer is the factor by which a look must cover more of an incident to outweigh another.
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
