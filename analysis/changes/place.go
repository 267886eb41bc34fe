// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"maps"
	"slices"
	"strings"
)

// Nearness is how close a change is to what hurts.
type Nearness int

// The degrees of nearness, in increasing order.
const (
	Elsewhere Nearness = iota - 1 // one of its labels differs
	Somewhere                     // in the cluster, as far as known
	Namespace                     // in its namespace
	Beside                        // on its node, or a dependency of it
	Workload                      // the workload itself
)

// String returns the name in small letters.
func (n Nearness) String() string {
	return [...]string{"elsewhere", "somewhere", "namespace", "beside", "workload"}[n+1]
}

// place is a location given by labels.
type place struct {
	labels   map[string]string
	workload string   // display name; empty: unknown
	names    []string // all names of the workload
	name     string   // the workload, or else all labels
}

// workloadLabels are the labels that name a workload, the best first.
func workloadLabels() []string {
	return []string{
		"deployment", "statefulset", "daemonset", "service", "service_name", "app", "app_kubernetes_io_name", "application",
		"workload", "cronjob", "pod", "job_name", "container", "job",
	}
}

// ofPod derives the workload from a pod's name: without the ordinal of a stateful set, or the
// random suffixes of a replica set and a deployment.
func ofPod(pod string) string {
	name, end := cutEnd(pod)
	switch {
	case end != "" && strings.Trim(end, "0123456789") == "":
		return name
	case len(end) != 5 || !random(end):
		return pod
	}
	if deployment, hash := cutEnd(name); len(hash) >= 6 && len(hash) <= 10 && random(hash) {
		return deployment
	}
	return name
}

// cutEnd splits a name at its last dash.
func cutEnd(name string) (before, end string) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// random says whether a text uses only the characters of Kubernetes' random suffixes. Those
// have no vowels, so words hardly ever match.
func random(text string) bool { return strings.Trim(text, "bcdfghjklmnpqrstvwxz2456789") == "" }

// WorkloadOf returns the workload that labels name; empty if they don't.
func WorkloadOf(labels map[string]string) string { return placeOf(labels).workload }

func placeOf(labels map[string]string) place {
	p := place{labels: labels}
	for _, label := range workloadLabels() {
		value := labels[label]
		switch {
		case value == "":
			continue
		case label == "job" && len(p.names) > 0: // of the scrape, which may be an exporter
			continue
		case label == "container" && len(p.names) > 0: // a generic name, such as app or proxy
			continue
		case label == "pod", label == "job_name":
			value = ofPod(value)
		}
		value = value[strings.LastIndexByte(value, '/')+1:]
		if !slices.Contains(p.names, value) {
			p.names = append(p.names, value)
		}
	}
	if len(p.names) > 0 {
		p.workload = p.names[0]
	}
	if p.name = p.workload; p.name == "" {
		p.name = "\x00" + textOf(labels)
	}
	return p
}

// apart says whether two places must differ, by one of the labels for large areas.
func (p place) apart(o place) bool {
	return slices.ContainsFunc([]string{"cluster", "region", "zone", "namespace"}, func(label string) bool { return p.differs(o, label) })
}

// differs says whether both have a label, with different values.
func (p place) differs(o place, label string) bool {
	a, b := p.labels[label], o.labels[label]
	return a != "" && b != "" && a != b
}

// shares says whether both have a label, with the same value.
func (p place) shares(o place, label string) bool {
	return p.labels[label] != "" && p.labels[label] == o.labels[label]
}

// same says whether two places have a common workload name.
func (p place) same(o place) bool {
	return slices.ContainsFunc(p.names, func(name string) bool { return slices.Contains(o.names, name) })
}

// node returns the machine, by name or by address without port.
func (p place) node() string {
	for _, label := range []string{"node", "nodename", "kubernetes_node", "instance", "host"} {
		if value := p.labels[label]; value != "" {
			host, _, _ := strings.Cut(value, ":")
			return host
		}
	}
	return ""
}

// replicaOf returns the label and value that identify the pod or instance. For objects described by
// an exporter these would be the exporter's, so it returns none.
func replicaOf(labels map[string]string) (label, value string) {
	has := func(name string) bool { return labels[name] != "" }
	switch {
	case slices.ContainsFunc([]string{"deployment", "statefulset", "daemonset", "cronjob", "job_name", "workload", "name"}, has):
		return "", ""
	case has("pod"):
		return "pod", labels["pod"]
	case has("container"):
		return "", ""
	}
	return "instance", labels["instance"]
}

// otherReplica says whether only other replicas of a workload were changed than the one that the
// labels identify.
func (e *event) otherReplica(labels map[string]string) bool {
	label, value := replicaOf(labels)
	return value != "" && !slices.ContainsFunc(e.parts, func(c Change) bool {
		of, changed := replicaOf(c.Labels)
		return of != label || changed == "" || changed == value
	})
}

// site is a place that hurts.
type site struct {
	place
	found map[string]string // labels of it that the analysis found
	below map[string]bool   // its direct and indirect dependencies
}

// sitesOf returns the places that hurt: those found by the analysis, extended by the alert's
// labels, or else just the alert's labels.
func sitesOf(in Incident) []site {
	calls := map[string][]string{}
	for _, c := range in.Calls {
		calls[c[0]] = append(calls[c[0]], c[1])
	}
	var sites []site
	for _, part := range in.Found {
		if part.Sure < 1 {
			continue
		}
		for i, set := range part.Labels {
			labels := merged(in.Labels, part.implied(i))
			sites = append(sites, newSite(labels, set, calls))
		}
	}
	if len(sites) == 0 {
		sites = append(sites, newSite(in.Labels, nil, calls))
	}
	return sites
}

// merged extends a set that was found by the labels of an alert. If the set names a workload,
// the alert's is dropped: it is only where the fault shows.
func merged(labels, set map[string]string) map[string]string {
	both := maps.Clone(labels)
	if both == nil {
		both = map[string]string{}
	}
	if placeOf(set).workload != "" {
		for _, label := range workloadLabels() {
			delete(both, label)
		}
	}
	maps.Copy(both, set)
	return both
}

func newSite(labels, found map[string]string, calls map[string][]string) site {
	s := site{place: placeOf(labels), found: found, below: map[string]bool{}}
	for queue := slices.Clone(s.names); len(queue) > 0; queue = queue[1:] {
		for _, callee := range calls[queue[0]] {
			if !s.below[callee] {
				s.below[callee] = true
				queue = append(queue, callee)
			}
		}
	}
	return s
}

// nearness returns how close a place is to what hurts.
func (s site) nearness(p place) Nearness {
	for label := range s.found {
		if s.differs(p, label) && !s.same(p) {
			return Elsewhere
		}
	}
	switch {
	case s.apart(p):
		return Elsewhere
	case s.same(p):
		return Workload
	case slices.ContainsFunc(p.names, func(name string) bool { return s.below[name] }), s.node() != "" && s.node() == p.node():
		return Beside
	case s.shares(p, "namespace"):
		return Namespace
	}
	return Somewhere
}
