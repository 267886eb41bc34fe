// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"
)

// without is the tree without the leaves that lead to culprit.
func (n node) without() node {
	var kept []node
	for _, r := range n.routes {
		if r = r.without(); r.receiver != "culprit" || len(r.routes) > 0 {
			kept = append(kept, r)
		}
	}
	n.routes = kept
	return n
}

// mixed reports whether people's routes are below one of culprit's, where "without culprit" has no
// clear meaning.
func (n node) mixed() bool {
	for _, r := range n.routes {
		if r.receiver == "culprit" && len(r.routes) > 0 || r.mixed() {
			return true
		}
	}
	return false
}

// others returns the notifications of an alert to anybody but culprit, according to Alertmanager's
// own code.
func others(real *dispatch.Route, alert model.LabelSet) []told {
	var all []told
	for _, r := range real.Match(alert) {
		if o := theirs(r); o.Receiver != "culprit" && o.Receiver != "nobody" {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b told) int {
		return strings.Compare(a.Receiver+a.GroupBy+a.Wait.String(), b.Receiver+b.GroupBy+b.Wait.String())
	})
	return all
}

// TestALossIsFoundIfThereIsOne compares the result with Alertmanager's own code for every
// distinguishable alert.
func TestALossIsFoundIfThereIsOne(t *testing.T) {
	found := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		root := genRoot([]string{"people", "team", "culprit", "culprit"}).Draw(t, "tree")
		if root.mixed() {
			t.Skip("no plain meaning")
		}
		tree, real := load(t, root.config())
		_, bare := load(t, root.without().config())
		var lost []model.LabelSet
		for _, alert := range everyAlert() {
			if len(others(bare, alert)) > len(others(real, alert)) {
				lost = append(lost, alert)
			}
		}
		losses, _, _ := tree.losses(map[string]bool{"culprit": true})
		if (len(losses) > 0) != (len(lost) > 0) {
			t.Fatalf("found %v, of the alerts that are lost %v in\n%s", losses, lost, root.config())
		}
		for _, l := range losses {
			if cmp.Equal(others(bare, l.Alert), others(real, l.Alert)) {
				t.Fatalf("%v is not lost in\n%s", l.Alert, root.config())
			}
		}
		found[len(losses) > 0]++
	})
	if found[true] == 0 || found[false] == 0 {
		t.Errorf("the trees are one-sided: %v", found)
	}
}

// TestTheSuggestedRoutesNotifyPeopleAsBefore pastes the printed lines into trees without culprit:
// everybody else is notified as before, and culprit of everything.
func TestTheSuggestedRoutesNotifyPeopleAsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := genRoot([]string{"people", "team", "nobody"}).Draw(t, "tree")
		tree, before := load(t, root.config())
		v := tree.Check(Known{})
		if !v.Has(NotRouted) {
			t.Fatalf("problems: %v", v.Problems)
		}
		mended := pasted(v.Write, root)
		tree, after := load(t, mended)
		for _, alert := range everyAlert() {
			if diff := cmp.Diff(others(before, alert), others(after, alert)); diff != "" {
				t.Fatalf("%v (-before +after):\n%s\n%s", alert, diff, mended)
			}
			first := after.Match(alert)[0]
			if first.RouteOpts.Receiver != "culprit" || first.RouteOpts.GroupWait != 0 {
				t.Fatalf("%v does not reach culprit at once in\n%s", alert, mended)
			}
		}
		if again := tree.Check(Known{}); len(again.Problems) > 0 {
			t.Fatalf("problems again: %v in\n%s", again.Problems, mended)
		}
	})
}

// pasted does what a person does with the printed lines: it puts the existing routes in place of
// the line that says so.
func pasted(lines string, root node) string {
	route, _, _ := strings.Cut(lines, "receivers:")
	var b strings.Builder
	for line := range strings.Lines(route) {
		indent, comment, _ := strings.Cut(line, "# … ")
		switch {
		case strings.HasPrefix(comment, "group_by"):
			for _, l := range root.lines {
				b.WriteString(indent + l + "\n")
			}
		case strings.HasPrefix(comment, "your"):
			for _, r := range root.routes {
				b.WriteString(r.yaml(indent))
			}
		default:
			b.WriteString(line)
		}
	}
	return b.String() + receivers
}

// TestALossIsFoundInALargeTree has more labels than combinations that could be tried.
func TestALossIsFoundInALargeTree(t *testing.T) {
	root := node{receiver: "people"}
	root.routes = append(root.routes, node{receiver: "culprit", goesOn: true, matchers: []string{`tier=~"gold|silver"`}})
	for i := range 40 {
		root.routes = append(root.routes, node{receiver: "team", matchers: []string{fmt.Sprintf(`team%d=~"a.*|b"`, i), `tier!="gold"`}})
	}
	tree, real := load(t, root.config())
	_, bare := load(t, root.without().config())
	if size(tree.axes()) <= maxTried {
		t.Fatal("the tree is small")
	}
	losses, _, tried := tree.losses(map[string]bool{"culprit": true})
	if len(losses) == 0 || tried > maxTried {
		t.Fatalf("found %v after %d", losses, tried)
	}
	for _, l := range losses {
		if cmp.Equal(others(bare, l.Alert), others(real, l.Alert)) {
			t.Errorf("%v is not lost", l.Alert)
		}
	}
	root.routes = append(root.routes, node{receiver: "people", matchers: []string{`tier=~".*"`}}) // matches everything, with a matcher
	tree, _ = load(t, root.config())
	if losses, proven, _ := tree.losses(map[string]bool{"culprit": true}); len(losses) > 0 || proven {
		t.Errorf("found %v, proven %v", losses, proven)
	}
}
