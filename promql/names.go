// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/prometheus/common/model"
)

// seriesName names a candidate's series as in Prometheus: metric{a="b"}. The candidate's name
// replaces a metric name that was lost, or that a rule renames.
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

// uniqueName adds the query's name, then a number, if a name is taken.
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

// serviceLabels name the owner of a series, the best first. The workload comes before the job,
// which for container metrics is the kubelet.
func serviceLabels() []model.LabelName {
	return []model.LabelName{
		"service", "service_name", "app", "application", "app_kubernetes_io_name", "deployment", "statefulset",
		"daemonset", "workload", "pod", "container", "job", "instance",
	}
}

// serviceOf guesses the owner of a series; empty if no label tells. A series about calls
// belongs to the callee, whoever reports it: if calls fail, that is where to look first.
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

// workloadOf strips what Kubernetes appends to the name of a deployment (cart-7d9f8c6b5d-x2x9k)
// or a stateful set (cart-db-0) for its pods.
func workloadOf(pod string) string {
	for _, suffix := range []string{`-[a-f0-9]{6,10}-[a-z0-9]{5}$`, `-[0-9]{1,4}$`} {
		if loc := regexp.MustCompile(suffix).FindStringIndex(pod); loc != nil && loc[0] > 0 {
			return pod[:loc[0]]
		}
	}
	return pod
}

// surePairs is how many of the label pairs always name services; the others may mean anything.
const surePairs = 5

// edgeLabels are the label pairs that name caller and callee in metrics of service graphs and
// meshes.
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

// edgesOf reads calls from series, except those of a service to itself.
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

// replicas returns the varying labels that name one of several replicas, unless names has them
// already.
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

// unscoped returns the query before any narrowing.
func (c Candidate) unscoped() Query {
	if c.scope == nil {
		return c.Query
	}
	return c.whole
}
