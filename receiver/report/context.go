// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

// Context is the context of the causes: whose they are, and where to look next.
type Context struct {
	Facts     []Fact     `json:"facts,omitempty"`
	Links     []Link     `json:"links,omitempty"`     // from the configured templates
	Exemplars []Exemplar `json:"exemplars,omitempty"` // of the KPI during the incident, in the found place
}

// Fact is a known fact about an alert.
type Fact struct {
	Name  string `json:"name"` // owner, team, contact, runbook, dashboard, repository, or a configured name
	Value string `json:"value"`
	From  string `json:"from"` // label, annotation, or metric that it comes from
}

// Link is a configured link, filled in for the report.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Exemplar is a request of the incident, with its trace.
type Exemplar struct {
	TraceID string    `json:"traceID"`
	At      time.Time `json:"at"`
	Value   float64   `json:"value"`
	URL     string    `json:"url,omitempty"`
}

// known lists the common names of labels and annotations, by fact.
func known() []struct {
	fact  string
	names []string
} {
	return []struct {
		fact  string
		names []string
	}{
		{"owner", []string{"owner", "owned_by", "maintainer"}},
		{"team", []string{"team", "squad"}},
		{"contact", []string{"contact", "oncall", "on_call", "slack_channel", "slack", "channel"}},
		{"runbook", []string{"runbook_url", "runbook"}},
		{"dashboard", []string{"dashboard_url", "dashboard"}},
		{"repository", []string{"repository", "repo", "repo_url", "repository_url"}},
	}
}

// maxFact is the maximum length of a fact, in bytes: longer ones are prose.
const maxFact = 300

// FactsOf extracts facts from the labels and annotations of an alert.
func FactsOf(a Alert) (facts []Fact) {
	for _, k := range known() {
		for _, from := range []struct {
			set  model.LabelSet
			name string
		}{{a.Labels, "label"}, {a.Annotations, "annotation"}} {
			facts = addFact(facts, k.fact, firstOf(from.set, k.names), from.name)
		}
	}
	return facts
}

// FactsIn extracts facts from the labels of a series, whose names may have a prefix: label_team,
// annotation_example_org_owner. The metric is the source.
func FactsIn(metric model.LabelSet) (facts []Fact) {
	plain := model.LabelSet{}
	for name, v := range metric {
		text := string(name)
		if i := strings.IndexByte(text, '_'); i > 0 && (text[:i] == "label" || text[:i] == "annotation") {
			plain[model.LabelName(text[i+1:])] = v
		}
	}
	for _, k := range known() {
		value := firstOf(plain, k.names)
		for _, name := range k.names {
			if value == "" {
				value = ending(plain, "_"+name)
			}
		}
		facts = addFact(facts, k.fact, value, string(metric[model.MetricNameLabel]))
	}
	return facts
}

// ending is the value of the first label, sorted by name, with a suffix.
func ending(set model.LabelSet, with string) string {
	var names []string
	for name := range set {
		if strings.HasSuffix(string(name), with) {
			names = append(names, string(name))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return string(set[model.LabelName(slices.Min(names))])
}

func firstOf(set model.LabelSet, names []string) string {
	for _, name := range names {
		if v := set[model.LabelName(name)]; v != "" {
			return string(v)
		}
	}
	return ""
}

// addFact adds a fact, unless there is one with that name: the first is the nearest.
func addFact(facts []Fact, name, value, from string) []Fact {
	value = clean(value)
	if value == "" || len(value) > maxFact || slices.ContainsFunc(facts, func(f Fact) bool { return f.Name == name }) {
		return facts
	}
	return append(facts, Fact{name, value, from})
}

// AddFacts adds the facts that are not known yet.
func AddFacts(facts []Fact, more ...Fact) []Fact {
	for _, f := range more {
		facts = addFact(facts, f.Name, f.Value, f.From)
	}
	return facts
}

// Where returns the alert's labels, overridden by those of the found place.
func Where(a Alert, causes []analysis.Finding) model.LabelSet {
	set := a.Labels.Clone()
	if f := FoundPlace(causes); len(f.Labels) > 0 {
		for name, value := range f.Labels[0] {
			set[model.LabelName(name)] = model.LabelValue(value)
		}
	}
	return set
}

// FoundPlace is the first confident label set, as a cause or as evidence of a change: where to look
// next. It is empty if there is none.
func FoundPlace(causes []analysis.Finding) analysis.Finding {
	for _, f := range causes {
		switch {
		case !Confident(f):
		case f.Kind == analysis.KindLabels:
			return f
		case f.Kind == analysis.KindChange && len(f.Evidence.Places) > 0:
			f.Kind, f.Labels = analysis.KindLabels, f.Evidence.Places
			return f
		}
	}
	return analysis.Finding{}
}
