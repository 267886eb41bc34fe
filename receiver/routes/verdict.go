// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Problem is a kind of problem. It is a closed set, used as a metric's label.
type Problem string

// The problems, worst first.
const (
	// PeopleNotTold: alerts that reach culprit no longer reach people who would be notified without
	// it.
	PeopleNotTold Problem = "people_not_told"
	// RootReceiver: the root's receiver is culprit's, so alerts without a matching route reach
	// nobody else.
	RootReceiver Problem = "root_receiver"
	// NotRouted: no route leads to culprit. Alerts are found by polling Alertmanager, which takes
	// up to a minute.
	NotRouted Problem = "not_routed"
	// SharedReceiver: culprit's webhook shares a receiver with other integrations, and so is only
	// notified when they are.
	SharedReceiver Problem = "shared_receiver"
	// LateRoute: routes before culprit's take alerts without `continue`.
	LateRoute Problem = "late_route"
	// GroupWait: culprit is notified late of a new group, so that people are notified before the
	// causes are known.
	GroupWait Problem = "group_wait"
	// GroupInterval: the same for an alert that joins a group.
	GroupInterval Problem = "group_interval"
	// SendResolved: culprit is not notified when an alert resolves.
	SendResolved Problem = "send_resolved"
	// MaxAlerts: Alertmanager truncates its messages to culprit.
	MaxAlerts Problem = "max_alerts"
	// Unreadable: the configuration can't be parsed.
	Unreadable Problem = "unreadable"
)

// Kinds lists all kinds.
func Kinds() []Problem {
	return []Problem{
		PeopleNotTold, RootReceiver, NotRouted, SharedReceiver, LateRoute, GroupWait, GroupInterval, SendResolved, MaxAlerts, Unreadable,
	}
}

// Finding is one problem.
type Finding struct {
	Kind Problem
	Text string // one sentence
}

// Verdict is what a configuration does with culprit.
type Verdict struct {
	Receivers []string // culprit's; empty: none found
	How       string   // how they were recognised
	Routed    bool     // a route leads to one of them
	Safe      string   // why everybody is still notified; empty: somebody isn't
	Problems  []Finding
	Write     string // the lines that fix the problems, as YAML; empty: nothing to fix
}

// Has reports whether there is a problem of a kind.
func (v Verdict) Has(k Problem) bool {
	return slices.ContainsFunc(v.Problems, func(p Finding) bool { return p.Kind == k })
}

const (
	// soon is the longest good group_wait of culprit's route: it shortens the time before people
	// are notified.
	soon = time.Second
	// joined is its longest good group_interval: by then polling has found a missed alert anyway.
	joined = time.Minute
)

// Check checks a configuration. An error means that it can't be parsed.
func Check(text string, known Known) (Verdict, error) {
	t, err := Parse(text)
	if err != nil {
		return Verdict{}, err
	}
	return t.Check(known), nil
}

// Check checks a tree.
func (t *Tree) Check(known Known) Verdict {
	receivers, how := t.Recognise(known)
	c := &checker{tree: t, how: how, receivers: receivers, ours: map[string]bool{}}
	for _, r := range receivers {
		c.verdict.Receivers = append(c.verdict.Receivers, r.Name)
		c.ours[r.Name] = r.Others == 0 && len(r.Webhooks) == 1
	}
	c.verdict.How = how
	t.Root.walk(func(r *Route) {
		if _, ok := c.ours[r.Receiver]; ok {
			c.routes = append(c.routes, r)
		}
	})
	c.verdict.Routed = len(c.routes) > 0
	if !c.verdict.Routed {
		c.notRouted()
		return c.verdict
	}
	c.people()
	for _, r := range c.routes {
		c.route(r)
	}
	for _, r := range receivers {
		c.receiver(r)
	}
	c.write()
	return c.verdict
}

// checker collects problems.
type checker struct {
	tree      *Tree
	receivers []Receiver
	how       string
	ours      map[string]bool // culprit's receivers → whether they are only culprit's
	routes    []*Route        // routes to them
	verdict   Verdict

	mend      []*Route // routes of culprit's to rewrite
	lossy     []*Route // routes below which culprit takes alerts from others
	mendHooks []string // receivers to rewrite
}

func (c *checker) add(k Problem, format string, args ...any) {
	c.verdict.Problems = append(c.verdict.Problems, Finding{k, fmt.Sprintf(format, args...)})
}

