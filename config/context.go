// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"github.com/prometheus/common/model"
)

// Context is what a report shows around the causes of an alert.
type Context struct {
	Facts  []Fact  `yaml:"facts,omitempty"`  // queries for facts about the alert, at most 20
	Links  []Link  `yaml:"links,omitempty"`  // links to other pages, at most 20
	Traces *Traces `yaml:"traces,omitempty"` // query exemplars of the KPI and link to their traces; default exemplars are not queried
}

// Fact is a query whose series carry facts about the alert as labels.
type Fact struct {
	Name   string   `yaml:"name,omitempty"` // name of the fact, if there is one label; default the label's name
	Query  string   `yaml:"query"`          // PromQL template, as for candidates
	Labels []string `yaml:"labels"`         // labels of the series that are facts
}

// Link is a page to look at next, such as logs or traces.
type Link struct {
	Name string `yaml:"name"` // text of the link
	URL  string `yaml:"url"`  // template; values are escaped, and a link that uses a missing label is left out
}

// Traces configures the links from exemplars to traces.
type Traces struct {
	URL   string `yaml:"url"`             // template with `{{ .TraceID }}`
	Label string `yaml:"label,omitempty"` // exemplar label that holds the trace ID; default the first of `trace_id`, `traceID`, `traceId` and `TraceID`
}

// mostContext bounds the facts, and the links, of a report.
const mostContext = 20

// checkContext checks what needs no parser: promql checks the queries, and report
// the templates of links.
func (d *decoder) checkContext(c Context) {
	if n := max(len(c.Facts), len(c.Links)); n > mostContext {
		d.at("context", fmt.Sprintf("has %d facts or links", n), fmt.Sprintf("name %d at the most of each", mostContext))
	}
	for i, f := range c.Facts {
		path := fmt.Sprintf("context.facts[%d]", i)
		if f.Query == "" {
			d.at(path+".query", "is missing", "write a query whose series have the labels, such as service_info{service=\"{{ .Labels.service }}\"}")
		}
		if len(f.Labels) == 0 {
			d.at(path+".labels", "is missing", "name the labels of its series that are facts, such as [owner]")
		}
		for j, name := range f.Labels {
			if !model.LegacyValidation.IsValidLabelName(name) {
				d.at(fmt.Sprintf("%s.labels[%d]", path, j), fmt.Sprintf("is %q, which is not a label name", name), "use letters, digits and _")
			}
		}
	}
	for i, l := range c.Links {
		if l.Name == "" {
			d.at(fmt.Sprintf("context.links[%d].name", i), "is missing", "say where it leads, such as Logs")
		}
	}
}
