// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"maps"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// Class rates an answer.
type Class string

// The classes, best first.
const (
	Right  Class = "RIGHT"  // the truth, confidently, all of it and nothing false before it
	Good   Class = "GOOD"   // the truth, wider, narrower or half of it, is among the first three causes; nothing false is confident
	Honest Class = "HONEST" // nothing is confident, and nothing false
	Wrong  Class = "WRONG"  // a false cause is confident, or the verdict is false
)

// Said is one reported cause, and whether it is true: wider and narrower sets and one of two causes
// are.
type Said struct {
	Confidence analysis.Confidence
	True       bool
}

// Score is the score of an answer.
type Score struct {
	Class Class
	Why   string // why it is not RIGHT
	Said  []Said
	// Compared means that the expected value can be judged, Expected that it is right: within a
	// quarter of the change.
	Compared, Expected bool
}

// fit is how a cause relates to the truth.
type fit int

const (
	none fit = iota
	near     // wider or narrower
	exact
)

// Score scores an answer.
func (w World) Score(r analysis.Result) Score {
	s := Score{}
	fits, found := w.fits(r.Causes)
	for i, c := range r.Causes {
		s.Said = append(s.Said, Said{c.Confidence, fits[i] != none})
	}
	s.Compared, s.Expected = w.expected(r)
	s.Class, s.Why = w.class(r, fits, found)
	return s
}

// confident reports whether a cause is more than a guess.
func confident(f analysis.Finding) bool { return f.Confidence != analysis.Low }

// class rates the verdict and the causes.
func (w World) class(r analysis.Result, fits []fit, found map[string]bool) (Class, string) {
	if why := w.falseVerdict(r); why != "" {
		return Wrong, why
	}
	first := slices.IndexFunc(r.Causes, confident)
	wrong := slices.IndexFunc(r.Causes, confident)
	for wrong >= 0 && wrong < len(fits) && (fits[wrong] != none || !confident(r.Causes[wrong])) {
		wrong++
	}
	if wrong == len(fits) {
		wrong = -1
	}
	all := w.wanted() > 0 && len(found) == w.wanted()
	switch {
	case wrong >= 0 && (wrong == first || !all):
		return Wrong, "confident of " + r.Causes[wrong].Name
	case all, w.said(r) && (w.wanted() == 0 || w.Truth.Silence), w.mixed(r):
		return Right, ""
	}
	for _, f := range fits[:min(3, len(fits))] {
		if f != none {
			return Good, "near, unsure or not all of it"
		}
	}
	if w.Truth.Silence && first < 0 {
		return Right, ""
	}
	return Honest, "nothing is said"
}

// wanted returns how many true things must be named.
func (w World) wanted() int {
	return len(w.Truth.Sets) + min(1, len(w.Truth.Series))
}

// said reports whether the verdict is the true one.
func (w World) said(r analysis.Result) bool {
	return r.Verdict == w.Truth.Verdict && (w.Truth.Everywhere == "" || r.Everywhere == w.Truth.Everywhere)
}

// mixed reports whether the first confident cause is the set whose traffic moved the KPI, and is
// reported as such.
func (w World) mixed(r analysis.Result) bool {
	first := slices.IndexFunc(r.Causes, confident)
	if w.Truth.Mix == nil || first < 0 {
		return false
	}
	return w.isMix(r.Causes[first])
}

// isMix reports whether a cause is the set whose traffic moved the KPI, by its mix.
func (w World) isMix(c analysis.Finding) bool {
	e := c.Evidence
	if w.Truth.Mix == nil || c.Kind != analysis.KindLabels || e.MixEffect == nil || e.RateEffect == nil {
		return false
	}
	same := w.scene.selects(c.Labels) == w.scene.selects([]map[string]string{w.Truth.Mix})
	return same && math.Abs(*e.MixEffect) > math.Abs(*e.RateEffect)
}

