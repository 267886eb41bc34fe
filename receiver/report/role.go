// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// RoleOf names a cause's role in the incident; empty if unknown.
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

// Impact names the affected services on one line; empty if unknown.
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

// WithRole adds the cause's role to its confidence.
func WithRole(confidence string, f analysis.Finding) string {
	if role := RoleOf(f); role != "" {
		return confidence + ", " + role
	}
	return confidence
}
