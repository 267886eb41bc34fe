// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// ReplayCase is an alert to be explained again, with what was said of it then and what
// people said of that. It is what `culprit export` writes and `culprit replay`
// reads.
type ReplayCase struct {
	Report   string             `json:"report"` // its id
	Alert    Alert              `json:"alert"`
	Onset    time.Time          `json:"onset"`
	At       time.Time          `json:"at"` // up to when was looked
	Rule     string             `json:"rule,omitempty"`
	Summary  string             `json:"summary"`
	Causes   []analysis.Finding `json:"causes"`
	Feedback *Feedback          `json:"feedback,omitempty"` // the last; nil: nobody has said anything
	Changes  []changes.Change   `json:"changes,omitempty"`  // that others had reported of its time
}

// Between returns the changes of the case of which a part lies in a time.
func (c ReplayCase) Between(_ context.Context, from, to time.Time) (list []changes.Change, older int, err error) {
	for _, one := range c.Changes {
		if one.At <= float64(to.Unix()) && max(one.At, one.Until) >= float64(from.Unix()) {
			list = append(list, one)
		}
	}
	return list, 0, nil
}

// ReplayCaseOf makes a case of a report.
func ReplayCaseOf(r Report) ReplayCase {
	c := ReplayCase{Report: r.ID, Alert: r.Alert, Onset: r.Onset, At: r.Plan.End, Rule: r.Rule, Summary: r.Summary, Causes: []analysis.Finding{}}
	if c.At.IsZero() {
		c.At = r.CreatedAt
	}
	for _, f := range r.Result.Causes {
		f.Evidence = analysis.Evidence{}
		c.Causes = append(c.Causes, f)
	}
	if f, ok := r.Judged(); ok {
		c.Feedback = &f
	}
	return c
}

// Verdicts of another look at a case.
const (
	StillRight = "still right" // as people said that it was
	NowOther   = "not as it was right"
	StillWrong = "still wrong"
	NoMore     = "no longer what was wrong"
	SameAnswer = "the same answer" // nobody has judged the first
	NewAnswer  = "another answer"
)

// Compare says how a new look at the alert of a case stands to what was said of
// the first. What people said it was is told in words, which only they can
// compare: as to the answer it counts as wrong.
func (c ReplayCase) Compare(now Report) string {
	same := c.same(now)
	says := Judgement("")
	if c.Feedback != nil && c.Feedback.Summary == c.Summary { // and not about an earlier answer
		says = c.Feedback.Says
	}
	switch {
	case says == Right && same:
		return StillRight
	case says == Right:
		return NowOther
	case says != "" && same:
		return StillWrong
	case says != "":
		return NoMore
	case same:
		return SameAnswer
	default:
		return NewAnswer
	}
}

// same says whether two looks name the same with confidence, or both nothing.
func (c ReplayCase) same(now Report) bool {
	then := Report{Result: analysis.Result{Causes: c.Causes}}
	return agrees(then, now) && agrees(now, then)
}
