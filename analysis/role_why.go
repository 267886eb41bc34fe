// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// rejected says why a candidate isn't the cause, if there is a single reason.
func (a *accounts) rejected(cause rank.Cause) string {
	switch {
	case a.sure[cause.Series] != Low || a.load != nil:
		return ""
	case !cause.Stirred():
		return ", no farther than in quiet times"
	case cause.Moved() && stoodStill(cause):
		return "; it came back, and what it did is over"
	case a.ofCaller(cause) != "":
		return a.ofCaller(cause)
	case len(a.causes) > 0:
		return "; " + a.series[a.causes[0].Series].Name + " stands out more"
	}
	return ""
}

func goes(factor float64) string {
	if factor < 1 {
		return "fell"
	}
	return "rose"
}

// besideCause names the confident series of the same service; "" if there is none, or it is
// this one.
func (a *accounts) besideCause(cause rank.Cause) string {
	for _, of := range a.causes {
		if of.Service == cause.Service && of.Series != cause.Series {
			return "; " + a.series[of.Series].Name + ", of the same service, stands out more"
		}
	}
	return ""
}

// ofCaller says that a series which measures calls may show its caller to be slow or failing;
// "" if nothing points to the caller.
func (a *accounts) ofCaller(cause rank.Cause) string {
	by := a.callers[cause.Series]
	if by < 0 {
		return ""
	}
	switch name := a.services[by]; {
	case cause.Calls == rank.AllCalls:
		return fmt.Sprintf("; all calls of %s show it: it is %s's", name, name)
	case cause.Calls == rank.LoneCalls:
		return fmt.Sprintf("; only the calls of %s show it: it is %s's", name, name)
	case a.service[cause.Service].Other == by:
		return fmt.Sprintf("; it may be at either end: nothing but the calls of %s shows it", name)
	}
	return ""
}

// explainedMost is the largest fraction of its evidence that a service may keep if a callee
// explains it.
const explainedMost = 0.5

// explainedBy returns the callee that explains a symptom, or -1. A callee that moved only in
// the calls of this very service explains nothing: either end may be slow.
func (a *accounts) explainedBy(cause rank.Cause) int {
	s := a.service[cause.Service]
	if s.By < 0 || s.Factor > explainedMost || !a.kind(cause).Symptom() {
		return -1
	}
	if !slices.ContainsFunc(a.ranking.Causes, func(by rank.Cause) bool {
		return by.Service == s.By && by.Moved() && a.callers[by.Series] != cause.Service
	}) {
		return -1
	}
	return s.By
}

// dependency names the dependency that may cause a symptom.
func (a *accounts) dependency(cause rank.Cause, on int) string {
	by := a.explainedBy(cause)
	if by < 0 {
		return "; it depends on " + a.services[on]
	}
	how := "on which it depends"
	if slices.Contains(a.calls, [2]int{cause.Service, by}) {
		how = "which it calls"
	}
	return ", explained by " + a.services[by] + ", " + how
}

// strained says whether a resource of a service moved: then it may be slow by itself.
func (a *accounts) strained(service int) bool {
	return slices.ContainsFunc(a.ranking.Causes, func(c rank.Cause) bool {
		return c.Service == service && c.Moved() && a.kind(c).Resource()
	})
}

// bestOf returns the best candidate of a service.
func (a *accounts) bestOf(service int) rank.Cause {
	i := slices.IndexFunc(a.ranking.Causes, func(c rank.Cause) bool { return c.Service == service })
	return a.ranking.Causes[i]
}

// explainOrder adds to each listed candidate that ranks above an earlier mover why it does.
func (a *accounts) explainOrder(list []Finding, listed []rank.Cause) {
	for i, cause := range listed {
		for _, first := range listed[i+1:] {
			if cause.Follows && first.Moved() && !first.Follows && cause.Began.After(first.Began) {
				list[i].Sentence += fmt.Sprintf("; it stands before %s, which moved first, because %s", a.series[first.Series].Name, ahead(cause, first))
				break
			}
		}
	}
}

// ahead says in what a candidate exceeds one that it ranks above.
func ahead(cause, other rank.Cause) string {
	switch {
	case cause.Dev/cause.Quiet > other.Dev/other.Quiet:
		return "it went farther"
	case cause.Rho > other.Rho:
		return "it goes with the KPI more closely"
	}
	return "all series of its service together show more"
}