// notRouted reports that no route leads to culprit.
func (c *checker) notRouted() {
	c.verdict.Safe = "it has no route"
	what := "no receiver is known as culprit's"
	if len(c.receivers) > 0 {
		what = fmt.Sprintf("no route leads to culprit's receiver %s", quoted(c.verdict.Receivers))
	} else if hidden := c.tree.hidden(); len(hidden) > 0 {
		what += fmt.Sprintf(" (if one of %s is, say so: alertmanagers: [{url: …, receiver: %s}])", quoted(hidden), hidden[0])
	}
	c.add(NotRouted, "%s: its alerts are found in Alertmanager's list within a minute, not at once", what)
	c.verdict.Write = c.block(c.tree.Root, nil, true)
	if len(c.receivers) == 0 {
		c.verdict.Write += c.hooks([]string{"culprit"})
	}
}

// hidden returns receivers that may be culprit's: their only integration is a webhook with a hidden
// URL.
func (t *Tree) hidden() []string {
	var names []string
	for _, r := range t.Receivers {
		if len(r.Webhooks) == 1 && r.Others == 0 && r.Webhooks[0].Address == "" {
			names = append(names, r.Name)
		}
	}
	return names
}

// people checks whether anybody is no longer notified.
func (c *checker) people() {
	alone := map[string]bool{}
	for name, yes := range c.ours {
		if yes {
			alone[name] = true
		}
	}
	losses, proven, tried := c.tree.losses(alone)
	switch {
	case alone[c.tree.Root.Receiver]: // reported below
	case len(alone) == 0:
		c.verdict.Safe = "it has no route of its own"
	case proven:
		c.verdict.Safe = "every alert goes on from its route to one that takes all"
	case len(losses) == 0:
		c.verdict.Safe = fmt.Sprintf("%s, one for each way through the routes, would tell the same people without it", count(tried, "kind of alerts", "kinds of alerts"))
	}
	const most = 3
	for _, l := range losses[:min(most, len(losses))] {
		c.add(PeopleNotTold, "an alert such as %s reaches culprit and no longer %s", l.Alert, quoted(l.Receivers))
	}
	if more := len(losses) - most; more > 0 {
		c.add(PeopleNotTold, "and %d more kinds of alerts no longer reach everybody", more)
	}
	for _, l := range losses {
		c.mendRoute(l.By)
		c.lossy = append(c.lossy, l.By.parent)
	}
	if alone[c.tree.Root.Receiver] {
		c.add(RootReceiver, "the root's receiver is culprit's %q: alerts that no route takes reach nobody else", c.tree.Root.Receiver)
	}
}

func (c *checker) mendRoute(r *Route) {
	if !slices.Contains(c.mend, r) {
		c.mend = append(c.mend, r)
	}
}

// route checks one route to culprit.
func (c *checker) route(r *Route) {
	if !c.ours[r.Receiver] {
		return // shared with others, which the check of the receiver reports
	}
	if r.GroupWait > soon {
		c.add(GroupWait, "%s has group_wait: %s; with 0s the causes are known before people are notified", r.place, model.Duration(r.GroupWait))
		c.mendRoute(r)
	}
	if r.GroupInterval > joined {
		c.add(GroupInterval, "%s has group_interval: %s; so long waits an alert that joins a group", r.place, model.Duration(r.GroupInterval))
		c.mendRoute(r)
	}
	if before := c.tree.before(r, c.ours); before != nil {
		c.add(LateRoute, "%s comes after %s (%s), which keeps its alerts: culprit finds those in Alertmanager's list only", r.place, before.place, before.Receiver)
		c.mendRoute(r)
	}
}

// before returns the first earlier sibling that takes alerts without `continue`, notifies somebody,
// and may match alerts meant for the route.
func (t *Tree) before(r *Route, ours map[string]bool) *Route {
	if r.parent == nil {
		return nil
	}
	for _, s := range r.parent.Routes {
		if s == r {
			break
		}
		if s.Continue || ours[s.Receiver] || !t.Receiver(s.Receiver).tells() {
			continue
		}
		if _, both := satisfying(t.axes(), append(r.path(), s.Matchers...)); both {
			return s
		}
	}
	return nil
}

// receiver checks one of culprit's receivers.
func (c *checker) receiver(r Receiver) {
	if !c.ours[r.Name] {
		c.add(SharedReceiver, "the receiver %q also notifies others: give culprit a receiver and a route of its own, so that it hears of an alert before they do", r.Name)
		return
	}
	if !r.Webhooks[0].SendResolved {
		c.add(SendResolved, "the webhook of %q has send_resolved: false: the end of an alert is noticed minutes late", r.Name)
		c.mendHooks = append(c.mendHooks, r.Name)
	}
	if n := r.Webhooks[0].MaxAlerts; n > 0 {
		c.add(MaxAlerts, "the webhook of %q has max_alerts: %d: the other alerts of a larger group come late; 0 is no limit", r.Name, n)
		c.mendHooks = append(c.mendHooks, r.Name)
	}
}

// quoted formats a list of names.
func quoted(names []string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(all, ", ")
}
