// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// Loss is a kind of alert of which somebody is no longer notified.
type Loss struct {
	Alert     model.LabelSet // an example
	Receivers []string       // who would be notified without culprit, but is not
	By        *Route         // culprit's route that takes the alert
}

// judge compares a tree with the same tree without culprit.
type judge struct {
	tree *Tree
	ours map[string]bool // receivers that are only culprit's

	losses []Loss
	known  map[string]bool // losses that have an example
	tried  int
}

// maxTried bounds the alerts tried on one tree.
const maxTried = 10_000

// losses finds the alerts of which somebody is no longer notified, with one example of each kind.
// proven means that the structure rules out losses; otherwise representative alerts were tried, up
// to maxTried.
func (t *Tree) losses(ours map[string]bool) (found []Loss, proven bool, tried int) {
	if t.proven(ours) {
		return nil, true, 0
	}
	j := &judge{tree: t, ours: ours, known: map[string]bool{}}
	axes := t.axes()
	if size(axes) <= maxTried {
		j.all(axes, model.LabelSet{})
	} else {
		j.likely(axes)
	}
	return j.losses, false, j.tried
}

// proven reports whether the structure alone rules out losses: every route of culprit continues to
// a later sibling that matches everything. The parent's own receiver is then unused with culprit as
// without.
func (t *Tree) proven(ours map[string]bool) bool {
	return t.Root.holds(ours)
}

func (r *Route) holds(ours map[string]bool) bool {
	if ours[r.Receiver] && r.parent == nil && len(r.Routes) == 0 {
		return true // there is nobody else
	}
	for i, child := range r.Routes {
		switch {
		case !ours[child.Receiver]:
			if !child.holds(ours) {
				return false
			}
		case !child.alone(ours), !child.Continue:
			return false
		case !slices.ContainsFunc(r.Routes[i+1:], func(later *Route) bool { return len(later.Matchers) == 0 && !ours[later.Receiver] }):
			return false
		}
	}
	return true
}

// alone reports whether a route and all below it are culprit's.
func (r *Route) alone(ours map[string]bool) bool {
	all := true
	r.walk(func(below *Route) { all = all && ours[below.Receiver] })
	return all
}

// size is the number of alerts that the axes span.
func size(axes []axis) int {
	n := 1
	for _, a := range axes {
		n *= len(a.values)
		if n > maxTried {
			return n
		}
	}
	return n
}

// all tries every combination of values.
func (j *judge) all(axes []axis, alert model.LabelSet) {
	if len(axes) == 0 {
		j.try(alert)
		return
	}
	for _, v := range axes[0].values {
		j.all(axes[1:], with(alert, axes[0].name, v))
	}
}

// with returns the alert with one more label; an empty value removes it.
func with(alert model.LabelSet, name model.LabelName, value model.LabelValue) model.LabelSet {
	next := alert.Clone()
	if value == "" {
		delete(next, name)
	} else {
		next[name] = value
	}
	return next
}

// likely tries alerts that reach each route, alerts that reach both a route and one of culprit's,
// and those that differ from them in one label.
func (j *judge) likely(axes []axis) {
	var routes, own []*Route
	j.tree.Root.walk(func(r *Route) {
		routes = append(routes, r)
		if j.ours[r.Receiver] {
			own = append(own, r)
		}
	})
	for _, o := range own {
		for _, r := range routes {
			alert, ok := satisfying(axes, append(r.path(), o.path()...))
			if !ok {
				continue
			}
			j.try(alert)
			for _, a := range axes {
				for _, v := range a.values {
					j.try(with(alert, a.name, v))
				}
			}
		}
	}
}

// path returns the matchers that an alert must satisfy to reach a route.
func (r *Route) path() labels.Matchers {
	var all labels.Matchers
	for ; r != nil; r = r.parent {
		all = append(all, r.Matchers...)
	}
	return all
}

// satisfying returns an alert that satisfies all matchers, if the axes have the values.
func satisfying(axes []axis, ms labels.Matchers) (model.LabelSet, bool) {
	alert := model.LabelSet{}
	for _, a := range axes {
		i := slices.IndexFunc(a.values, func(v model.LabelValue) bool {
			return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return m.Name == string(a.name) && !m.Matches(string(v)) })
		})
		if i < 0 {
			return nil, false
		}
		alert = with(alert, a.name, a.values[i])
	}
	return alert, true
}

// try records who is not notified of an alert because of culprit.
func (j *judge) try(alert model.LabelSet) {
	if j.tried >= maxTried {
		return
	}
	j.tried++
	now := j.tree.Match(alert)
	i := slices.IndexFunc(now, func(r *Route) bool { return j.ours[r.Receiver] })
	if i < 0 {
		return // culprit doesn't matter here
	}
	var lost []string
	for _, r := range j.tree.match(j.tree.Root, alert, j.ours) {
		if !slices.Contains(now, r) && j.tree.Receiver(r.Receiver).tells() {
			lost = append(lost, r.Receiver)
		}
	}
	key := now[i].place + "\x00" + strings.Join(lost, "\x00")
	if len(lost) > 0 && !j.known[key] {
		j.known[key] = true
		j.losses = append(j.losses, Loss{Alert: alert, Receivers: lost, By: now[i]})
	}
}
