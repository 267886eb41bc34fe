// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/promql/expr"
)

// Changes are asked for by what they leave behind in series: see traces. The server
// is asked for changes alone and not for the series that have them, so that an
// answer is small however large the server is: five queries an analysis, four in a storm.
const (
	changesStep = time.Minute      // how exactly a change is dated that has no time of its own
	changesGap  = 10 * time.Minute // scrapes that fail are no change
	changesGrid = 5 * time.Minute  // of the beginning, so that alerts share the answers
)

// ChangesBefore is from how long before an onset on changes are looked for: what is
// older has had its effect.
const ChangesBefore = 3 * time.Hour

// Labels that the queries add to tell their answers apart.
const (
	tracedLabel = "culprit_metric" // the name of the metric, which must not be lost
	beforeLabel = "culprit_before" // wasBefore: as it was before; isGone: it is no more; isPresent: one of a kind of which some are new
	wasBefore   = "was"
	isGone      = "gone"
	isPresent   = "there"
)

// whereabouts are where changes are looked for.
type whereabouts struct {
	home    string          // the alert's cluster; empty: not known
	name    string          // of the alert, which is no change itself
	cluster *labels.Matcher // nil: there is one only
	near    *labels.Matcher // the alert's namespaces; nil: not known
	all     bool            // what there is very much of is looked at even where near is not known
}

// whereabouts are those of an alert. In a storm they are those of all its alerts;
// nil: nobody wants them looked for.
func (a Alert) whereabouts() *whereabouts {
	if a.ChangesUnasked {
		return nil
	}
	own := a.identifying()
	w := &whereabouts{home: string(own[clusterLabel]), name: string(a.Labels[model.AlertNameLabel]), all: !a.Storm}
	if c := own[clusterLabel]; c != "" && a.cluster != "" {
		w.cluster = labels.MustNewMatcher(labels.MatchEqual, clusterLabel, string(c))
	}
	spaces := slices.Clone(a.Series["namespace"])
	if n := own["namespace"]; n != "" {
		spaces = []string{string(n)}
	}
	if len(spaces) > 0 {
		// What has no namespace is not of Kubernetes, and may be of anything.
		w.near = labels.MustNewMatcher(labels.MatchRegexp, "namespace", strings.Join(quoted(spaces), "|")+"|")
	}
	return w
}

func quoted(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = regexp.QuoteMeta(v)
	}
	return out
}

// selector selects metrics by their names, where changes are looked for.
func (w whereabouts) selector(names string, near bool) string {
	r := region{labels.MustNewMatcher(labels.MatchRegexp, model.MetricNameLabel, names)}
	if w.cluster != nil {
		r = append(r, w.cluster)
	}
	if near && w.near != nil {
		r = append(r, w.near)
	}
	return r.String()
}

// selectors are those of the metrics that tell changes in a way.
func (w whereabouts) selectors(by way, flag bool) []string {
	var all []string
	for _, near := range []bool{false, true} {
		if names := namesOf(by, near, flag); names != "" && (!near || w.all || w.near != nil) {
			all = append(all, w.selector(names, near))
		}
	}
	return all
}

// each joins what is asked of each selector of a way.
func (w whereabouts) each(by way, ask func(selector string) string) string {
	var parts []string
	for _, s := range w.selectors(by, false) {
		parts = append(parts, ask(s))
	}
	return strings.Join(parts, " or ")
}

// ChangesSince is from when on changes are looked for.
func (p Plan) ChangesSince() time.Time { return floor(p.Onset, changesGrid).Add(-ChangesBefore) }

// changes are the queries for what changed before the onset and since then.
func (p Plan) changes() []Query {
	if p.where == nil {
		return nil
	}
	from, end := p.ChangesSince(), floor(p.End, changesStep)
	query := func(name, text string, start time.Time, step time.Duration) Query {
		return Query{Role: RoleChange, Name: "changes: " + name, Query: text, Start: start, End: end, Step: step}
	}
	// What is dated by itself is looked at twice, at the onset and now; so is how far
	// what is new has got.
	onset := floor(p.Onset, changesStep)
	twice := max(end.Sub(onset), 0)
	all := []Query{
		query("times", strings.Join([]string{p.where.times(from), p.where.ages(from), p.where.spread(end.Sub(from))}, " or "), onset, twice),
		query("values", p.where.values(), from, changesStep),
		query("labels", p.where.appeared(), from, changesStep),
		query("alerts", p.where.alerts(from), onset, twice),
	}
	if resets := p.resets(); resets != "" && !p.crowd { // those of many alerts would be as many queries
		all = append(all, query("resets", resets, from, changesStep))
	}
	return all
}

// times asks for metrics whose value is a time after from.
func (w whereabouts) times(from time.Time) string {
	return w.each(byTime, func(s string) string { return fmt.Sprintf("%s > %d", s, from.Unix()) })
}

// ages asks for metrics whose value is the seconds since a time after from, as that time.
func (w whereabouts) ages(from time.Time) string {
	return w.each(byAge, func(s string) string { return fmt.Sprintf("time() - %s > %d", withName(s), from.Unix()) })
}

