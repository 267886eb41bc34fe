// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// kinds are the kinds of series that the ranking knows; those after other are synonyms.
func kinds() []string {
	return []string{"latency", "error", "traffic", "cpu", "mem", "net", "io", "node", "other", "unknown", "errors", "memory", "network", "disk"}
}

// checkRules checks each rule by itself.
func (d *decoder) checkRules(rules []Rule) {
	for i := range rules {
		d.checkRule(&rules[i], fmt.Sprintf("rules[%d]", i))
	}
}

func (d *decoder) checkRule(r *Rule, path string) {
	if strings.TrimSpace(r.Name) == "" {
		d.at(path+".name", "is missing", "every rule has a name, by which reports call it")
	}
	d.checkTargets(r, path)
	d.checkBreakdown(r.Breakdown, path+".breakdown")
	d.checkCandidates(r.Candidates, path+".candidates")
	d.checkTopology(r.Topology, path+".topology")
	d.checkWindow(r.Window, path+".window.baseline")
	d.checkPlace(r.Grafana, path+".grafana")
	if r.Analysis != nil {
		d.checkAnalysis(path+".analysis", *r.Analysis)
	}
}

func (d *decoder) checkWindow(w Window, baseline string) {
	if w.Incident > 0 && w.Baseline > 0 && w.Baseline < w.Incident {
		d.at(baseline, fmt.Sprintf("is %s, shorter than the incident's %s", w.Baseline, w.Incident),
			"compare with at least as much time before the incident, better ten times as much")
	}
}

// ValidDashboardUID reports whether uid has the form of a dashboard's UID: Grafana's letters,
// digits, - and _, at most 40. It becomes part of paths, so nothing else may pass.
func ValidDashboardUID(uid string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return uid != "" && len(uid) <= 40 && strings.Trim(uid, letters) == ""
}

// checkPlace checks where an annotation is shown.
func (d *decoder) checkPlace(g GrafanaPlace, path string) {
	if g.PanelID < 0 {
		d.at(path+".panel_id", fmt.Sprintf("is %d", g.PanelID), "take the number after viewPanel= in the address of the panel")
	}
	if g.DashboardUID != "" && !ValidDashboardUID(g.DashboardUID) {
		d.at(path+".dashboard_uid", fmt.Sprintf("is %q", g.DashboardUID), "a uid has at most 40 letters, digits, - and _: take it from the address, /d/<uid>/")
	}
	if g.PanelID != 0 && g.DashboardUID == "" {
		d.at(path+".dashboard_uid", "is missing", "a panel is found only with the uid of its dashboard: take it from the address, /d/<uid>/")
	}
}

// ruleMatchers sets Parsed.
func (d *decoder) ruleMatchers(r *Rule, path string) {
	if len(r.Matchers) == 0 {
		d.at(path+".matchers", "is missing", `say which alerts the rule is for: ['alertname="HighErrors"']`)
	}
	r.Parsed = d.parseMatchers(r.Matchers, path)
}

// parseMatchers parses matchers. As in Alertmanager, each line may hold several, and the UTF-8
// syntax is tried before the classic one.
func (d *decoder) parseMatchers(texts []string, path string) (parsed labels.Matchers) {
	for i, text := range texts {
		parsed = append(parsed, d.parseMatcher(text, fmt.Sprintf("%s.matchers[%d]", path, i))...)
	}
	return parsed
}

// parseMatcher parses one line of matchers.
func (d *decoder) parseMatcher(text, at string) labels.Matchers {
	ms, err := parse.Matchers(text)
	if err != nil {
		if old, oldErr := labels.ParseMatchers(text); oldErr == nil {
			ms, err = old, nil
		}
	}
	switch {
	case err != nil:
		d.at(at, fmt.Sprintf("is %q: %s", text, err), `write label="value", or !=, =~, !~`)
	case len(ms) == 0:
		d.at(at, "is empty", `write label="value", or !=, =~, !~`)
	}
	return ms
}

// checkTargets checks the KPIs of a rule: either one (target) or several (targets).
func (d *decoder) checkTargets(r *Rule, path string) {
	if r.Target != nil && len(r.Targets) > 0 {
		d.at(path+".targets", "and target are both given", "put the single target among the targets, or remove it")
	}
	if r.Target != nil {
		d.checkTarget(r.Target, path+".target")
	}
	names, unasked := map[string]bool{}, 0
	for i := range r.Targets {
		t, at := &r.Targets[i], fmt.Sprintf("%s.targets[%d]", path, i)
		d.checkTarget(t, at)
		if t.Name == "" && len(r.Targets) > 1 {
			d.at(at+".name", "is missing", "several targets need names")
		}
		d.unique(names, t.Name, at+".name")
		if t.Query == "" {
			unasked++
		}
		if unasked > 1 && t.Query == "" {
			d.at(at+".query", "is missing", "one target can be the alert's own expression, the others need a query")
		}
	}
}

