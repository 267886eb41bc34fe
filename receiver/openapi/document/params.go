// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/culprit-dev/culprit/analysis"
)

// param is a parameter of the query string.
type param struct {
	name, about string
	words       []string // allowed values; empty: any
	kind        string   // type of the value; empty: string
	repeated    bool
}

var (
	from = param{name: "from", about: "the begin, RFC 3339 or Unix seconds"}
	to   = param{name: "to", about: "the end, RFC 3339 or Unix seconds"}
)

// listed returns the parameters of a list: the page, and the filters chosen.
func listed(chosen ...string) []param {
	list := []param{
		{name: "limit", about: "how many at most; more than 1000 are 1000, and 100 if it is left out", kind: "integer"},
		{name: "after", about: "the place after which the list goes on, as the header Link has it"},
	}
	for _, p := range []param{
		{name: "alertname", about: "the name of an alert"},
		{name: "fingerprint", about: "the fingerprint of an alert"},
		{name: "incident", about: "the id of an incident"},
		{name: "prometheus", about: "the name of the Prometheus server that was asked, where there are several"},
		{name: "status", about: "the status of a report", words: []string{"complete", "partial", "failed"}},
		{name: "open", about: "only those that are open, or that are not", kind: "boolean"},
		{name: "judged", about: "only those that people have judged, or have not", kind: "boolean"},
		{name: "match", about: "a matcher of labels such as `service=\"checkout\"`", repeated: true},
	} {
		if slices.Contains(chosen, p.name) {
			list = append(list, p)
		}
	}
	return list
}

// searched are the parameters for reports only.
func searched() []param {
	return []param{
		{name: "q", about: "a text in the name, the summary or a label's value"},
		{name: "verdict", about: "the verdict", words: words()[typeOf(analysis.Explained)]},
		from, to,
	}
}

// parameter converts a param for the document.
func (p param) parameter() *openapi3.Parameter {
	s := &openapi3.Schema{Type: &openapi3.Types{"string"}}
	if p.kind != "" {
		s.Type = &openapi3.Types{p.kind}
	}
	if p.kind == "integer" {
		s.Min = new(float64(1))
	}
	for _, w := range p.words {
		s.Enum = append(s.Enum, w)
	}
	if p.repeated {
		s = openapi3.NewArraySchema().WithItems(s)
	}
	return openapi3.NewQueryParameter(p.name).WithDescription(p.about).WithSchema(s)
}

// inPath returns the parameters in a path.
func inPath(path string) (all []*openapi3.Parameter) {
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			name = strings.TrimSuffix(name, "}")
			all = append(all, openapi3.NewPathParameter(name).WithDescription(fmt.Sprintf("the %s", name)).WithSchema(openapi3.NewStringSchema()))
		}
	}
	return all
}
