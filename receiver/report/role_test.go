// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

func TestACauseLineSaysItsRole(t *testing.T) {
	for role, want := range map[analysis.Role]string{
		"": "medium confidence", analysis.RoleCause: "medium confidence, cause", analysis.RoleFirstSymptom: "medium confidence, first symptom",
		analysis.RoleVictim: "medium confidence, victim", analysis.RoleFollower: "medium confidence, moved later",
	} {
		r := Report{Result: analysis.Result{Causes: []analysis.Finding{{Kind: analysis.KindSeries, Name: "db|cpu", Series: "db|cpu", Confidence: analysis.Medium, Role: role}}}}
		if got := r.CauseLines(1)[0]; !strings.HasSuffix(got, ": "+want) {
			t.Errorf("%q: %s, want %s", role, got, want)
		}
	}
}

func TestTheImpactIsOneLine(t *testing.T) {
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprintf("s%d", i))
	}
	for want, hurt := range map[string][]string{
		"":                          nil,
		"Hurt: front":               {"front"},
		"Hurt: front, cart and a b": {"front", "cart", "a\nb"},
		"Hurt: s0, s1, s2, s3, s4, s5, s6, s7 and 12 more": many,
	} {
		if got := (Report{Result: analysis.Result{Hurt: hurt}}).Impact(); got != want {
			t.Errorf("%v: %q, want %q", hurt, got, want)
		}
	}
	if many[8] != "s8" {
		t.Error("the report was changed")
	}
}
