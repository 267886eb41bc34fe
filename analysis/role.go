// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/rank"
	"github.com/culprit-dev/culprit/analysis/words"
)

// account is what is said about a candidate: its role, and why it is or isn't the cause, as the
// end of a sentence, beginning with a comma or a semicolon.
type account struct {
	role Role
	why  string
}

// clause returns the account without its leading punctuation.
func (a account) clause() string { return strings.TrimLeft(a.why, ",; ") }

// theCause ends the sentence of a cause.
const theCause = ": the cause"

// likelyCause ends that of a cause of medium confidence.
const likelyCause = ": likely the cause"

// notACause ends the sentence of a victim.
const notACause = ": a victim, not a cause"

// likelyVictim ends that of a victim which is itself reported with confidence.
const likelyVictim = ": likely a victim"

// doubt lowers a finding to low confidence, and so takes the role of cause from it.
func (f *Finding) doubt() {
	f.Confidence = Low
	if f.Role == RoleCause {
		f.Role = ""
		f.Sentence = strings.TrimSuffix(strings.TrimSuffix(f.Sentence, theCause), likelyCause)
	}
}

// accounts distinguishes cause, first symptom and victims.
type accounts struct {
	*candidates
	ranking     rank.Result
	sure        map[int]Confidence // of each candidate
	load        *Load              // nil: there is no common load
	kpi         int                // the KPI's service; -1: unknown
	depends     map[int][]int      // service → its direct and indirect dependencies
	below       map[int][]int      // service → the services it calls directly
	service     map[int]rank.Service
	causes      []rank.Cause    // reported with confidence
	of          map[int]account // of each candidate
	hasReturned map[int]bool    // candidates whose sentence has to add that they came back
}

// assignRoles assigns a role to each candidate.
func (c *candidates) assignRoles(r rank.Result, load *Load) *accounts {
	a := &accounts{
		candidates: c, ranking: r, sure: confidences(r), load: load, kpi: c.kpiService(),
		below: rank.Callees(c.calls), depends: map[int][]int{}, of: map[int]account{}, service: map[int]rank.Service{},
		hasReturned: map[int]bool{},
	}
	for _, s := range r.Services {
		a.service[s.Service] = s
	}
	if load == nil {
		for _, cause := range r.Causes {
			if a.sure[cause.Series] != Low {
				a.causes = append(a.causes, cause)
			}
		}
	}
	for _, cause := range a.causes {
		a.of[cause.Series] = a.ofCause(cause)
	}
	if first := a.firstSymptom(); first != nil {
		a.of[first.Series] = a.ofFirst(*first)
	}
	for _, cause := range r.Causes {
		if _, told := a.of[cause.Series]; !told {
			a.of[cause.Series] = a.ofOther(cause)
		}
	}
	return a
}

// kpiService returns the KPI's service, or -1. The alert's labels may name an exporter instead,
// so a service taken from them must be part of the call graph.
func (c *candidates) kpiService() int {
	if own, ok := c.code(c.target.Service); ok && c.target.Service != "" {
		return own
	}
	own, ok := c.code(changes.WorkloadOf(c.labels))
	if ok && slices.ContainsFunc(c.calls, func(call [2]int) bool { return call[0] == own || call[1] == own }) {
		return own
	}
	return -1
}

// dependsOn says whether one service calls another, directly or indirectly.
func (a *accounts) dependsOn(caller, callee int) bool {
	below, known := a.depends[caller]
	if !known {
		below = rank.Reachable(a.below, caller)
		a.depends[caller] = below
	}
	return slices.Contains(below, callee)
}

// hurts says whether a series shows that its service is slow, fails or is used less, more
// clearly than by chance.
func (a *accounts) hurts(cause rank.Cause) bool {
	if !a.service[cause.Service].Heard() {
		return false
	}
	switch a.series[cause.Series].kind() {
	case rank.Latency, rank.Error:
		return cause.Moved() && cause.After > cause.Before
	case rank.Traffic:
		return cause.Moved() && cause.After < cause.Before
	}
	return false
}

