// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"bytes"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// NoExpression says that an alert doesn't carry its expression.
type NoExpression struct{ What, Hint string }

// Error says what is wrong, and what to do.
func (e *NoExpression) Error() string { return e.What + "; hint: " + e.Hint }

var errNoExpression = &NoExpression{"the alert's generatorURL holds no expression", "give the rule a target.query"}

// errVMAlert is for vmalert, whose link has only numeric ids of the rule.
var errVMAlert = &NoExpression{"vmalert's link holds no expression", "set prometheus.rules_url to vmalert's address, or start it with an -external.alert.source that has g0.expr"}

// InURL finds the expression of an alert in its generatorURL: g0.expr in the query or in the
// fragment (vmui), or Grafana Explore's panes or left. The URL is parsed and never fetched,
// because whoever posted the alert chose it. It may be HTML-escaped.
func InURL(generatorURL string) (string, error) {
	text, err := inURL(generatorURL)
	if plain := html.UnescapeString(generatorURL); err != nil && plain != generatorURL {
		return inURL(plain)
	}
	return text, err
}

func inURL(generatorURL string) (string, error) {
	u, err := url.Parse(generatorURL)
	if err != nil {
		return "", errNoExpression
	}
	_, behind, _ := strings.Cut(u.EscapedFragment(), "?")
	fragment, err := url.ParseQuery(behind)
	if err != nil {
		fragment = nil
	}
	for _, values := range []url.Values{u.Query(), fragment} {
		for _, text := range []string{
			values.Get("g0.expr"), inPanes(values.Get("panes")), inLeft(values.Get("left")),
		} {
			if strings.TrimSpace(text) != "" {
				return text, nil
			}
		}
	}
	if q := u.Query(); q.Has("group_id") && (q.Has("alert_id") || q.Has("rule_id")) {
		return "", errVMAlert
	}
	return "", errNoExpression
}

// exploreQuery is a query of Grafana's Explore.
type exploreQuery struct {
	Expr string `json:"expr"`
	Hide bool   `json:"hide"`
}

type explorePane struct {
	Queries []exploreQuery `json:"queries"`
}

func (p explorePane) expr() string {
	for _, q := range p.Queries {
		if q.Expr != "" && !q.Hide {
			return q.Expr
		}
	}
	return ""
}

// inPanes reads {"abc": {"queries": [{"expr": …}]}}, as written by Grafana 10.
func inPanes(text string) string {
	var panes map[string]explorePane
	if json.Unmarshal([]byte(text), &panes) != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(panes)) {
		if expr := panes[name].expr(); expr != "" {
			return expr
		}
	}
	return ""
}

// inLeft reads {"queries": [{"expr": …}]}, or the older list ["now-1h", "now", "Prometheus",
// {"expr": …}].
func inLeft(text string) string {
	var pane explorePane
	if json.Unmarshal([]byte(text), &pane) == nil {
		return pane.expr()
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(text), &list) != nil {
		return ""
	}
	for _, item := range list {
		var q exploreQuery
		if bytes.HasPrefix(bytes.TrimSpace(item), []byte("{")) && json.Unmarshal(item, &q) == nil && q.Expr != "" {
			return q.Expr
		}
	}
	return ""
}
