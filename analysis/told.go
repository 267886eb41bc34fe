// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"regexp"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/changes"
)

// withSeriesChanges moves candidates that record changes, such as a generation or a start time, from the
// series to the changes: the size of their steps means nothing. The receiver is not modified.
func (f Frame) withSeriesChanges() Frame {
	if f.Onset == 0 {
		return f
	}
	found, measures := f.changesBySeries()
	var told []changes.Change
	f.Targets = slices.Clone(f.Targets)
	for i, t := range f.Targets {
		f.Targets[i].Candidates = slices.DeleteFunc(slices.Clone(t.Candidates), func(s Series) bool {
			list := found[s.Name]
			if len(list) == 0 || measures[metricOf(s.Name)] {
				return false
			}
			if !slices.ContainsFunc(told, func(c changes.Change) bool { return c.Series == s.Name }) { // else listed already for another target
				told = append(told, list...)
			}
			return true
		})
	}
	if len(told) > 0 {
		f.Changes = slices.Concat(f.Changes, told)
		if f.ChangesSince == 0 {
			f.ChangesSince = f.Times[0]
		}
	}
	return f
}

// changesBySeries returns the changes that each candidate records, by its name, and the metrics that
// record none after all: their name does not suggest changes, and some series of them takes
// many values. A count of sockets that went from 0 to 1 here is no flag if another host goes
// from 3 to 5.
func (f Frame) changesBySeries() (found map[string][]changes.Change, measures map[string]bool) {
	found, measures = map[string][]changes.Change{}, map[string]bool{}
	for _, t := range f.Targets {
		for _, s := range t.Candidates {
			if _, known := found[s.Name]; known {
				continue
			}
			found[s.Name] = s.changes(f)
			if metric := metricOf(s.Name); len(found[s.Name]) == 0 && !constant(s.Values) && !changes.Named(metric+" "+s.Query) {
				measures[metric] = true
			}
		}
	}
	return found, measures
}

// changes returns the changes that a series records; nil if it measures something.
func (s Series) changes(f Frame) []changes.Change {
	if len(s.Values) != len(f.Times) {
		return nil
	}
	return changes.Column{
		Name: s.Name, Metric: metricOf(s.Name) + " " + s.Query, Of: s.Service, Labels: s.labels(), Values: s.Values,
	}.In(f.Times)
}

// labelPattern matches one label in the name of a series.
var labelPattern = regexp.MustCompile(`([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"`)

// labels returns where a series belongs: the labels in its name, or its service.
func (s Series) labels() map[string]string {
	labels := map[string]string{}
	for _, m := range labelPattern.FindAllStringSubmatch(s.Name, -1) {
		labels[m[1]] = m[2]
	}
	if s.Service != "" && !strings.Contains(s.Name, "{") {
		labels["service"] = s.Service
	}
	return labels
}