// ofCause returns the account of a candidate reported with confidence. It is the cause if it
// ranks first and timing or calls agree. Others may be a second cause, or be hurt by the first.
func (a *accounts) ofCause(cause rank.Cause) account {
	before, hurt := a.before(cause), a.hurtBy(cause)
	for _, other := range a.causes {
		if a.dependsOn(cause.Service, other.Service) && cause.Service != other.Service && a.kind(cause).Symptom() {
			return a.ofSecond(cause, other)
		}
	}
	why := before
	switch {
	case cause.Service != a.ranking.Services[0].Service || a.hasEarlierBreakage(cause):
		return account{why: before}
	case len(hurt) > 0:
		why += "; " + few(hurt) + " " + dependOn(len(hurt)) + " it"
	case a.kpi == cause.Service && !a.kind(cause).Symptom():
		why += "; the KPI is of the same service"
	case before == "":
		return account{}
	}
	if a.sure[cause.Series] == High {
		return account{RoleCause, why + theCause}
	}
	return account{RoleCause, why + likelyCause}
}

// ofSecond returns the account of a confident symptom that depends on another confident
// candidate.
func (a *accounts) ofSecond(cause, of rank.Cause) account {
	why := a.before(cause) + a.dependency(cause, of.Service)
	if of.Service == a.ranking.Services[0].Service && a.victimOf(cause, of) {
		return account{RoleVictim, why + likelyVictim}
	}
	return account{why: why}
}

// hasEarlierBreakage says whether another service that clearly broke certainly moved before a cause and,
// if calls are known, is a dependency of it.
func (a *accounts) hasEarlierBreakage(cause rank.Cause) bool {
	return slices.ContainsFunc(a.ranking.Causes, func(other rank.Cause) bool {
		return other.Service != cause.Service && a.service[other.Service].Loud() && other.Moved() && cause.Began.After(other.Began) &&
			a.callers[other.Series] != cause.Service && (len(a.calls) == 0 || a.dependsOn(cause.Service, other.Service))
	})
}

func (a *accounts) kind(cause rank.Cause) rank.Metric { return a.series[cause.Series].kind() }

// before says that a candidate moved before the KPI, if that is certain.
func (a *accounts) before(cause rank.Cause) string {
	if !cause.Moved() || !a.ranking.Effect.After(cause.Began) {
		return ""
	}
	return fmt.Sprintf(", %s before the KPI", words.Seconds.Format(a.times[a.ranking.Effect.At]-a.times[cause.Began.At]))
}

