// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/prometheus/common/model"
)

// seriesName names a candidate as a Prometheus series: metric{a="b"}; where
// the metric has lost its name, or a rule gives the candidate another one, that
// stands for it.
func (c Candidate) seriesName(m model.Metric) string {
	name := c.unscoped().Name
	if !c.named {
		name = cmp.Or(string(m[model.MetricNameLabel]), name)
	}
	if c.scope != nil {
		return c.scope.name(name, m)
	}
	labels := m.Clone()
	delete(labels, model.MetricNameLabel)
	if len(labels) == 0 {
		return name
	}
	return name + labels.String()
}

// uniqueName adds the query's name, then a number, to a name that is taken.
func uniqueName(name, query string, taken map[string]bool) string {
	unique := name
	for n := 1; taken[unique]; n++ {
		unique = fmt.Sprintf("%s (%s)", name, query)
		if n > 1 {
			unique = fmt.Sprintf("%s (%s, %d)", name, query, n)
		}
	}
	taken[unique] = true
	return unique
}

// serviceLabels name whose series it is, best first. The workload stands
// before the job: of container metrics the job is the kubelet.
func serviceLabels() []model.LabelName {
	return []model.LabelName{
		"service", "service_name", "app", "application", "app_kubernetes_io_name", "deployment", "statefulset",
		"daemonset", "workload", "pod", "container", "job", "instance",
	}
}

// serviceOf guesses whose series it is; empty if no label tells. One that measures
// calls is the callee's, whoever reports it: when they fail, it is there that one
// has to look first.
func serviceOf(m model.Metric) string {
	for _, names := range edgeLabels()[:surePairs] {
		if caller, callee := string(m[names[0]]), string(m[names[1]]); caller != "" && callee != "" && callee != "unknown" {
			return callee
		}
	}
	for _, name := range serviceLabels() {
		v := string(m[name])
		if v == "" {
			continue
		}
		if name == "pod" {
			return workloadOf(v)
		}
		return v
	}
	return ""
}

// workloadOf strips from a pod's name what Kubernetes has added to its
// deployment's (cart-7d9f8c6b5d-x2x9k) or stateful set's (cart-db-0).
func workloadOf(pod string) string {
	for _, suffix := range []string{`-[a-f0-9]{6,10}-[a-z0-9]{5}$`, `-[0-9]{1,4}$`} {
		if loc := regexp.MustCompile(suffix).FindStringIndex(pod); loc != nil && loc[0] > 0 {
			return pod[:loc[0]]
		}
	}
	return pod
}

// surePairs is how many of the pairs of labels name services wherever they stand;
// others may be of anything.
const surePairs = 5

// edgeLabels are the pairs of labels that name caller and callee in the
// metrics of service graphs and meshes.
func edgeLabels() [][2]model.LabelName {
	return [][2]model.LabelName{
		{"client", "server"}, // traces_service_graph_request_total
		{"caller", "callee"},
		{"source_workload", "destination_workload"}, // istio_requests_total
		{"source_app", "destination_app"},
		{"source_canonical_service", "destination_canonical_service"},
		{"source", "destination"},
		{"parent", "child"},
		{"from", "to"},
	}
}

// edgesOf reads the calls out of series; a service that calls itself is none.
func edgesOf(v model.Vector) [][2]string {
	var edges [][2]string
	for _, s := range v {
		for _, names := range edgeLabels() {
			caller, callee := string(s.Metric[names[0]]), string(s.Metric[names[1]])
			if caller != "" && callee != "" {
				if caller != callee {
					edges = append(edges, [2]string{caller, callee})
				}
				break
			}
		}
	}
	slices.SortFunc(edges, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(edges)
}

// replicas are the labels that name one of many that do the same, and vary,
// unless they are among the names already.
func replicas(series []model.LabelSet, names []string) []string {
	var out []string
	for _, name := range []model.LabelName{model.InstanceLabel, "pod"} {
		values := map[model.LabelValue]bool{}
		for _, s := range series {
			values[s[name]] = true
		}
		if len(values) > 1 && !slices.Contains(names, string(name)) {
			out = append(out, string(name))
		}
	}
	return out
}

// unscoped is the query that nobody has narrowed.
func (c Candidate) unscoped() Query {
	if c.scope == nil {
		return c.Query
	}
	return c.whole
}
