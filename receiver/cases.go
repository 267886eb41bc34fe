// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// joinable is what finding the case of an incident needs.
type joinable struct {
	id      string
	onset   time.Time
	created time.Time
	keys    []string
}

// caseByID finds a case by the id that any of its incidents implies: the id changes when an older
// incident joins.
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

// caseOf returns the id of the case of an incident; empty if there is no such incident.
func (s *store) caseOf(incident string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if group := s.around(incident); len(group) > 0 {
		return report.CaseID(group[0].id)
	}
	return ""
}

// around returns the group of one incident, as [store.caseGroups] would make it, by a breadth-first
// search over shared causes. The caller holds s.mu.
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

// neighbours finds incidents by cause. It reads the reports of each key once, and those of each
// incident once.
type neighbours struct {
	store *store
	known map[string]joinable   // by id; one that can't be joined has no keys
	left  map[string][]joinable // by key: incidents that take has not returned, by onset
}

// take returns the incidents with a key that began at the same time as onset, except those it has
// returned before.
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

// having returns the incidents that have a key, by onset.
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

// joinable makes a joinable of an incident that has reports. The caller holds s.mu.
func (s *store) joinable(id string) (joinable, bool) {
	inc, ok := s.incident[id]
	if !ok || len(s.byIncident[id]) == 0 {
		return joinable{}, false
	}
	keys := make([]report.Keys, 0, len(s.byIncident[id]))
	for r := range s.byIncident[id] {
		keys = append(keys, s.byID[r].keys)
	}
	return joinable{id, inc.Onset, inc.CreatedAt, report.JoinKeys(keys)}, true
}

// caseOfGroup makes the case of a group, unless all its reports have been deleted meanwhile.
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

// caseGroups groups incidents that began at the same time and share a cause. In a group the oldest
// incident comes first; the group with the newest of these comes first.
func (s *store) caseGroups() [][]joinable {
	all := s.joinables()
	sets := newDisjoint(len(all))
	last := map[string]int{} // key of a cause → index of the latest incident with it
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

// joinables are the incidents that have reports, by onset.
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

// disjoint is a union-find over 0…n-1.
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
