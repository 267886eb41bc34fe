// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis/confidence"
	"github.com/culprit-dev/culprit/analysis/order"
)

// Evidence is what one candidate shows, step by step. Deviations are in units of the series'
// own robust scale in the baseline.
type Evidence struct {
	Long, Near float64   // deviation from the long baseline, and from the minutes before the onset
	Dev        float64   // the smaller of both
	Residual   float64   // Dev, corrected for what its parents in the causal graph explain
	Quiet      float64   // its deviation when nothing is wrong, at least 1
	Rho        float64   // |Pearson's r| with the KPI around the incident
	Share      float64   // share in the KPI's move by the attribution; the largest is 1
	Link       float64   // weight of the association with the KPI
	Kind       float64   // weight of the kind
	Plain      float64   // ln(1+z) relative to the whole baseline, z in its standard deviations
	Relative   float64   // the same for the logarithm of the series
	Began      Beginning // may be before the onset; zero if it did not stir
	Follows    bool      // it moved after the KPI did
	Bound      bool      // only this series has always moved with the KPI, and does so now
	Calls      Calls     // for a series about calls: whether it points to the caller
	x          float64   // ln(1+Residual/Quiet) × Link × Kind, without what is its caller's
	score      float64   // its share of the score of its service
}

// Moved says whether the series clearly left the range that it has when nothing is wrong.
func (e Evidence) Moved() bool { return e.Dev > movedTimes*e.Quiet }

// Stirred says whether the series left, even a little, the range that it has when nothing is
// wrong.
func (e Evidence) Stirred() bool { return e.Dev > stirredTimes*e.Quiet }

// late returns the factor for a series that moved after the KPI.
func (e Evidence) late() float64 {
	if e.Follows {
		return followLate
	}
	return 1
}

// Cause is one candidate with its evidence.
type Cause struct {
	Series  int     // index in Input.Series
	Service int     // its service
	Score   float64 // larger is likelier; comparable within one result only
	Evidence
	Before, After float64 // median of the core and of the incident, in the unit of the input
}

// Service is one service with the combined evidence of its series.
type Service struct {
	Service int
	Score   float64 // sum of the three scores, at most 1, ½ and ½
	Sum     float64 // the best series + half of the second + a quarter of the third …
	Factor  float64 // fraction left after a callee explains part of it; 1 = all
	By      int     // that callee, -1 if none
	Lift    float64 // its loudest series, ln(1+z), relative to what any series reaches when nothing is wrong
	Margin  float64 // lead over the next service that did not move after the KPI, as a share of its score
	Follows bool    // its best series moved after the KPI
	Other   int     // the caller that may be at fault instead, because only its calls show it; -1: none

	Confidence Confidence
}

// Confidence says how sure it is that a service is a cause: that something broke there, and
// that no other one is as likely.
type Confidence = confidence.Level

// The confidences.
const (
	Low    = confidence.Low
	Medium = confidence.Medium
	High   = confidence.High
)

// Result is a ranking with its doubts.
type Result struct {
	Causes   []Cause   // all candidates with enough data, the most likely first
	Services []Service // their services, likewise
	Skipped  []int     // series without enough data, indices in Input.Series
	Onset    int       // first row of the incident as found
	Effect   Beginning // of the KPI's own move
	Walked   int       // rows by which the given onset was late
	Calm     int       // rows by which the KPI followed
	KPI      float64   // deviation of the KPI in the incident, in its own scale
	Trust    float64   // 0..1: weight of the KPI's movement as evidence

	Load       *Load    // factor by which most series moved together; nil: none
	Few        bool     // there are too few quiet windows
	Rows, Core int      // all rows, and those that calibrated
	Warnings   []string // in words, for the report
}

// list fills in Causes and Services.
func (r *Result) list(in Input, t *table, p period, m mark, gs []group, ev []Evidence) {
	var buf []float64
	for i, g := range gs {
		r.Services = append(r.Services, Service{
			Service: g.service, Score: g.total, Sum: g.sum, Factor: g.factor, By: g.by,
			Lift: g.lift, Margin: m.marginOf(gs, i), Follows: g.follows, Other: g.other, Confidence: g.confidence,
		})
	}
	for _, j := range ordered(t, gs, ev) {
		s := &t.cand[j]
		raw := in.Series[s.column].Values
		c := Cause{
			Series: s.column, Service: s.service, Score: ev[j].score, Evidence: ev[j],
			Before: present(raw[:t.core], &buf), After: present(raw[p.onset:], &buf),
		}
		r.Causes = append(r.Causes, c)
	}
}

// present returns the median of the known values, 0 if there are none.
func present(a []float64, buf *[]float64) float64 {
	*buf = appendFinite((*buf)[:0], a)
	if len(*buf) == 0 {
		return 0
	}
	return order.MedianInPlace(*buf)
}

// doubt warns about what weakens the answer.
func (r *Result) doubt(t *table, m mark) {
	switch incident := t.rows - r.Onset; {
	case m.few:
		r.warn("only %d quiet samples before an incident of %d: a cause must stand out alone; hint: use a baseline of at least %d times the incident",
			t.core, incident, 2*windowsMany)
	}
	switch {
	case t.kpi.kind.Demand():
		r.warn("the KPI measures demand: a series that follows it is not evidence, so series are ranked by their own deviation")
	case r.Trust < trustHalf:
		r.warn("the KPI hardly moved (%.1f times its usual scale): series are ranked mostly by their own deviation", r.KPI)
	}
}

func (r *Result) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// refuse lists the series in input order without scores, and says why.
func (r Result) refuse(in Input, why string) Result {
	r.Onset = in.Onset
	r.Warnings = append(r.Warnings, why)
	seen := map[int]bool{}
	for j, s := range in.Series {
		r.Causes = append(r.Causes, Cause{Series: j, Service: s.Service})
		if !seen[s.Service] {
			seen[s.Service] = true
			r.Services = append(r.Services, Service{Service: s.Service, Factor: 1, By: -1, Other: -1})
		}
	}
	return r
}
