// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// ReplayCase is an alert to explain again, with the earlier answer and the feedback on it. `culprit
// export` writes it and `culprit replay` reads it.
type ReplayCase struct {
	Report   string             `json:"report"` // its ID
	Alert    Alert              `json:"alert"`
	Onset    time.Time          `json:"onset"`
	At       time.Time          `json:"at"` // end of the time range
	Rule     string             `json:"rule,omitempty"`
	Summary  string             `json:"summary"`
	Causes   []analysis.Finding `json:"causes"`
	Feedback *Feedback          `json:"feedback,omitempty"` // the last one; nil: none
	Changes  []changes.Change   `json:"changes,omitempty"`  // reported changes of that time
}

// Between returns the changes of the case that overlap a time range.
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

// Results of comparing a new look with the case.
const (
	StillRight = "still right" // according to feedback
	NowOther   = "not as it was right"
	StillWrong = "still wrong"
	NoMore     = "no longer what was wrong"
	SameAnswer = "the same answer" // there is no feedback on the first answer
	NewAnswer  = "another answer"
)

// Compare compares a new look with the case. Feedback that names another cause counts as "wrong",
// since only people can compare its words.
func (c ReplayCase) Compare(now Report) string {
	same := c.same(now)
	says := Judgement("")
	if c.Feedback != nil && c.Feedback.Summary == c.Summary { // not about an earlier answer
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

// same reports whether both looks have the same confident causes, or none.
func (c ReplayCase) same(now Report) bool {
	then := Report{Result: analysis.Result{Causes: c.Causes}}
	return agrees(then, now) && agrees(now, then)
}
