// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"regexp"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/changes"
)

// withTold takes the candidates that tell changes, such as a generation or the time of a
// start, out of the series and puts what they tell among the changes: the size of their
// steps means nothing. The frame stays as it is.
func (f Frame) withTold() Frame {
	if f.Onset == 0 {
		return f
	}
	found, measures := f.told()
	var told []changes.Change
	f.Targets = slices.Clone(f.Targets)
	for i, t := range f.Targets {
		f.Targets[i].Candidates = slices.DeleteFunc(slices.Clone(t.Candidates), func(s Series) bool {
			list := found[s.Name]
			if len(list) == 0 || measures[metricOf(s.Name)] {
				return false
			}
			if !slices.ContainsFunc(told, func(c changes.Change) bool { return c.Series == s.Name }) { // of another target
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

// told are the changes that each candidate tells, by its name, and the metrics that
// tell none: those whose names say nothing of changes and of which some series measures
// something. A few sockets that went from 0 to 1 here are no flag, where another host
// has 3, then 5.
func (f Frame) told() (found map[string][]changes.Change, measures map[string]bool) {
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

// changes are those that a series tells; nil if it measures something.
func (s Series) changes(f Frame) []changes.Change {
	if len(s.Values) != len(f.Times) {
		return nil
	}
	return changes.Column{
		Name: s.Name, Metric: metricOf(s.Name) + " " + s.Query, Of: s.Service, Labels: s.labels(), Values: s.Values,
	}.In(f.Times)
}

// labelPattern is one label in the name of a series.
var labelPattern = regexp.MustCompile(`([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"`)

// labels tell where a series is: those in its name, and its service.
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
