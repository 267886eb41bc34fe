// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis/changes"
)

// thing is what has a version: a workload, or a service.
type thing struct{ metric, name, container, namespace string }

// thingOf returns the thing whose version a series shows.
func (t trace) thingOf(m model.Metric) thing {
	name, labels := t.place(m)
	return thing{string(m[model.MetricNameLabel]), name, string(m["container"]), labels["namespace"]}
}

// count records a series of a thing at the steps at which it exists.
func (f *changeFinder) count(m model.Metric, points []model.SamplePair) {
	t, ok := traceOf(byLabels, string(m[model.MetricNameLabel]))
	if !ok || len(t.version) == 0 {
		return
	}
	own, version := t.thingOf(m), t.versionOf(m)
	for _, s := range points {
		if f.there[s.Timestamp] == nil {
			f.there[s.Timestamp] = map[thing]map[string]int{}
		}
		if f.there[s.Timestamp][own] == nil {
			f.there[s.Timestamp][own] = map[string]int{}
		}
		f.there[s.Timestamp][own][version]++
	}
}

// extent returns how many pods or instances of a thing had a version, at the latest time at
// which any had: it may have been rolled back since.
func (f *changeFinder) extent(t trace, m model.Metric, version string) changes.Extent {
	var latest model.Time
	var e changes.Extent
	for at, things := range f.there {
		versions := things[t.thingOf(m)]
		if at < latest || versions[version] == 0 || version == "" {
			continue
		}
		latest, e = at, changes.Extent{Changed: versions[version], Parts: "instances"}
		for _, n := range versions {
			e.Of += n
		}
	}
	if t.near {
		e.Parts = "pods"
	}
	if e.Of < 2 {
		return changes.Extent{}
	}
	return e
}

// undone reports whether no part of a thing had a version at the onset, although there were as many
// parts as before it came: parts that are missing may have died of it. Where only one of several
// parts had it, its return to the version of the others is no change of its own.
func (f *changeFinder) undone(t trace, m model.Metric, version string, before []model.Metric) bool {
	own, parts := t.thingOf(m), 0
	for _, b := range before {
		if t.thingOf(b) == own {
			parts++
		}
	}
	at, left := model.TimeFromUnixNano(floor(f.plan.Onset, changesStep).UnixNano()), 0
	for _, n := range f.there[at][own] {
		left += n
	}
	return version != "" && parts > 0 && left >= parts && f.there[at][own][version] == 0
}