// hurtBy names the services that depend on a cause and are hurt, the KPI's included, sorted.
func (a *accounts) hurtBy(cause rank.Cause) []string {
	var names []string
	if a.kpi >= 0 && a.kpi != cause.Service && a.dependsOn(a.kpi, cause.Service) {
		names = append(names, a.services[a.kpi])
	}
	for _, other := range a.ranking.Causes {
		if name := a.services[other.Service]; a.victimOf(other, cause) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// victimOf says whether a candidate shows that its service is hurt by a dependency, and did not
// move before it.
func (a *accounts) victimOf(other, cause rank.Cause) bool {
	return a.hurts(other) && other.Service != cause.Service &&
		a.dependsOn(other.Service, cause.Service) && !cause.Began.After(other.Began)
}

// firstSymptom returns the candidate that was certainly slow or failing before the KPI and
// before any other; nil if there is none. If the cause is known, it must belong to it or to
// what depends on it.
func (a *accounts) firstSymptom() *rank.Cause {
	if a.load != nil || a.kpiKind().Demand() {
		return nil
	}
	var first *rank.Cause
	for i, cause := range a.ranking.Causes {
		if a.hurts(cause) && a.of[cause.Series].role != RoleCause && (first == nil || first.Began.After(cause.Began)) {
			first = &a.ranking.Causes[i]
		}
	}
	if first == nil || a.before(*first) == "" || !a.related(*first) {
		return nil
	}
	for _, other := range a.ranking.Causes {
		if other.Series != first.Series && a.of[other.Series].role != RoleCause && other.Stirred() && a.kind(other).Symptom() && !other.Began.After(first.Began) {
			return nil
		}
	}
	return first
}

// related says whether a candidate belongs to the service of a cause, or to a service that
// depends on one. It is true if no cause or no calls are known.
func (a *accounts) related(cause rank.Cause) bool {
	if len(a.causes) == 0 || len(a.calls) == 0 {
		return true
	}
	return slices.ContainsFunc(a.causes, func(of rank.Cause) bool {
		return cause.Service == of.Service || a.dependsOn(cause.Service, of.Service)
	})
}

// ofFirst returns the account of the first symptom.
func (a *accounts) ofFirst(cause rank.Cause) account {
	why := a.before(cause) + " and any other symptom"
	if on := a.brokenBelow(cause); on != "" {
		why += "; it depends on " + on
	}
	return account{RoleFirstSymptom, why + ": the first symptom"}
}

// brokenBelow names the first cause that a candidate depends on; "" if there is none.
func (a *accounts) brokenBelow(cause rank.Cause) string {
	for _, of := range a.causes {
		if a.victimOf(cause, of) {
			return a.services[of.Service]
		}
	}
	return ""
}

// ofOther returns the account of the rest: a victim, a follower, or why it isn't the cause.
func (a *accounts) ofOther(cause rank.Cause) account {
	by, below := a.explainedBy(cause), a.brokenBelow(cause)
	switch {
	case a.load != nil && slices.Contains(a.ranking.Load.Series, cause.Series):
		return account{why: ", explained by load, which " + goes(a.load.Factor) + " everywhere"}
	case a.besideCause(cause) != "" && cause.Follows:
		return account{why: a.after(cause) + a.besideCause(cause)}
	case a.besideCause(cause) != "":
		return account{why: a.before(cause) + a.besideCause(cause)}
	case cause.Follows && len(a.causes) == 0:
		return account{why: a.after(cause) + ", which speaks against it"}
	case cause.Follows && a.hurts(cause) && a.callers[cause.Series] < 0:
		return account{RoleVictim, a.after(cause) + notACause}
	case cause.Follows:
		return account{RoleFollower, a.after(cause) + ", so it is not its cause"}
	case by >= 0 && cause.Stirred():
		return a.ofExplained(cause, by)
	case below != "":
		return account{RoleVictim, "; it depends on " + below + notACause}
	}
	return account{why: a.before(cause) + a.rejected(cause)}
}

// after says how long after the KPI a candidate moved.
func (a *accounts) after(cause rank.Cause) string {
	return fmt.Sprintf(", %s after the KPI", words.Seconds.Format(a.times[cause.Began.At]-a.times[a.ranking.Effect.At]))
}

// ofExplained returns the account of a candidate that a callee explains.
func (a *accounts) ofExplained(cause rank.Cause, by int) account {
	why := a.dependency(cause, by)
	if a.hurts(cause) && !a.bestOf(by).Began.After(cause.Began) && (len(a.causes) > 0 || !a.strained(cause.Service)) {
		return account{RoleVictim, why + notACause}
	}
	return account{why: why}
}

// hurt names the services reported as victims, sorted. The KPI's own comes first, if others are
// hurt as well.
func (a *accounts) hurt() []string {
	var names []string
	for _, cause := range a.ranking.Causes {
		role, s := a.of[cause.Series].role, a.series[cause.Series]
		if s.Service != "" && (role == RoleVictim || role == RoleFirstSymptom && a.brokenBelow(cause) != "") {
			names = append(names, a.services[cause.Service])
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if a.kpi < 0 || len(names) == 0 {
		return names
	}
	own := a.services[a.kpi]
	return append([]string{own}, slices.DeleteFunc(names, func(name string) bool { return name == own })...)
}

// few lists the first names, and counts the rest.
func few(names []string) string {
	const most = 3
	if n := len(names) - most + 1; n > 1 {
		names = append(slices.Clone(names[:most-1]), fmt.Sprintf("%d more", n))
	}
	return words.List(names)
}

func dependOn(n int) string {
	if n == 1 {
		return "depends on"
	}
	return "depend on"
}
