// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// withRoles tells what part the series of the example have.
func withRoles(r *report.Report) {
	for i, role := range []analysis.Role{"", analysis.RoleCause, analysis.RoleFirstSymptom, analysis.RoleFollower} {
		r.Result.Causes[i].Role = role
	}
	r.Result.Hurt = []string{"checkout", "cart"}
	r.Result.Graph.Nodes = append(r.Result.Graph.Nodes,
		analysis.Node{Name: `mail latency{pod="mail-1"}`, Role: "candidate", Why: "40 s after the KPI: a victim, not a cause"},
		analysis.Node{Name: `cpu{pod="<b>"}`, Role: "candidate", Why: "no farther than in quiet times"},
		analysis.Node{Name: r.Result.Causes[1].Series, Role: "candidate", Why: "60 s before the KPI: the cause"},
		analysis.Node{Name: "unclear", Role: "candidate"},
	)
}

func TestThePageTellsCauseFirstSymptomAndVictimsApart(t *testing.T) {
	doc := examplePage(t, withRoles)
	if diff := cmp.Diff([]string{"◆ cause", "◇ first symptom", "→ moved later"}, texts(doc.Find(".cause .part"))); diff != "" {
		t.Errorf("marks (-want +got):\n%s", diff)
	}
	if doc.Find(".cause").First().Find(".part").Length() != 0 {
		t.Error("a set of labels has a role")
	}
	if got := textOf(doc.Find(".impact")); got != "Hurt: checkout and cart." {
		t.Errorf("who is hurt: %q", got)
	}
	silent := examplePage(t, nil)
	if n := silent.Find(".part, .impact, .rejected").Length(); n != 0 {
		t.Errorf("where nothing is told, %d things are shown", n)
	}
}

func TestThePageSaysWhyOthersAreNoCauses(t *testing.T) {
	doc := examplePage(t, withRoles)
	if got := textOf(doc.Find(".rejected summary")); got != "Why not 2 other series" {
		t.Errorf("got %q", got)
	}
	want := []string{
		`mail latency{pod="mail-1"}: 40 s after the KPI: a victim, not a cause`,
		`cpu{pod="<b>"}: no farther than in quiet times`,
	}
	if diff := cmp.Diff(want, texts(doc.Find(".rejected li"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestANodeOfTheGraphSaysWhatIsToldOfIt(t *testing.T) {
	doc := examplePage(t, func(r *report.Report) {
		for i := range r.Result.Graph.Nodes {
			if n := &r.Result.Graph.Nodes[i]; n.Role != "target" {
				n.Why = "no farther than in quiet times"
			}
		}
	})
	told := 0
	for _, title := range doc.Find(".graph .node title").EachIter() {
		if strings.HasSuffix(title.Text(), ": no farther than in quiet times") {
			told++
		}
	}
	if nodes := doc.Find(".graph .node").Length(); told != nodes-1 {
		t.Errorf("%d of %d nodes say it", told, nodes)
	}
}
