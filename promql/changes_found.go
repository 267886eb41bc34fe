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

// mostOften is how often a series may change before the onset and still count as changes:
// anything that moves more often is a measurement.
const mostOften = 30

// changesFound reads the changes from the answers, in no order.
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

// changes adds the changes to the frame, if they were queried.
func (a *aligner) changes() {
	a.frame.Labels = a.plan.labels
	asked := a.plan.changes()
	a.frame.Changes = a.plan.changesFound(asked, a.evidence.Answers)
	if len(asked) > 0 && !slices.ContainsFunc(asked, func(q Query) bool { return a.evidence.Answers.to(q).Err != nil }) {
		a.frame.ChangesSince = seconds(a.plan.ChangesSince()) // after a failed query, none found is not none
	}
}

// changeFinder reads changes from answers.
type changeFinder struct {
	plan     Plan
	measured map[string]bool                         // metrics of the KPIs, which are to be explained themselves
	there    map[model.Time]map[thing]map[string]int // number of series per version of a thing
	found    []changes.Change
}

// add records a change of the thing that a series is about, unless it is in another cluster.
func (f *changeFinder) add(t trace, m model.Metric, c changes.Change) {
	name, labels := t.place(m)
	c.Source = cmp.Or(c.Source, string(m[model.MetricNameLabel]))
	if name == "" || f.measured[c.Source] || f.plan.where.elsewhere(labels) {
		return
	}
	c.Title, c.Labels, c.Symptom = fmt.Sprintf(c.Title, name), labels, t.symptom
	f.found = append(f.found, c)
}

// elsewhere says whether labels name another cluster.
func (w *whereabouts) elsewhere(labels map[string]string) bool {
	c := labels[clusterLabel]
	return c != "" && w.home != "" && c != w.home
}

// times reads timestamps of changes.
func (f *changeFinder) times(q Query, v model.Value) {
	from, end := seconds(f.plan.ChangesSince()), seconds(q.End.Add(changesStep))
	each(v, func(m model.Metric, points []model.SamplePair) {
		if m[beforeLabel] == isPresent {
			f.count(withoutMarks(m), points)
			return
		}
		if m[tracedLabel] != "" {
			f.ages(withoutMarks(m), points)
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

// ages reads start times from ages. A true age gives the same start twice; a share of time, as
// some uptimes are, does not.
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

// unixSeconds converts a time that may be in milliseconds.
func unixSeconds(v float64) float64 {
	const milliseconds = 1e11 // as seconds that would be the year 5138
	if v > milliseconds {
		return v / 1000
	}
	return v
}

// moment is one step of a series.
type moment struct {
	series string
	at     model.Time
}

// values reads changed values, with those before.
func (f *changeFinder) values(_ Query, v model.Value) {
	was := map[moment]model.SampleValue{}
	each(v, func(m model.Metric, points []model.SamplePair) {
		if m[beforeLabel] == wasBefore {
			for _, s := range points {
				was[moment{withoutMarks(m).String(), s.Timestamp}] = s.Value
			}
		}
	})
	each(v, func(m model.Metric, points []model.SamplePair) {
		t, ok := traceOf(byValue, string(m[tracedLabel]))
		if !ok || m[beforeLabel] != "" || len(points) > mostOften || t.flag && !switches(m, points, was) {
			return
		}
		m = withoutMarks(m)
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
			c.Reaction = t.reacts && known && s.Value > before
			f.add(t, m, c)
		}
	})
}

// switches says whether a series only ever goes from 0 to 1 or back, and so is a flag and no
// count.
func switches(m model.Metric, points []model.SamplePair, was map[moment]model.SampleValue) bool {
	key := withoutMarks(m).String()
	return !slices.ContainsFunc(points, func(s model.SamplePair) bool {
		before, known := was[moment{key, s.Timestamp}]
		return !known || before+s.Value != 1 || before*s.Value != 0
	})
}

// withoutMarks removes the labels that a query added.
func withoutMarks(m model.Metric) model.Metric {
	m = m.Clone()
	if name := m[tracedLabel]; name != "" {
		m[model.MetricNameLabel] = name
	}
	delete(m, tracedLabel)
	delete(m, beforeLabel)
	return m
}

func number(v model.SampleValue) string { return strconv.FormatFloat(float64(v), 'g', 6, 64) }

// stepBefore returns the earliest time of a change seen at a step.
func stepBefore(at model.Time) float64 { return seconds(at.Time().Add(-changesStep)) }

// labels reads which series appeared, which they replaced, and which disappeared.
func (f *changeFinder) labels(_ Query, v model.Value) {
	was := map[model.Time][]model.Metric{}
	each(v, func(m model.Metric, points []model.SamplePair) {
		if m[beforeLabel] == wasBefore {
			for _, s := range points {
				was[s.Timestamp] = append(was[s.Timestamp], withoutMarks(m))
			}
		}
	})
	each(v, func(m model.Metric, points []model.SamplePair) {
		how := m[beforeLabel]
		t, ok := traceOf(byLabels, string(m[model.MetricNameLabel]))
		if !ok || how == wasBefore || how == isGone && t.undid == "" || len(points) > mostOften {
			return
		}
		m = withoutMarks(m)
		for _, s := range points {
			c := changes.Change{At: stepBefore(s.Timestamp), Title: t.did}
			if how == isGone {
				c.Title = t.undid
			} else if c.From, c.To, ok = t.versionChange(m, was[s.Timestamp]); !ok {
				continue // another one of the same version
			}
			c.Extent, c.Undone = f.extent(t, m, c.To), f.undone(t, m, c.To, was[s.Timestamp])
			f.add(t, m, c)
		}
	})
}

// versionChange returns the old and the new version of a thing with a new series, given the series
// that existed before.
func (t trace) versionChange(m model.Metric, before []model.Metric) (from, to string, ok bool) {
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
	case len(known) == 0: // the thing itself is new and replaced nothing: its start is recorded elsewhere
		return "", to, t.brief
	case slices.Contains(known, to):
		return "", "", false
	}
	return mostFrequent(known), to, true
}

// mostFrequent returns the most frequent value of a sorted list.
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

// alerts reads when other alerts began to hold. Alerts with the same name and namespace count
// once.
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

// resets reads counter resets. The steps right after a reset show the same one.
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
