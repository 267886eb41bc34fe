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
	var told []changes.Change
	known := map[string]bool{}
	measures := f.measures()
	f.Targets = slices.Clone(f.Targets)
	for i, t := range f.Targets {
		f.Targets[i].Candidates = slices.DeleteFunc(slices.Clone(t.Candidates), func(s Series) bool {
			if measures[metricOf(s.Name)] {
				return false
			}
			found := s.changes(f)
			if len(found) > 0 && !known[s.Name] {
				known[s.Name] = true
				told = append(told, found...)
			}
			return len(found) > 0
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

// measures are the metrics whose names say nothing of changes and of which some series
// measures something: a few sockets that went from 0 to 1 here are no flag, where
// another host has 3, then 5.
func (f Frame) measures() map[string]bool {
	out := map[string]bool{}
	for _, t := range f.Targets {
		for _, s := range t.Candidates {
			metric := metricOf(s.Name)
			if !out[metric] && !changes.Named(metric+" "+s.Query) && !constant(s.Values) && len(s.changes(f)) == 0 {
				out[metric] = true
			}
		}
	}
	return out
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
