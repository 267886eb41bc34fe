// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// write renders the lines that fix the problems: every parent of a wrong route of culprit's, then
// the receivers.
func (c *checker) write() {
	var b strings.Builder
	var done []*Route
	for _, r := range c.mend {
		parent := r.parent
		if parent == nil || slices.Contains(done, parent) {
			continue
		}
		done = append(done, parent)
		b.WriteString(c.block(parent, r, slices.Contains(c.lossy, parent)))
	}
	if c.verdict.Has(SharedReceiver) && len(done) == 0 {
		b.WriteString("# Take culprit's webhook out of the receiver that it shares.\n" + c.block(c.tree.Root, nil, true))
		c.mendHooks = append(c.mendHooks, "culprit")
	} else if c.verdict.Has(RootReceiver) && len(done) == 0 {
		b.WriteString(c.rootBlock())
	}
	if len(c.mendHooks) > 0 {
		slices.Sort(c.mendHooks)
		b.WriteString(c.hooks(slices.Compact(c.mendHooks)))
	}
	c.verdict.Write = b.String()
}

// block renders a route as it should be: culprit's child first, and a catch-all last, so that the
// route's own receiver is notified as without culprit. own is culprit's route as it is, or nil.
// lossy means that others are no longer notified now.
func (c *checker) block(parent, own *Route, lossy bool) string {
	var b strings.Builder
	if lossy && (operated(own) || slices.ContainsFunc(parent.Routes, operated)) {
		c.operatorBlock(&b, parent, own)
		return b.String()
	}
	others := slices.DeleteFunc(slices.Clone(parent.Routes), func(r *Route) bool { return r == own })
	if parent.parent == nil {
		fmt.Fprintf(&b, "route:\n  receiver: %s\n  # … group_by and the like, as they are\n  routes:\n", scalar(parent.Receiver))
	} else {
		fmt.Fprintf(&b, "# %s, the route of %s:\n  routes:\n", parent.place, scalar(parent.Receiver))
	}
	b.WriteString(c.ownLines(parent, own))
	if lossy {
		rest(&b, parent.Receiver, others)
	} else if len(others) > 0 {
		fmt.Fprintf(&b, "    # … your %s, as before\n", yours(len(others)))
	}
	return b.String()
}

// rest renders the other routes so that each alert takes them as without culprit. If one of them
// continues, a last sibling for the parent's receiver would get its alerts too: then they go below
// it.
func rest(b *strings.Builder, receiver string, others []*Route) {
	goesOn := slices.ContainsFunc(others, func(r *Route) bool { return r.Continue })
	switch {
	case len(others) == 0:
		fmt.Fprintf(b, "    - receiver: %s # without this line only culprit would be notified\n", scalar(receiver))
	case !goesOn && slices.ContainsFunc(others, func(r *Route) bool { return len(r.Matchers) == 0 }):
		fmt.Fprintf(b, "    # … your %s, as before\n", yours(len(others)))
	case !goesOn:
		fmt.Fprintf(b, "    # … your %s, as before\n    - receiver: %s # last; without it only culprit would be notified\n", yours(len(others)), scalar(receiver))
	default:
		fmt.Fprintf(b, "    - receiver: %s # without it only culprit would be notified\n      routes:\n        # … your %s, indented by four\n", scalar(receiver), yours(len(others)))
	}
}

// yours describes a person's other routes.
func yours(n int) string {
	if n == 1 {
		return "other route"
	}
	return fmt.Sprintf("%d other routes", n)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// ownLines renders culprit's route as it should be. It keeps the user's choice of alerts and
// groups.
func (c *checker) ownLines(parent, own *Route) string {
	receiver, interval := "culprit", 10*time.Second
	var b strings.Builder
	for _, r := range c.receivers {
		if c.ours[r.Name] {
			receiver = r.Name
			break
		}
	}
	if own != nil {
		receiver = own.Receiver
		if own.GroupInterval <= joined {
			interval = own.GroupInterval
		}
	}
	fmt.Fprintf(&b, "    - receiver: %s\n", scalar(receiver))
	if own != nil && len(own.Matchers) > 0 {
		b.WriteString("      matchers:\n")
		for _, m := range own.Matchers {
			fmt.Fprintf(&b, "        - %s\n", scalar(m.String()))
		}
	}
	if own != nil && !slices.Equal(own.GroupBy, parent.GroupBy) {
		fmt.Fprintf(&b, "      group_by: [%s]\n", strings.Join(each(own.GroupBy, scalar), ", "))
	}
	fmt.Fprintf(&b, "      group_wait: 0s\n      group_interval: %s\n", model.Duration(interval))
	if own != nil && own.RepeatInterval != parent.RepeatInterval {
		fmt.Fprintf(&b, "      repeat_interval: %s\n", model.Duration(own.RepeatInterval))
	}
	b.WriteString("      continue: true\n")
	return b.String()
}

func each(texts []string, f func(string) string) []string {
	all := make([]string, len(texts))
	for i, s := range texts {
		all[i] = f(s)
	}
	return all
}

// operated reports whether a route was made by the Prometheus operator from an AlertmanagerConfig:
// its receiver is called NAMESPACE/NAME/RECEIVER.
func operated(r *Route) bool { return r != nil && strings.Count(r.Receiver, "/") == 2 }

// operatorBlock renders what to write into the main configuration, where the routes of
// AlertmanagerConfigs come first.
func (c *checker) operatorBlock(b *strings.Builder, parent, own *Route) {
	var main, teams int
	for _, r := range parent.Routes {
		switch {
		case r == own:
		case operated(r):
			teams++
		default:
			main++
		}
	}
	b.WriteString("# In Alertmanager's own configuration (kube-prometheus-stack: alertmanager.config). The operator\n" +
		"# puts the routes of AlertmanagerConfigs before these.\n")
	fmt.Fprintf(b, "route:\n  receiver: %s\n  # … group_by and the like, as they are\n  routes:\n", scalar(parent.Receiver))
	if !operated(own) {
		b.WriteString(c.ownLines(parent, own))
	}
	fmt.Fprintf(b, "    - receiver: %s # without it only culprit would be notified\n", scalar(parent.Receiver))
	if main > 0 {
		fmt.Fprintf(b, "      routes:\n        # … your %s, indented by four\n", yours(main))
	}
	if teams > 0 {
		b.WriteString("# Alerts of other AlertmanagerConfigs reach this receiver then, too. To leave one out, give the\n" +
			"# new route its opposite, such as matchers: [namespace!=\"…\"].\n")
	}
}

// rootBlock renders a root that is not culprit's.
func (c *checker) rootBlock() string {
	root := c.tree.Root
	b := "route:\n  receiver: PEOPLE # who is to be told of what no other route takes\n  routes:\n" + c.ownLines(root, root)
	var others strings.Builder
	rest(&others, "PEOPLE", root.Routes)
	return b + others.String()
}

// hooks renders receivers as they should be.
func (c *checker) hooks(names []string) string {
	b := "receivers:\n"
	for _, name := range names {
		b += fmt.Sprintf("  - name: %s\n    webhook_configs:\n      - url: http://culprit:9798%s # its address, as you have it\n        send_resolved: true\n        max_alerts: 0\n", scalar(name), WebhookPath)
	}
	return b
}

// scalar formats a text as a one-line YAML scalar.
func scalar(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off"}, strings.ToLower(s)) && !('0' <= s[0] && s[0] <= '9') && s[0] != '-' && s[0] != '.' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// plain reports whether a character never needs quotes in YAML.
func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./", r)
}
