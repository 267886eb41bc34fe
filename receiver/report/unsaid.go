// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

// unsaid returns the causes without the alert's own labels: readers see these next to the line,
// which is short of space. A label set that would become empty stays whole.
func (r Report) unsaid() []analysis.Finding {
	causes := slices.Clone(r.Result.Causes)
	said := undisputed(r.Alert.Labels, causes)
	for i := range causes {
		causes[i].Labels = otherLabels(causes[i].Labels, said)
		causes[i].Name = otherSelector(causes[i].Name, said)
	}
	return causes
}

// undisputed returns the alert's labels of which no cause that a line may name has another value.
// Without such a label, one of two places would read as both.
func undisputed(alert model.LabelSet, causes []analysis.Finding) model.LabelSet {
	said := alert.Clone()
	for i, f := range causes {
		if i > 0 && !Confident(f) {
			continue
		}
		maps.DeleteFunc(said, func(name model.LabelName, value model.LabelValue) bool {
			return disputes(f, string(name), string(value))
		})
	}
	return said
}

// disputes reports whether a cause has another value of a label, in its label sets or in its name's
// selector.
func disputes(f analysis.Finding, name, value string) bool {
	_, inner, _ := strings.Cut(f.Name, "{")
	inner = between + inner
	if strings.Contains(inner, between+name+`="`) && !strings.Contains(inner, between+fmt.Sprintf("%s=%q", name, value)) {
		return true
	}
	return slices.ContainsFunc(f.Labels, func(set map[string]string) bool {
		of, ok := set[name]
		return ok && of != value
	})
}

// between separates the matchers of a selector. Quotes inside values are escaped, so no value can
// look like a matcher.
const between = ", "

// Top is the first cause as [Report.Line] names it; empty if there is none.
func (r Report) Top() string {
	if causes := r.unsaid(); len(causes) > 0 {
		return Title(causes[0])
	}
	return ""
}

// otherLabels returns label sets without the alert's labels.
func otherLabels(sets []map[string]string, alert model.LabelSet) []map[string]string {
	left := make([]map[string]string, len(sets))
	for i, set := range sets {
		left[i] = maps.Clone(set)
		maps.DeleteFunc(left[i], func(name, value string) bool {
			of, ok := alert[model.LabelName(name)]
			return ok && string(of) == value
		})
		if len(left[i]) == 0 {
			return sets
		}
	}
	return left
}

// otherSelector is the name of a series, such as load{instance="a", mode="idle"}, without the
// alert's labels.
func otherSelector(name string, alert model.LabelSet) string {
	metric, rest, ok := strings.Cut(name, "{")
	end := strings.LastIndexByte(rest, '}')
	if !ok || end < 0 {
		return name
	}
	inner := between + rest[:end] + between
	for label, value := range alert {
		inner = strings.ReplaceAll(inner, between+fmt.Sprintf("%s=%q", label, string(value))+between, between)
	}
	left := strings.TrimSuffix(strings.TrimPrefix(inner, between), between)
	switch {
	case inner != between && left != "":
		return metric + "{" + left + "}" + rest[end+1:]
	case metric != "":
		return metric + rest[end+1:]
	default:
		return name
	}
}
