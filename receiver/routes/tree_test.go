// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"pgregory.net/rapid"
)

func init() {
	compat.InitFromFlags(promslog.NewNopLogger(), featurecontrol.NoopFlags{}) // as Alertmanager's main function
}

// told is one notification: to whom, in what groups and when.
type told struct {
	Receiver                   string
	GroupBy                    string
	Wait, Interval, Repeat     time.Duration
	Mute, Active, RouteMatched string
}

func (r *Route) told() told {
	return told{
		Receiver: r.Receiver, GroupBy: strings.Join(r.GroupBy, ","), Wait: r.GroupWait, Interval: r.GroupInterval, Repeat: r.RepeatInterval,
		Mute: strings.Join(r.Mute, ","), Active: strings.Join(r.Active, ","),
	}
}

// theirs is a route according to Alertmanager's own code.
func theirs(r *dispatch.Route) told {
	by := []string{}
	for name := range r.RouteOpts.GroupBy {
		by = append(by, string(name))
	}
	if r.RouteOpts.GroupByAll {
		by = []string{"..."}
	}
	slices.Sort(by)
	o := r.RouteOpts
	return told{
		Receiver: o.Receiver, GroupBy: strings.Join(by, ","), Wait: o.GroupWait, Interval: o.GroupInterval, Repeat: o.RepeatInterval,
		Mute: strings.Join(o.MuteTimeIntervals, ","), Active: strings.Join(o.ActiveTimeIntervals, ","),
	}
}

// node is a route to be written as YAML.
type node struct {
	receiver string
	matchers []string
	lines    []string // settings
	goesOn   bool
	routes   []node
}

func (n node) yaml(indent string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s- receiver: %s\n", indent, n.receiver)
	if len(n.matchers) > 0 {
		fmt.Fprintf(&b, "%s  matchers: ['%s']\n", indent, strings.Join(n.matchers, "', '"))
	}
	for _, l := range n.lines {
		fmt.Fprintf(&b, "%s  %s\n", indent, l)
	}
	if n.goesOn {
		fmt.Fprintf(&b, "%s  continue: true\n", indent)
	}
	if len(n.routes) > 0 {
		fmt.Fprintf(&b, "%s  routes:\n", indent)
		for _, c := range n.routes {
			b.WriteString(c.yaml(indent + "    "))
		}
	}
	return b.String()
}

const receivers = `
receivers:
  - name: people
    webhook_configs: [{url: "http://people/"}]
  - name: team
    webhook_configs: [{url: "http://team/"}]
  - name: nobody
  - name: culprit
    webhook_configs: [{url: "http://culprit:9798/api/v1/webhook"}]
time_intervals: [{name: nights, time_intervals: [{times: [{start_time: "00:00", end_time: "06:00"}]}]}]
`

// config is the whole text of a root.
func (n node) config() string {
	text := "route:\n" + strings.Replace(n.yaml(""), "- receiver", "  receiver", 1)
	return text + receivers
}

// domain lists values of the labels a and b that the generated matchers distinguish; the empty one
// means no label.
func domain() []string { return []string{"", "x", "y", "xy", "z", "yy", "xz"} }

func genNode(depth int, names []string) *rapid.Generator[node] {
	return rapid.Custom(func(t *rapid.T) node {
		n := node{receiver: rapid.SampledFrom(names).Draw(t, "receiver"), goesOn: rapid.Bool().Draw(t, "continue")}
		for range rapid.IntRange(0, 2).Draw(t, "matchers") {
			n.matchers = append(n.matchers, rapid.SampledFrom([]string{
				`a="x"`, `a!="x"`, `a=~"x|y"`, `a!~"x.*"`, `a=~".+"`, `b="x"`, `b!="y"`, `b=~"x.?"`, `b!~".+"`, `b=""`, `a=~".*y"`,
			}).Draw(t, "matcher"))
		}
		for range rapid.IntRange(0, 2).Draw(t, "settings") {
			l := rapid.SampledFrom([]string{
				"group_by: [a]", "group_by: ['...']", "group_wait: 5s", "group_interval: 2m", "repeat_interval: 1h",
				"mute_time_intervals: [nights]", "active_time_intervals: [nights]",
			}).Draw(t, "setting")
			key, _, _ := strings.Cut(l, ":")
			if !slices.ContainsFunc(n.lines, func(has string) bool { return strings.HasPrefix(has, key) }) {
				n.lines = append(n.lines, l)
			}
		}
		if depth > 0 {
			n.routes = rapid.SliceOfN(genNode(depth-1, names), 0, 3).Draw(t, "routes")
		}
		return n
	})
}

// genRoot draws a tree; the root has neither matchers nor time intervals.
func genRoot(names []string) *rapid.Generator[node] {
	return rapid.Custom(func(t *rapid.T) node {
		return node{
			receiver: rapid.SampledFrom([]string{"people", "nobody"}).Draw(t, "root"), lines: []string{"group_by: [b]", "group_wait: 40s"},
			routes: rapid.SliceOfN(genNode(2, names), 0, 4).Draw(t, "routes"),
		}
	})
}

// everyAlert returns all alerts with these labels.
func everyAlert() []model.LabelSet {
	var all []model.LabelSet
	for _, a := range domain() {
		for _, b := range domain() {
			all = append(all, with(with(model.LabelSet{"alertname": "N"}, "a", model.LabelValue(a)), "b", model.LabelValue(b)))
		}
	}
	return all
}

func load(t interface{ Fatalf(string, ...any) }, text string) (*Tree, *dispatch.Route) {
	conf, err := amconfig.Load(text)
	if err != nil {
		t.Fatalf("Alertmanager refuses it: %v\n%s", err, text)
	}
	shown := conf.String() // as in /api/v2/status
	tree, err := Parse(shown)
	if err != nil {
		t.Fatalf("%v\n%s", err, shown)
	}
	return tree, dispatch.NewRoute(conf.Route, nil)
}

func TestRoutesMatchAsAlertmanagerDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := genRoot([]string{"people", "team", "nobody", "culprit"}).Draw(t, "tree").config()
		tree, real := load(t, text)
		for _, alert := range everyAlert() {
			var got, want []told
			for _, r := range tree.Match(alert) {
				got = append(got, r.told())
			}
			for _, r := range real.Match(alert) {
				want = append(want, theirs(r))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%v (-Alertmanager +here):\n%s\n%s", alert, diff, text)
			}
		}
	})
}

// TestOlderWaysToWriteMatchersAreRead has configurations of old versions.
func TestOlderWaysToWriteMatchersAreRead(t *testing.T) {
	tree, real := load(t, `
route:
  receiver: people
  routes:
    - receiver: team
      match: {severity: page}
      match_re: {service: "shop|cart"}
    - receiver: nobody
      matchers: [ 'service =~ "a|b"', '{env="prod",zone!=""}' ]
`+receivers)
	for _, alert := range []model.LabelSet{
		{"severity": "page", "service": "shop"}, {"severity": "page", "service": "shops"}, {"service": "a", "env": "prod", "zone": "1"}, {"service": "a", "env": "prod"},
	} {
		if got, want := tree.Match(alert)[0].Receiver, real.Match(alert)[0].RouteOpts.Receiver; got != want {
			t.Errorf("%v goes to %s, want %s", alert, got, want)
		}
	}
}
