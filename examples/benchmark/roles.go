// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// roles counts how often each role was assigned, and how often it was right: a cause belongs to a
// faulty service, a victim or a follower does not. A first symptom may belong to either.
type roles struct{ told, right map[analysis.Role]int }

func newRoles() roles {
	return roles{told: map[analysis.Role]int{}, right: map[analysis.Role]int{}}
}

func (r roles) add(c incident, causes []analysis.Finding) {
	for _, f := range causes {
		if f.Role == "" {
			continue
		}
		r.told[f.Role]++
		if guilty := slices.Contains(c.RootCause.Services, c.serviceOf(f.Series)); guilty == (f.Role == analysis.RoleCause) {
			r.right[f.Role]++
		}
	}
}

// line formats the counts of a set.
func (r roles) line(name string) string {
	line := "| " + name + " |"
	for _, role := range []analysis.Role{analysis.RoleCause, analysis.RoleVictim, analysis.RoleFollower} {
		line += fmt.Sprintf(" %d/%d |", r.right[role], r.told[role])
	}
	return line + fmt.Sprintf(" %d |", r.told[analysis.RoleFirstSymptom])
}
