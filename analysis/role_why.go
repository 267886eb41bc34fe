// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// rejected says why a candidate isn't the cause, as far as one reason does.
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

// besideCause says which series of the same service is said with confidence; "" if none
// is, or it is that one itself.
func (a *accounts) besideCause(cause rank.Cause) string {
	for _, of := range a.causes {
		if of.Service == cause.Service && of.Series != cause.Series {
			return "; " + a.series[of.Series].Name + ", of the same service, stands out more"
		}
	}
	return ""
}

// ofCaller says of a candidate that measures calls that it may be, or is, their caller
// who is slow or fails; "" if nothing does.
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

// explainedMost is how much of its evidence a service has left, at most, that a
// callee explains.
const explainedMost = 0.5

// explainedBy is the callee that explains what a symptom shows; -1 if none does. One of
// which nothing but the calls of that very service shows that it moved explains nothing:
// they may be slow at either end.
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

// waits says on whom a candidate depends that may be the cause of it.
func (a *accounts) waits(cause rank.Cause, on int) string {
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

// bestOf is the best candidate of a service.
func (a *accounts) bestOf(service int) rank.Cause {
	i := slices.IndexFunc(a.ranking.Causes, func(c rank.Cause) bool { return c.Service == service })
	return a.ranking.Causes[i]
}

// mindOrder says of each listed candidate that moved after a later one of the list why
// it stands before that one.
func (a *accounts) mindOrder(list []Finding, listed []rank.Cause) {
	for i, cause := range listed {
		for _, first := range listed[i+1:] {
			if cause.Follows && first.Moved() && !first.Follows && cause.Began.After(first.Began) {
				list[i].Sentence += fmt.Sprintf("; it stands before %s, which moved first, because %s", a.series[first.Series].Name, ahead(cause, first))
				break
			}
		}
	}
}

// ahead is what a candidate has more of than another one that it stands before.
func ahead(cause, other rank.Cause) string {
	switch {
	case cause.Dev/cause.Quiet > other.Dev/other.Quiet:
		return "it went farther"
	case cause.Rho > other.Rho:
		return "it goes with the KPI more closely"
	}
	return "all series of its service together show more"
}
