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

// Changes are found by what they leave behind in series; see traces. Only the changes are
// queried, not the series that have them, so answers stay small on any server: five queries per
// analysis, four in a storm.
const (
	changesStep = time.Minute      // resolution of a change that has no timestamp of its own
	changesGap  = 10 * time.Minute // shorter gaps, such as failed scrapes, are no change
	changesGrid = 5 * time.Minute  // for the start of the range, so that alerts share answers
)

// ChangesBefore is how long before an onset changes are looked for: older ones have had their
// effect.
const ChangesBefore = 3 * time.Hour

// Labels that the queries add, to tell the parts of an answer apart.
const (
	tracedLabel = "culprit_metric" // the name of the metric, which operators would drop
	beforeLabel = "culprit_before" // one of the values below; empty: a new series or value
	wasBefore   = "was"
	isGone      = "gone"
	isPresent   = "there"
)

// whereabouts restricts where to look for changes.
type whereabouts struct {
	home    string          // the alert's cluster; empty: unknown
	name    string          // of the alert, which is no change itself
	cluster *labels.Matcher // nil: there is only one
	near    *labels.Matcher // the alert's namespaces; nil: unknown
	all     bool            // query even numerous series if near is unknown
}

// whereabouts returns where to look for changes of an alert, in a storm of all its alerts; nil
// if changes are not wanted.
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
		// A series without a namespace is outside Kubernetes, and may concern anything.
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

// selector selects metrics by name within the whereabouts.
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

// selectors returns the selectors of the metrics that show changes in one way.
func (w whereabouts) selectors(by signal, flag bool) []string {
	var all []string
	for _, near := range []bool{false, true} {
		if names := namesOf(by, near, flag); names != "" && (!near || w.all || w.near != nil) {
			all = append(all, w.selector(names, near))
		}
	}
	return all
}

// each joins the queries for all selectors of one way.
func (w whereabouts) each(by signal, ask func(selector string) string) string {
	var parts []string
	for _, s := range w.selectors(by, false) {
		parts = append(parts, ask(s))
	}
	return strings.Join(parts, " or ")
}

// ChangesSince returns the time from which changes are looked for.
func (p Plan) ChangesSince() time.Time { return floor(p.Onset, changesGrid).Add(-ChangesBefore) }

// changes returns the queries for what changed before the onset and since.
func (p Plan) changes() []Query {
	if p.where == nil {
		return nil
	}
	from, end := p.ChangesSince(), floor(p.End, changesStep)
	query := func(name, text string, start time.Time, step time.Duration) Query {
		return Query{Role: RoleChange, Name: "changes: " + name, Query: text, Start: start, End: end, Step: step}
	}
	// Changes with their own timestamp are queried twice, at the onset and now, and so is the
	// progress of rollouts.
	onset := floor(p.Onset, changesStep)
	twice := max(end.Sub(onset), 0)
	all := []Query{
		query("times", strings.Join([]string{p.where.times(from), p.where.ages(from), p.where.spread(end.Sub(from))}, " or "), onset, twice),
		query("values", p.where.values(), from, changesStep),
		query("labels", p.where.appeared(), from, changesStep),
		query("alerts", p.where.alerts(from), onset, twice),
	}
	if resets := p.resets(); resets != "" && !p.sharedEarlier { // a storm would need one query per alert
		all = append(all, query("resets", resets, from, changesStep))
	}
	return all
}

// times selects metrics whose value is a time after from.
func (w whereabouts) times(from time.Time) string {
	return w.each(byTime, func(s string) string { return fmt.Sprintf("%s > %d", s, from.Unix()) })
}

// ages selects metrics whose value is an age, and converts it to a time after from.
func (w whereabouts) ages(from time.Time) string {
	return w.each(byAge, func(s string) string { return fmt.Sprintf("time() - %s > %d", withName(s), from.Unix()) })
}

// values selects metrics at the steps at which their value differs from the step before, with
// both values. Possible flags with values beyond 1 are left out: counters of features are many,
// and always move.
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

// appeared selects, at each step, series that are new, the series of the same thing before, and
// series that are gone.
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

// spread counts all series of each thing that has new ones since then: how many of its pods
// have the new version.
func (w whereabouts) spread(since time.Duration) string {
	by, thing := groupings()
	return w.each(byLabels, func(s string) string {
		now := fmt.Sprintf("count by (%s) (%s)", by, s)
		was := fmt.Sprintf("count by (%s) (%s offset %s)", by, s, model.Duration(since))
		return marked(fmt.Sprintf("%s and on (%s) (%s unless on (%s) %s)", now, thing, now, by, was), isPresent)
	})
}

// groupings returns two label lists in PromQL: those that distinguish series of one kind, and
// those of them that identify the thing.
func groupings() (by, thing string) {
	everything := []string{model.MetricNameLabel, clusterLabel, "namespace", "container", "exported_namespace", "exported_pod"}
	place := slices.Clone(everything[:len(everything)-1])
	for _, t := range traces() {
		if t.signal != byLabels {
			continue
		}
		for _, l := range slices.Concat(t.thing, t.version) {
			everything = append(everything, string(l))
		}
		for _, l := range t.thing {
			if l != "pod" && l != "instance" && l != "node" { // short-lived
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

// alerts selects other firing alerts whose condition began to hold after from.
func (w whereabouts) alerts(from time.Time) string {
	r := region{labels.MustNewMatcher(labels.MatchNotEqual, model.AlertNameLabel, w.name)}
	if w.cluster != nil {
		r = append(r, w.cluster)
	}
	firing := append(slices.Clone(r), labels.MustNewMatcher(labels.MatchEqual, "alertstate", "firing"))
	return fmt.Sprintf("ALERTS_FOR_STATE%s > %d and ignoring (alertstate) ALERTS%s", r, from.Unix(), firing)
}

// withName copies the metric name to a label, so that matching keeps it.
func withName(e string) string {
	return fmt.Sprintf(`label_replace(%s, "%s", "$1", "__name__", "(.+)")`, e, tracedLabel)
}

func marked(e, how string) string {
	return fmt.Sprintf(`label_replace(%s, "%s", "%s", "", "")`, e, beforeLabel, how)
}

// place returns the labels that locate the KPIs of an alert: its own, those with a single value
// on its series, and those that its KPIs select by.
func (a Alert) place(kpis []kpi) map[string]string {
	place := map[string]string{}
	for _, k := range kpis {
		for _, s := range expr.Selectors(k.expr) {
			for _, m := range s.LabelMatchers {
				if m.Type == labels.MatchEqual && slices.Contains(identityLabels(), m.Name) {
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
