// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// joinable is what is needed of an incident to find its case.
type joinable struct {
	id      string
	onset   time.Time
	created time.Time
	keys    []string
}

// caseByID finds a case by the id that any of its incidents would give it: it may
// have had another before an incident of an older one joined it.
func (s *store) caseByID(id string) (report.Case, bool) {
	s.mu.RLock()
	var group []joinable
	for incident := range s.incident {
		if report.CaseID(incident) == id {
			group = s.around(incident)
			break
		}
	}
	s.mu.RUnlock()
	return s.caseOfGroup(group)
}

// caseOf is the id of the case that an incident belongs to; it is empty if there
// is no such incident.
func (s *store) caseOf(incident string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if group := s.around(incident); len(group) > 0 {
		return report.CaseID(group[0].id)
	}
	return ""
}

// around is the group of one incident, as [store.caseGroups] makes it, found by
// the causes that lead from one to the next. The caller holds the lock.
func (s *store) around(incident string) []joinable {
	first, ok := s.joinable(incident)
	if !ok {
		return nil
	}
	near := neighbours{s, map[string]joinable{incident: first}, map[string][]joinable{}}
	group, known := []joinable{first}, map[string]bool{incident: true}
	for at := 0; at < len(group); at++ {
		for _, key := range group[at].keys {
			for _, next := range near.take(key, group[at].onset) {
				if !known[next.id] {
					known[next.id] = true
					group = append(group, next)
				}
			}
		}
	}
	slices.SortFunc(group, compareCreated)
	return group
}

// neighbours finds the incidents of a group. It looks at each report of a key once,
// and at the reports of each incident once, however many lead there.
type neighbours struct {
	store *store
	known map[string]joinable   // incidents that were looked at; those that can't be joined have no keys
	left  map[string][]joinable // by key: those that have it and were not taken, in the order of their onsets
}

// take returns the incidents with a key that began at one time with an onset, and
// that no call before has returned for it.
func (n neighbours) take(key string, onset time.Time) []joinable {
	all, ok := n.left[key]
	if !ok {
		all = n.having(key)
	}
	from, _ := slices.BinarySearchFunc(all, onset.Add(-report.OneOnset), func(m joinable, t time.Time) int { return m.onset.Compare(t) })
	to := from
	for to < len(all) && all[to].onset.Sub(onset) <= report.OneOnset {
		to++
	}
	taken := slices.Clone(all[from:to])
	n.left[key] = slices.Delete(all, from, to)
	return taken
}

// having are the incidents that a key joins to others, in the order of their onsets.
func (n neighbours) having(key string) []joinable {
	var all []joinable
	seen := map[string]bool{}
	for r := range n.store.byKey[key] {
		id := n.store.byID[r].Report.Incident
		if seen[id] {
			continue
		}
		seen[id] = true
		m, ok := n.known[id]
		if !ok {
			m, _ = n.store.joinable(id)
			n.known[id] = m
		}
		if slices.Contains(m.keys, key) {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b joinable) int { return a.onset.Compare(b.onset) })
	return all
}

// joinable is an incident, if it has reports. The caller holds the lock.
func (s *store) joinable(id string) (joinable, bool) {
	inc, ok := s.incident[id]
	if !ok || len(s.inside[id]) == 0 {
		return joinable{}, false
	}
	keys := make([]report.Keys, 0, len(s.inside[id]))
	for r := range s.inside[id] {
		keys = append(keys, s.byID[r].keys)
	}
	return joinable{id, inc.Onset, inc.CreatedAt, report.JoinKeys(keys)}, true
}

// caseOfGroup makes the case of some incidents, unless all their reports have
// gone meanwhile.
func (s *store) caseOfGroup(group []joinable) (report.Case, bool) {
	var members []report.Member
	for _, m := range group {
		inc, ok := s.incidentByID(m.id)
		reports := s.members(m.id)
		if ok && len(reports) > 0 {
			members = append(members, report.Member{Incident: inc, Reports: reports})
		}
	}
	if len(members) == 0 {
		return report.Case{}, false
	}
	return report.NewCase(members, s.base), true
}

// caseGroups brings the incidents together that began at one time and share a
// cause. Each group begins with the incident that was there first; the newest
// group comes first.
func (s *store) caseGroups() [][]joinable {
	all := s.joinables()
	sets := newDisjoint(len(all))
	last := map[string]int{} // key of a cause → the latest incident that has it
	for i, m := range all {
		for _, key := range m.keys {
			if before, ok := last[key]; ok && m.onset.Sub(all[before].onset) <= report.OneOnset {
				sets.join(before, i)
			}
			last[key] = i
		}
	}
	byRoot := map[int][]joinable{}
	for i, m := range all {
		byRoot[sets.root(i)] = append(byRoot[sets.root(i)], m)
	}
	groups := slices.Collect(maps.Values(byRoot))
	for _, g := range groups {
		slices.SortFunc(g, compareCreated)
	}
	slices.SortFunc(groups, func(a, b []joinable) int { return compareCreated(b[0], a[0]) })
	return groups
}

func compareCreated(a, b joinable) int {
	return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.id, b.id))
}

// joinables are the incidents that have reports, in the order of their onsets.
func (s *store) joinables() []joinable {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]joinable, 0, len(s.incident))
	for id := range s.incident {
		if one, ok := s.joinable(id); ok {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b joinable) int { return cmp.Or(a.onset.Compare(b.onset), cmp.Compare(a.id, b.id)) })
	return all
}

// disjoint are sets of numbers, of which some are joined.
type disjoint []int

func newDisjoint(n int) disjoint {
	d := make(disjoint, n)
	for i := range d {
		d[i] = i
	}
	return d
}

func (d disjoint) root(i int) int {
	for d[i] != i {
		d[i] = d[d[i]]
		i = d[i]
	}
	return i
}

func (d disjoint) join(a, b int) { d[d.root(b)] = d.root(a) }
