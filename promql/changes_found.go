// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/promql/expr"
)

// mostOften is how often a series may change before the onset and be told as
// changes: what moves more often is a measure.
const mostOften = 30

// changesFound are what the answers tell of changes, in no order.
func (p Plan) changesFound(asked []Query, answers Answers) []changes.Change {
	f := changeFinder{plan: p, there: map[model.Time]map[thing]map[string]int{}, measured: map[string]bool{}}
	for _, t := range p.Targets {
		for _, s := range expr.Selectors(expr.MustParse(t.Query.Query)) {
			f.measured[expr.MetricName(s)] = true
		}
	}
	for i, read := range []func(Query, model.Value){f.times, f.values, f.labels, f.alerts, f.resets} {
		if i < len(asked) {
			read(asked[i], answers.to(asked[i]).Value)
		}
	}
	return f.found
}

// changes puts what was changed into the frame, where anybody was asked.
func (a *aligner) changes() {
	a.frame.Labels = a.plan.labels
	asked := a.plan.changes()
	a.frame.Changes = a.plan.changesFound(asked, a.evidence.Answers)
	if len(asked) > 0 && !slices.ContainsFunc(asked, func(q Query) bool { return a.evidence.Answers.to(q).Err != nil }) {
		a.frame.ChangesSince = seconds(a.plan.ChangesSince()) // else it isn't known that there was none
	}
}

// changeFinder reads answers.
type changeFinder struct {
	plan     Plan
	measured map[string]bool                         // metrics of the KPIs: what they do is what is to be explained
	there    map[model.Time]map[thing]map[string]int // how many there are of each version of a thing
	found    []changes.Change
}

// add notes a change of the thing that a series is about, if it is in the cluster of
// the alert.
func (f *changeFinder) add(t trace, m model.Metric, c changes.Change) {
	name, labels := t.place(m)
	c.Source = cmp.Or(c.Source, string(m[model.MetricNameLabel]))
	if name == "" || f.measured[c.Source] || f.plan.where.elsewhere(labels) {
		return
	}
	c.Title, c.Labels, c.Symptom = fmt.Sprintf(c.Title, name), labels, t.symptom
	f.found = append(f.found, c)
}

// elsewhere says that labels are of another cluster.
func (w *whereabouts) elsewhere(labels map[string]string) bool {
	c := labels[clusterLabel]
	return c != "" && w.home != "" && c != w.home
}

// times reads when things happened.
func (f *changeFinder) times(q Query, v model.Value) {
	from, end := seconds(f.plan.ChangesSince()), seconds(q.End.Add(changesStep))
	each(v, func(m model.Metric, points []model.SamplePair) {
		if m[beforeLabel] == isPresent {
			f.count(untold(m), points)
			return
		}
		if m[tracedLabel] != "" {
			f.ages(untold(m), points)
			return
		}
		t, ok := traceOf(byTime, string(m[model.MetricNameLabel]))
		if !ok || m["container"] == "POD" { // the pause container of each pod
			return
		}
		last := 0.0
		for _, s := range points {
			at := unixSeconds(float64(s.Value))
			if at > from && at <= end && at != last {
				f.add(t, m, changes.Change{At: at, Title: t.did})
			}
			last = at
		}
	})
}

// ages reads since when something has been so. What grows older says twice that it began
// at the same time; a share of time, as an uptime may be, does not.
func (f *changeFinder) ages(m model.Metric, points []model.SamplePair) {
	t, ok := traceOf(byAge, string(m[model.MetricNameLabel]))
	if !ok || len(points) < 2 {
		return
	}
	at := float64(points[0].Value)
	if math.Abs(float64(points[len(points)-1].Value)-at) < changesStep.Seconds() {
		f.add(t, m, changes.Change{At: at, Title: t.did})
	}
}

// unixSeconds is a time that may have been given in milliseconds.
func unixSeconds(v float64) float64 {
	const milliseconds = 1e11 // in seconds that would be the year 5138
	if v > milliseconds {
		return v / 1000
	}
	return v
}

// moment is a step of a series.
type moment struct {
	series string
	at     model.Time
}

// values reads at which steps values became others, and which.
func (f *changeFinder) values(_ Query, v model.Value) {
	was := map[moment]model.SampleValue{}
	each(v, func(m model.Metric, points []model.SamplePair) {
		if m[beforeLabel] == wasBefore {
			for _, s := range points {
				was[moment{untold(m).String(), s.Timestamp}] = s.Value
			}
		}
	})
	each(v, func(m model.Metric, points []model.SamplePair) {
		t, ok := traceOf(byValue, string(m[tracedLabel]))
		if !ok || m[beforeLabel] != "" || len(points) > mostOften || t.flag && !switches(m, points, was) {
			return
		}
		m = untold(m)
		key := m.String()
		for _, s := range points {
			before, known := was[moment{key, s.Timestamp}]
			c := changes.Change{At: stepBefore(s.Timestamp), Title: t.did}
			if known && s.Value < before {
				c.Title = cmp.Or(t.undid, t.did)
			}
			if known && !t.opaque {
				c.From, c.To = number(before), number(s.Value)
			}
			f.add(t, m, c)
		}
	})
}

