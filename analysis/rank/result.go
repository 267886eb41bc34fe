// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis/confidence"
	"github.com/culprit-dev/culprit/analysis/order"
)

// Evidence is what one candidate shows, step by step. Deviations are in units
// of the series' own robust scale in the baseline.
type Evidence struct {
	Long, Near float64   // deviation from the long baseline, and from the minutes before the onset
	Dev        float64   // the smaller of both
	Residual   float64   // Dev, corrected by what the series' parents in the causal graph explain
	Quiet      float64   // what the series reaches when nothing is wrong, at least 1
	Rho        float64   // |Pearson's r| with the KPI around the incident
	Share      float64   // share in the KPI's move by the attribution, the largest is 1
	Link       float64   // weight of the association with the KPI
	Kind       float64   // weight of the kind
	Plain      float64   // ln(1+z) from the whole baseline, z in its standard deviations
	Relative   float64   // the same of the series' logarithm
	Began      Beginning // may lie before the onset; zero if it has not stirred
	Follows    bool      // it moved, and after the KPI did
	Bound      bool      // the KPI went with it at all times, with nobody else besides, and does so now
	Calls      Calls     // of one that measures calls: whether it is the caller's
	x          float64   // ln(1+Residual/Quiet), times Link and Kind, without what is its caller's
	score      float64   // its share of the score of its service
}

// Moved says whether the series clearly left what it reaches when nothing is
// wrong.
func (e Evidence) Moved() bool { return e.Dev > movedTimes*e.Quiet }

// Stirred says whether the series left what it reaches when nothing is wrong, be
// it a little.
func (e Evidence) Stirred() bool { return e.Dev > stirredTimes*e.Quiet }

// late is what is left of the evidence of a series that moved after the KPI.
func (e Evidence) late() float64 {
	if e.Follows {
		return followLate
	}
	return 1
}

// A Cause is one candidate with its evidence.
type Cause struct {
	Series  int     // index in Input.Series
	Service int     // its service
	Score   float64 // larger is likelier; comparable within one result only
	Evidence
	Before, After float64 // median of the core and of the incident, in the unit of the input
}

// A Service is one service with the evidence of its series together.
type Service struct {
	Service int
	Score   float64 // the three scores together, each at most 1, ½ and ½
	Sum     float64 // the best series, half the second, a quarter of the third …
	Factor  float64 // what explaining away by a callee leaves, 1 = all
	By      int     // that callee, -1 if none
	Lift    float64 // its loudest series, ln(1+z), over what any series reaches when nothing is wrong
	Margin  float64 // share of its score by which it is before the next that did not move after the KPI
	Follows bool    // its best series moved after the KPI
	Other   int     // the caller at whose end it may be as well: only its calls show it; -1: none

	Confidence Confidence
}

// A Confidence is how sure it is that a service is a cause: that something broke
// there, and that no other one is as likely.
type Confidence = confidence.Level

// The confidences.
const (
	Low    = confidence.Low
	Medium = confidence.Medium
	High   = confidence.High
)

// A Result is a ranking with its doubts.
type Result struct {
	Causes   []Cause   // all candidates with enough data, most likely first
	Services []Service // their services, likewise
	Skipped  []int     // series without enough data, indices in Input.Series
	Onset    int       // first row of the incident as found
	Effect   Beginning // of the KPI's own move
	Walked   int       // rows by which the given onset was late
	Calm     int       // rows by which the KPI followed
	KPI      float64   // deviation of the KPI in the incident, in its own scale
	Trust    float64   // 0..1: how far the KPI's movement was used as evidence

	Load       *Load    // a factor by which most series moved together; nil: none
	Few        bool     // quiet windows are few to know what is usual
	Rows, Core int      // rows in all, rows that calibrated
	Warnings   []string // in words for the reader of the report
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

// present returns the median of the values that are there, 0 if there are none.
func present(a []float64, buf *[]float64) float64 {
	*buf = appendFinite((*buf)[:0], a)
	if len(*buf) == 0 {
		return 0
	}
	return order.MedianInPlace(*buf)
}

// doubt warns of what weakens the answer.
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

// refuse lists the series in their order without a score and says why.
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