// falseVerdict says what is false in the verdict, apart from the causes.
func (w World) falseVerdict(r analysis.Result) string {
	t := w.Truth
	told := r.Change != nil && r.Verdict != analysis.NoChange && r.Verdict != analysis.InsufficientEvidence
	switch {
	case r.Verdict == analysis.External && t.Verdict != analysis.External:
		return "no single place: " + string(r.Everywhere)
	case r.Verdict == analysis.External && t.Everywhere != "" && r.Everywhere != t.Everywhere:
		return "everywhere: " + string(r.Everywhere)
	case r.Verdict == analysis.NoChange && t.Verdict != analysis.NoChange:
		return "no change"
	case told && !t.Still && t.Verdict != analysis.NoChange && w.scene != nil && r.Change.Rising == t.Falling:
		return "the wrong direction"
	default:
		return ""
	}
}

// fits compares the causes with the truth, and returns which parts of the truth are found with
// confidence.
func (w World) fits(causes []analysis.Finding) ([]fit, map[string]bool) {
	fits, found := make([]fit, len(causes)), map[string]bool{}
	for i, c := range causes {
		if c.Kind == analysis.KindSeries {
			fits[i] = w.fitSeries(c)
			if fits[i] == exact && confident(c) {
				found["series"] = true
			}
			continue
		}
		if w.isMix(c) {
			fits[i] = exact
			continue
		}
		var hits []string
		fits[i], hits = w.fitSets(c.Labels)
		if confident(c) {
			for _, h := range hits {
				found[h] = true
			}
		}
	}
	return fits, found
}

func (w World) fitSeries(c analysis.Finding) fit {
	for _, name := range append([]string{c.Series}, c.Evidence.Members...) {
		if slices.Contains(w.Truth.Series, name) {
			return exact
		}
	}
	return none
}

// fitSets compares a union of sets with the true ones. A union of exactly the leaves of several
// true sets is all of them; otherwise each of its members is one of them, wider or narrower, or the
// union is false.
func (w World) fitSets(union []map[string]string) (fit, []string) {
	if w.scene == nil || len(union) == 0 {
		return none, nil
	}
	whole := w.scene.selects(union)
	if whole == w.scene.selects(w.Truth.Sets) && len(w.Truth.Sets) > 0 {
		var all []string
		for _, t := range w.Truth.Sets {
			all = append(all, w.scene.selects([]map[string]string{t}))
		}
		return exact, all
	}
	best := exact
	var hits []string
	for _, set := range union {
		f, hit := w.fitSet(set)
		best = min(best, f)
		if f == exact {
			hits = append(hits, hit)
		}
	}
	if best == none {
		return none, nil
	}
	return best, hits
}

// fitSet compares one set with the true ones. The alert's own labels are in every set that does not
// contradict them.
func (w World) fitSet(set map[string]string) (fit, string) {
	own := maps.Clone(w.scene.alert.own)
	if own == nil {
		own = map[string]string{}
	}
	maps.Copy(own, set)
	set = own
	if len(w.scene.within(set)) == 0 {
		return none, ""
	}
	key := w.scene.selects([]map[string]string{set})
	best := none
	for _, t := range w.Truth.Sets {
		if want := w.scene.selects([]map[string]string{t}); key == want {
			return exact, want
		}
		if contains(set, t) || contains(t, set) {
			best = near
		}
	}
	return best, ""
}

// contains reports whether the first set contains the second.
func contains(set, part map[string]string) bool {
	return len(part) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(part)), func(k string) bool { return set[k] != part[k] })
}

// expected reports whether the expected value can be compared, and whether it is the level before
// the fault.
func (w World) expected(r analysis.Result) (compared, right bool) {
	t := w.Truth
	if w.scene != nil && !w.scene.alert.comparable() {
		return false, false
	}
	if r.Change == nil || t.Usual == t.Now || r.Verdict == analysis.InsufficientEvidence || t.Still {
		return false, false
	}
	usual, now := t.Usual, t.Now
	if w.scene != nil && w.scene.alert.versus == yesterday && r.Change.Forecast < 2 {
		usual, now = 1, now/usual // shown as a share of yesterday
	}
	return true, math.Abs(r.Change.Forecast-usual) <= math.Abs(now-usual)/4
}