// switches says that a series became 1 where it was 0, or 0 where it was 1, and
// nothing else ever: that it is a flag, and does not count.
func switches(m model.Metric, points []model.SamplePair, was map[moment]model.SampleValue) bool {
	key := untold(m).String()
	return !slices.ContainsFunc(points, func(s model.SamplePair) bool {
		before, known := was[moment{key, s.Timestamp}]
		return !known || before+s.Value != 1 || before*s.Value != 0
	})
}

// untold is a series without the labels that a query added.
func untold(m model.Metric) model.Metric {
	m = m.Clone()
	if name := m[tracedLabel]; name != "" {
		m[model.MetricNameLabel] = name
	}
	delete(m, tracedLabel)
	delete(m, beforeLabel)
	return m
}

func number(v model.SampleValue) string { return strconv.FormatFloat(float64(v), 'g', 6, 64) }

// stepBefore is when what is seen at a step may have begun.
func stepBefore(at model.Time) float64 { return seconds(at.Time().Add(-changesStep)) }

// labels reads which series came, in place of which others, and which went.
func (f *changeFinder) labels(_ Query, v model.Value) {
	was := map[model.Time][]model.Metric{}
	each(v, func(m model.Metric, points []model.SamplePair) {
		if m[beforeLabel] == wasBefore {
			for _, s := range points {
				was[s.Timestamp] = append(was[s.Timestamp], untold(m))
			}
		}
	})
	each(v, func(m model.Metric, points []model.SamplePair) {
		how := m[beforeLabel]
		t, ok := traceOf(byLabels, string(m[model.MetricNameLabel]))
		if !ok || how == wasBefore || how == isGone && t.undid == "" || len(points) > mostOften {
			return
		}
		m = untold(m)
		for _, s := range points {
			c := changes.Change{At: stepBefore(s.Timestamp), Title: t.did}
			if how == isGone {
				c.Title = t.undid
			} else if c.From, c.To, ok = t.flipped(m, was[s.Timestamp]); !ok {
				continue // another one of the same
			}
			c.Extent = f.extent(t, m, c.To)
			f.add(t, m, c)
		}
	})
}

// flipped says from what to what a thing has changed with a new series of it, given
// those that were there before it.
func (t trace) flipped(m model.Metric, before []model.Metric) (from, to string, ok bool) {
	if len(t.version) == 0 {
		return "", "", true
	}
	to = t.versionOf(m)
	own := t.thingOf(m)
	var known []string
	for _, b := range before {
		if t.thingOf(b) == own {
			known = append(known, t.versionOf(b))
		}
	}
	slices.Sort(known)
	switch {
	case len(known) == 0: // the thing is new itself, and has flipped nothing: its start tells that
		return "", to, t.brief
	case slices.Contains(known, to):
		return "", "", false
	}
	return mostFrequent(known), to, true
}

// mostFrequent of a sorted list.
func mostFrequent(sorted []string) string {
	best, most, n := "", 0, 0
	for i, v := range sorted {
		if n++; i > 0 && v != sorted[i-1] {
			n = 1
		}
		if n > most {
			best, most = v, n
		}
	}
	return best
}

// alerts reads which other alerts began to hold, and when. Those of one name in one
// namespace are one.
func (f *changeFinder) alerts(q Query, v model.Value) {
	earliest := map[[2]string]changes.Change{}
	each(v, func(m model.Metric, points []model.SamplePair) {
		name := m[model.AlertNameLabel]
		for _, s := range points {
			at := float64(s.Value)
			labels := map[string]string{}
			for l, v := range m {
				if l != model.MetricNameLabel && l != model.AlertNameLabel && l != "severity" {
					labels[string(l)] = string(v)
				}
			}
			key := [2]string{string(name), labels["namespace"]}
			if known, ok := earliest[key]; !f.plan.where.elsewhere(labels) && (!ok || at < known.At) && at <= seconds(q.End) {
				earliest[key] = changes.Change{At: at, Title: changes.AlertBegan(string(name)), Labels: labels, Source: changes.FromAlert}
			}
		}
	})
	for _, c := range earliest {
		f.found = append(f.found, c)
	}
}

// resets reads when counters began again. What is seen at the steps after that is the
// same one.
func (f *changeFinder) resets(_ Query, v model.Value) {
	each(v, func(m model.Metric, points []model.SamplePair) {
		t := trace{did: "%s was restarted", thing: processNames(), own: true}
		var starts []model.Time
		for i, s := range points {
			if i == 0 || s.Timestamp.Sub(points[i-1].Timestamp) > resetLooksBack {
				starts = append(starts, s.Timestamp)
			}
		}
		if len(starts) > mostResets {
			return
		}
		for _, at := range starts {
			f.add(t, m, changes.Change{At: stepBefore(at), Title: t.did, Source: "resets of counters"})
		}
	})
}
