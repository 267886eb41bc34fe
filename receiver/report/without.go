// SPDX-License-Identifier: Apache-2.0

package report

import (
	"math"
	"slices"
	"strconv"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Without is the KPI without its culprit: what is left when the label sets that are the cause are
// removed from its breakdown.
type Without struct {
	Of     []map[string]string `json:"of"`              // the label sets removed
	Steps  []WithoutStep       `json:"steps"`           // before the incident, oldest first, and the incident as the last
	Before float64             `json:"before"`          // median of the rest before the incident
	Whole  float64             `json:"whole"`           // the same of the whole
	Flat   bool                `json:"flat"`            // the rest during the incident is as before
	Beside bool                `json:"beside"`          // not the KPI itself, but a substitute for it, in the unit of the parts
	Ratio  bool                `json:"ratio,omitempty"` // and a share of it
}

// WithoutStep is a mean over a time range.
type WithoutStep struct {
	From  float64 `json:"from"` // Unix seconds
	To    float64 `json:"to"`
	Whole float64 `json:"whole"`
	Rest  float64 `json:"rest"` // without the removed label sets
}

// Now is the step of the incident.
func (w *Without) Now() WithoutStep { return w.Steps[len(w.Steps)-1] }

// Culprit returns the removed label sets as a finding.
func (w *Without) Culprit() analysis.Finding {
	return analysis.Finding{Kind: analysis.KindLabels, Labels: w.Of}
}

const (
	flatDigits = 4   // significant digits, as many as are shown
	flatSteps  = 6   // minimum of steps before the incident to know what is usual
	flatSD     = 3   // standard deviations of the rest that are usual
	flatShare  = 0.1 // share of the whole's move that counts as no move of the rest
	flatOwn    = 0.5 // share of the earlier value, of rest or whole: nobody calls 50 → 900 flat
)

// NewWithout removes the causes that are label sets from the first KPI of a frame; nil if there are
// none, or if the parts are unknown over time.
func NewWithout(f analysis.Frame, res analysis.Result) *Without {
	if len(f.Targets) == 0 || f.Targets[0].Breakdown == nil {
		return nil
	}
	t := f.Targets[0]
	sets := culprits(res.Causes, t.Name)
	steps := t.Breakdown.Without(sets)
	if steps == nil {
		return nil
	}
	w := &Without{Of: sets, Beside: !t.Breakdown.Course.Likeness, Ratio: t.Breakdown.Denominator != nil}
	for _, s := range steps {
		w.Steps = append(w.Steps, WithoutStep{From: s.From, To: s.To, Whole: rounded(s.Whole, flatDigits), Rest: rounded(s.Rest, flatDigits)})
	}
	return w.judge(slices.Concat(res.Aside, f.Fired))
}

// culprits returns the label sets that a line about a KPI names together.
func culprits(causes []analysis.Finding, kpi string) (sets []map[string]string) {
	list := leading(causes)
	if place := FoundPlace(causes); len(list) == 0 && len(place.Labels) > 0 {
		list = []analysis.Finding{place}
	}
	for _, f := range list {
		if len(f.Explains) == 0 || slices.Contains(f.Explains, kpi) {
			sets = append(sets, f.Labels...)
		}
	}
	return sets
}

// judge computes the usual value of the rest before the incident, except in excluded times, and
// whether it still holds.
func (w *Without) judge(aside []analysis.Stretch) *Without {
	var whole, rest []float64
	for _, s := range w.Steps[:len(w.Steps)-1] {
		if !slices.ContainsFunc(aside, func(a analysis.Stretch) bool { return s.From < a.To && a.From < s.To }) {
			whole, rest = append(whole, s.Whole), append(rest, s.Rest)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	now, length := w.Now(), w.Steps[0].To-w.Steps[0].From
	w.Whole, w.Before = rounded(order.Median(whole), flatDigits), rounded(order.Median(rest), flatDigits)
	sd := order.RobustSD(rest) * math.Sqrt(max(1, length/(now.To-now.From))) // shorter means are noisier
	off := math.Abs(now.Rest - w.Before)
	w.Flat = len(rest) >= flatSteps && off <= flatShare*math.Abs(now.Whole-w.Whole) && off <= flatOwn*max(math.Abs(w.Before), math.Abs(w.Whole)) &&
		(off <= flatSD*sd || slices.Min(rest) <= now.Rest && now.Rest <= slices.Max(rest))
	return w
}

// rounded rounds to significant digits.
func rounded(v float64, digits int) float64 {
	s, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v
	}
	return s
}

// UnitWithout is the unit of the KPI without its culprit.
func (r Report) UnitWithout() words.Unit {
	switch w := r.Without; {
	case w == nil:
		return ""
	case !w.Beside:
		return r.Unit()
	case w.Ratio:
		return words.Ratio
	default:
		return r.PartUnit()
	}
}

// SayWithout says what is left without the culprit: that it is flat if it is, else the figures of
// both.
func (r Report) SayWithout() string {
	w := r.Without
	if w == nil || len(w.Steps) == 0 {
		return ""
	}
	u, now := r.UnitWithout(), w.Now()
	name, what := middle(Title(w.Culprit()), titleLimit), "it"
	if w.Beside {
		what = "what it was broken down into"
	}
	if w.Flat {
		return "Without " + name + " " + what + " would be flat: " + u.Format(w.Before) + " before, " + u.Format(now.Rest) + " now"
	}
	return "Without " + name + " " + what + " would go from " + u.Format(w.Before) + " to " + u.Format(now.Rest) +
		"; as it is, from " + u.Format(w.Whole) + " to " + u.Format(now.Whole)
}