func (d *decoder) checkTarget(t *Target, path string) {
	if !finite(t.Weight) || t.Weight < 0 {
		d.at(path+".weight", fmt.Sprintf("is %v", t.Weight), "write a number from 0 up; 2 counts twice as much as 1")
	}
	d.checkKind(t.Kind, path+".kind")
	d.checkBreakdown(t.Breakdown, path+".breakdown")
	d.checkCandidates(t.Candidates, path+".candidates")
}

// unique reports a name that its list has already.
func (d *decoder) unique(seen map[string]bool, name, path string) {
	if name != "" && seen[name] {
		d.at(path, fmt.Sprintf("%q is used twice", name), "choose another, so that reports can distinguish them")
	}
	seen[name] = true
}

func (d *decoder) checkKind(kind, path string) {
	d.oneOf(path, strings.ToLower(strings.TrimSpace(kind)), kinds()...)
}

func (d *decoder) checkCandidates(cs []Candidate, path string) {
	names := map[string]bool{}
	for i := range cs {
		d.checkCandidate(&cs[i], fmt.Sprintf("%s[%d]", path, i), names)
	}
}

// checkCatalogue checks the candidates for alerts without their own.
func (d *decoder) checkCatalogue(ks []Known) {
	names := map[string]bool{}
	for i := range ks {
		at := fmt.Sprintf("candidates[%d]", i)
		ks[i].Parsed = d.parseMatchers(ks[i].Matchers, at)
		d.checkCandidate(&ks[i].Candidate, at, names)
	}
}

// checkCandidate checks one candidate; names are the earlier ones of its list.
func (d *decoder) checkCandidate(c *Candidate, at string, names map[string]bool) {
	if strings.TrimSpace(c.Query) == "" {
		d.at(at+".query", "is missing", "write the PromQL whose series may be causes")
	}
	if c.Name == "" {
		d.at(at+".name", "is missing", "name what the query measures, such as cpu")
	}
	d.unique(names, c.Name, at+".name")
	d.checkKind(c.Kind, at+".kind")
	d.oneOf(at+".scale", c.Scale, "each", "common")
	d.checkLags(c.Lags, at+".lags")
}

// maxLag bounds lags, because each is a copy of the series in the regression.
const maxLag = 60

func (d *decoder) checkLags(lags []int, path string) {
	for i, lag := range lags {
		at := fmt.Sprintf("%s[%d]", path, i)
		if lag < -maxLag || lag > maxLag {
			d.at(at, fmt.Sprintf("is %d", lag), fmt.Sprintf("write a number of steps from -%d to %d", maxLag, maxLag))
		}
		if slices.Contains(lags[:i], lag) {
			d.at(at, fmt.Sprintf("is %d for the second time", lag), "list every lag once")
		}
	}
}

func (d *decoder) checkBreakdown(b *Breakdown, path string) {
	if b == nil {
		return
	}
	seen := map[string]bool{}
	for i, label := range b.Labels {
		d.checkLabel(label, fmt.Sprintf("%s.labels[%d]", path, i), seen)
	}
}

// checkLabel checks one label of a breakdown; seen are the earlier ones.
func (d *decoder) checkLabel(label, at string, seen map[string]bool) {
	if !model.UTF8Validation.IsValidLabelName(label) || label == model.MetricNameLabel {
		d.at(at, fmt.Sprintf("is %q, which is not a label to split by", label), "write the name of a label, such as instance")
	}
	d.unique(seen, label, at)
}

func (d *decoder) checkTopology(t *Topology, path string) {
	if t == nil {
		return
	}
	for i, e := range t.Edges {
		d.checkEdge(e, fmt.Sprintf("%s.edges[%d]", path, i))
	}
}

func (d *decoder) checkEdge(e []string, at string) {
	switch {
	case len(e) != 2:
		d.at(at, fmt.Sprintf("has %d instead of two names", len(e)), "write the caller and the callee: [frontend, checkout]")
	case e[0] == "" || e[1] == "":
		d.at(at, "has an empty name", "write the caller and the callee: [frontend, checkout]")
	case e[0] == e[1]:
		d.at(at, fmt.Sprintf("leads from %q to itself", e[0]), "remove it")
	}
}