// values asks for metrics at the steps at which their value is another one than at
// the step before, with both. What may be a flag is left out where it counts beyond 1:
// counters of features are many, and always move.
func (w whereabouts) values() string {
	ask := func(s, differ string) string {
		now, was := withName(s), withName(fmt.Sprintf("last_over_time(%s[%s] offset %s)", s, model.Duration(changesGap), model.Duration(changesStep)))
		return fmt.Sprintf(differ, now, was) + " or " + marked(fmt.Sprintf(differ, was, now), wasBefore)
	}
	all := []string{w.each(byValue, func(s string) string { return ask(s, "(%s != %s)") })}
	for _, s := range w.selectors(byValue, true) {
		all = append(all, ask(s, "((%[1]s <= 1) != %[2]s or %[1]s != (%[2]s <= 1))"))
	}
	return strings.Join(all, " or ")
}

// appeared asks for the series of a kind that are new at a step, for those of the
// same thing that were there before it, and for those that are gone.
func (w whereabouts) appeared() string {
	by, thing := groupings()
	return w.each(byLabels, func(s string) string {
		now := fmt.Sprintf("count by (%s) (%s)", by, s)
		was := fmt.Sprintf("count by (%s) (last_over_time(%s[%s] offset %s))", by, s, model.Duration(changesGap), model.Duration(changesStep))
		then := fmt.Sprintf("count by (%s) (%s offset %s)", by, s, model.Duration(changesStep))
		fresh := fmt.Sprintf("(%s unless on (%s) %s)", now, by, was)
		return strings.Join([]string{
			fresh,
			marked(fmt.Sprintf("%s and on (%s) %s", was, thing, fresh), wasBefore),
			marked(fmt.Sprintf("%s unless on (%s) %s", then, by, now), isGone),
		}, " or ")
	})
}

// spread asks for all series of each thing of which there are new ones, since so long:
// how many of its pods have the new version.
func (w whereabouts) spread(since time.Duration) string {
	by, thing := groupings()
	return w.each(byLabels, func(s string) string {
		now := fmt.Sprintf("count by (%s) (%s)", by, s)
		was := fmt.Sprintf("count by (%s) (%s offset %s)", by, s, model.Duration(since))
		return marked(fmt.Sprintf("%s and on (%s) (%s unless on (%s) %s)", now, thing, now, by, was), isPresent)
	})
}

// groupings are the labels by which series of one kind are told apart, and those of
// them that tell whose they are, as lists in PromQL.
func groupings() (by, thing string) {
	everything := []string{model.MetricNameLabel, clusterLabel, "namespace", "container", "exported_namespace", "exported_pod"}
	place := slices.Clone(everything[:len(everything)-1])
	for _, t := range traces() {
		if t.way != byLabels {
			continue
		}
		for _, l := range slices.Concat(t.thing, t.version) {
			everything = append(everything, string(l))
		}
		for _, l := range t.thing {
			if l != "pod" && l != "instance" && l != "node" { // these come and go
				place = append(place, string(l))
			}
		}
	}
	list := func(names []string) string {
		slices.Sort(names)
		return strings.Join(slices.Compact(names), ", ")
	}
	return list(everything), list(place)
}

// alerts asks for other alerts that fire and whose condition began to hold after
// from.
func (w whereabouts) alerts(from time.Time) string {
	r := region{labels.MustNewMatcher(labels.MatchNotEqual, model.AlertNameLabel, w.name)}
	if w.cluster != nil {
		r = append(r, w.cluster)
	}
	firing := append(slices.Clone(r), labels.MustNewMatcher(labels.MatchEqual, "alertstate", "firing"))
	return fmt.Sprintf("ALERTS_FOR_STATE%s > %d and ignoring (alertstate) ALERTS%s", r, from.Unix(), firing)
}

// withName keeps the name of a metric, by which series are matched.
func withName(e string) string {
	return fmt.Sprintf(`label_replace(%s, "%s", "$1", "__name__", "(.+)")`, e, tracedLabel)
}

func marked(e, how string) string {
	return fmt.Sprintf(`label_replace(%s, "%s", "%s", "", "")`, e, beforeLabel, how)
}

// place are the labels that tell where the KPIs of an alert are: its own, those of which
// all its series have one value, and those that its KPIs select by.
func (a Alert) place(kpis []kpi) map[string]string {
	place := map[string]string{}
	for _, k := range kpis {
		for _, s := range expr.Selectors(k.expr) {
			for _, m := range s.LabelMatchers {
				if m.Type == labels.MatchEqual && slices.Contains(aboutLabels(), m.Name) {
					place[m.Name] = m.Value
				}
			}
		}
	}
	for name, values := range a.Series {
		if len(values) == 1 {
			place[name] = values[0]
		}
	}
	for name, v := range a.Own {
		if name != model.MetricNameLabel {
			place[string(name)] = string(v)
		}
	}
	return place
}
