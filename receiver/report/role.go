// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// RoleOf names the part of a cause in the incident; it is empty where that isn't told.
func RoleOf(f analysis.Finding) string {
	switch f.Role {
	case analysis.RoleCause:
		return "cause"
	case analysis.RoleFirstSymptom:
		return "first symptom"
	case analysis.RoleVictim:
		return "victim"
	case analysis.RoleFollower:
		return "moved later"
	}
	return ""
}

// mostHurt is how many services a line names.
const mostHurt = 8

// Impact says which services are hurt, on one line; it is empty where that isn't told.
func (r Report) Impact() string {
	if len(r.Result.Hurt) == 0 {
		return ""
	}
	names := slices.Clone(r.Result.Hurt)
	if n := len(names) - mostHurt; n > 1 {
		names = append(names[:mostHurt], fmt.Sprintf("%d more", n))
	}
	for i := range names {
		names[i] = middle(clean(names[i]), titleLimit)
	}
	return "Hurt: " + words.List(names)
}

// WithRole adds to a confidence what part a cause has.
func WithRole(confidence string, f analysis.Finding) string {
	if role := RoleOf(f); role != "" {
		return confidence + ", " + role
	}
	return confidence
}
