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

// An account is what is told of a candidate: its role, and why it is the cause or
// isn't, as the end of a sentence that begins with a comma or a semicolon.
type account struct {
	role Role
	why  string
}

// alone is an account without the sentence before it.
func (a account) alone() string { return strings.TrimLeft(a.why, ",; ") }

// theCause ends the sentence of a cause.
const theCause = ": the cause"

// likelyCause ends that of a cause of medium confidence.
const likelyCause = ": likely the cause"

// notACause ends the sentence of a victim.
const notACause = ": a victim, not a cause"

// likelyVictim ends that of one which is told with confidence, too.
const likelyVictim = ": likely a victim"

// doubt takes the confidence from a finding, and with it that it is the cause.
func (f *Finding) doubt() {
	f.Confidence = Low
	if f.Role == RoleCause {
		f.Role = ""
		f.Sentence = strings.TrimSuffix(strings.TrimSuffix(f.Sentence, theCause), likelyCause)
	}
}

// accounts tell cause, first symptom and victims apart.
type accounts struct {
	*candidates
	ranking rank.Result
	sure    map[int]Confidence // of each candidate
	load    *Load              // nil: there is no common load
	kpi     int                // the service that the KPI is of; -1: not known
	depends map[int][]int      // service → those that it depends on
	below   map[int][]int      // service → those that it calls itself
	service map[int]rank.Service
	causes  []rank.Cause    // that are said with confidence
	of      map[int]account // of each candidate
	back    map[int]bool    // those of which it is still to be said that they came back
}

// tellRoles tells of each candidate what part it has.
func (c *candidates) tellRoles(r rank.Result, load *Load) *accounts {
	a := &accounts{
		candidates: c, ranking: r, sure: confidences(r), load: load, kpi: c.kpiService(),
		below: rank.Callees(c.calls), depends: map[int][]int{}, of: map[int]account{}, service: map[int]rank.Service{},
		back: map[int]bool{},
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

// kpiService is the service that the KPI is of, -1 if that is not known. What the
// labels of an alert name may be an exporter: it must be one that calls or is called.
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

// dependsOn says whether one service calls another, directly or through others.
func (a *accounts) dependsOn(caller, callee int) bool {
	below, known := a.depends[caller]
	if !known {
		below = rank.Reachable(a.below, caller)
		a.depends[caller] = below
	}
	return slices.Contains(below, callee)
}

// hurts says whether a series shows that its service is slow, fails or is used less,
// and clearly so, more than by chance.
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

// ofCause is the account of what is said with confidence: the cause, if it stands first
// and times or calls agree. What is said beside it may be a second cause, or hurt by
// the first.
func (a *accounts) ofCause(cause rank.Cause) account {
	before, hurt := a.before(cause), a.hurtBy(cause)
	for _, other := range a.causes {
		if a.dependsOn(cause.Service, other.Service) && cause.Service != other.Service && a.kind(cause).Symptom() {
			return a.ofSecond(cause, other)
		}
	}
	why := before
	switch {
	case cause.Service != a.ranking.Services[0].Service || a.hasElder(cause):
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

// ofSecond is the account of a symptom that is said with confidence beside what it
// depends on.
func (a *accounts) ofSecond(cause, of rank.Cause) account {
	why := a.before(cause) + a.waits(cause, of.Service)
	if of.Service == a.ranking.Services[0].Service && a.victimOf(cause, of) {
		return account{RoleVictim, why + likelyVictim}
	}
	return account{why: why}
}

// hasElder says whether another service that clearly broke moved before a cause for
// certain, and, as far as calls are known, is one that it depends on.
func (a *accounts) hasElder(cause rank.Cause) bool {
	return slices.ContainsFunc(a.ranking.Causes, func(other rank.Cause) bool {
		return other.Service != cause.Service && a.service[other.Service].Loud() && other.Moved() && cause.Began.After(other.Began) &&
			a.callers[other.Series] != cause.Service && (len(a.calls) == 0 || a.dependsOn(cause.Service, other.Service))
	})
}

func (a *accounts) kind(cause rank.Cause) rank.Metric { return a.series[cause.Series].kind() }

// before says that a candidate moved before the KPI, if it did for certain.
func (a *accounts) before(cause rank.Cause) string {
	if !cause.Moved() || !a.ranking.Effect.After(cause.Began) {
		return ""
	}
	return fmt.Sprintf(", %s before the KPI", words.Seconds.Format(a.times[a.ranking.Effect.At]-a.times[cause.Began.At]))
}

// hurtBy are the services that depend on that of a cause and are hurt, that of the
// KPI among them, by name.
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

// victimOf says whether a candidate shows that its service is hurt by a cause that it
// depends on, and did not show it before.
func (a *accounts) victimOf(other, cause rank.Cause) bool {
	return a.hurts(other) && other.Service != cause.Service &&
		a.dependsOn(other.Service, cause.Service) && !cause.Began.After(other.Began)
}

// firstSymptom is the candidate that was slow or failed before the KPI and any other
// that does, for certain; nil if none was. Where the cause is known it must be of that
// one or of what depends on it.
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

// related says whether a candidate is of the service of a cause or of what depends on
// one, as far as a cause and any calls are known.
func (a *accounts) related(cause rank.Cause) bool {
	if len(a.causes) == 0 || len(a.calls) == 0 {
		return true
	}
	return slices.ContainsFunc(a.causes, func(of rank.Cause) bool {
		return cause.Service == of.Service || a.dependsOn(cause.Service, of.Service)
	})
}

// ofFirst is the account of the first symptom.
func (a *accounts) ofFirst(cause rank.Cause) account {
	why := a.before(cause) + " and any other symptom"
	if on := a.brokenBelow(cause); on != "" {
		why += "; it depends on " + on
	}
	return account{RoleFirstSymptom, why + ": the first symptom"}
}

// brokenBelow is the first cause that a candidate depends on; "" if it does on none.
func (a *accounts) brokenBelow(cause rank.Cause) string {
	for _, of := range a.causes {
		if a.victimOf(cause, of) {
			return a.services[of.Service]
		}
	}
	return ""
}

// ofOther is the account of what is neither: a victim, a follower, or why it isn't
// said to be the cause.
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

// ofExplained is the account of a candidate whose callee explains it.
func (a *accounts) ofExplained(cause rank.Cause, by int) account {
	why := a.waits(cause, by)
	if a.hurts(cause) && !a.bestOf(by).Began.After(cause.Began) && (len(a.causes) > 0 || !a.strained(cause.Service)) {
		return account{RoleVictim, why + notACause}
	}
	return account{why: why}
}

// hurt are the services that are told to be victims, by name, and first that of the
// KPI, if others are hurt as well.
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

// few lists some names, the others as a number.
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
