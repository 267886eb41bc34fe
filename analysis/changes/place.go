// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"maps"
	"slices"
	"strings"
)

// Nearness is how near a change is to what hurts.
type Nearness int

// The steps of nearness, each nearer than the one before.
const (
	Elsewhere Nearness = iota - 1 // a label of it says so
	Somewhere                     // in the cluster, as far as is known
	Namespace                     // in its namespace
	Beside                        // on its node, or something that it calls
	Workload                      // the workload itself
)

// String returns the name in small letters.
func (n Nearness) String() string {
	return [...]string{"elsewhere", "somewhere", "namespace", "beside", "workload"}[n+1]
}

// place is where something is, as its labels tell.
type place struct {
	labels   map[string]string
	workload string   // what people call it; empty: unknown
	names    []string // all names of the workload
	name     string   // of the workload, or else all labels
}

// workloadLabels are the labels that name a workload, those that name it best first.
func workloadLabels() []string {
	return []string{
		"deployment", "statefulset", "daemonset", "service", "service_name", "app", "app_kubernetes_io_name", "application",
		"workload", "cronjob", "pod", "job_name", "container", "job",
	}
}

// ofPod is the workload that a pod is of, by its name: without the number that a
// stateful set adds, or the random ends that a replica set and a deployment do.
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

// cutEnd cuts a name at its last dash.
func cutEnd(name string) (before, end string) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// random says whether a text is of the letters and digits that Kubernetes draws: none are
// vowels, so that the end of a word is hardly taken for one.
func random(text string) bool { return strings.Trim(text, "bcdfghjklmnpqrstvwxz2456789") == "" }

// WorkloadOf is the name of the workload that labels tell; empty if they don't.
func WorkloadOf(labels map[string]string) string { return placeOf(labels).workload }

func placeOf(labels map[string]string) place {
	p := place{labels: labels}
	for _, label := range workloadLabels() {
		value := labels[label]
		switch {
		case value == "":
			continue
		case label == "job" && len(p.names) > 0: // of what is scraped, which may be an exporter
			continue
		case label == "container" && len(p.names) > 0: // its name may be that of every other one: app, proxy
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

// apart says that two places can't be the same: one of the labels that tell the
// large from each other is different.
func (p place) apart(o place) bool {
	return slices.ContainsFunc([]string{"cluster", "region", "zone", "namespace"}, func(label string) bool { return p.differs(o, label) })
}

// differs says that both have a label, with different values.
func (p place) differs(o place, label string) bool {
	a, b := p.labels[label], o.labels[label]
	return a != "" && b != "" && a != b
}

// shares says that both have a label, with the same value.
func (p place) shares(o place, label string) bool {
	return p.labels[label] != "" && p.labels[label] == o.labels[label]
}

// same says whether two places are of one workload.
func (p place) same(o place) bool {
	return slices.ContainsFunc(p.names, func(name string) bool { return slices.Contains(o.names, name) })
}

// node is the machine, by its name or its address without the port.
func (p place) node() string {
	for _, label := range []string{"node", "nodename", "kubernetes_node", "instance", "host"} {
		if value := p.labels[label]; value != "" {
			host, _, _ := strings.Cut(value, ":")
			return host
		}
	}
	return ""
}

// one is which pod or instance of a workload labels are of, and the label that says so.
// Of an object that an exporter tells of, they are the exporter's.
func one(labels map[string]string) (label, value string) {
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

// another says that only others of a workload were changed than the one that labels are of.
func (e *event) another(labels map[string]string) bool {
	label, value := one(labels)
	return value != "" && !slices.ContainsFunc(e.parts, func(c Change) bool {
		of, changed := one(c.Labels)
		return of != label || changed == "" || changed == value
	})
}

// site is a place that hurts.
type site struct {
	place
	found map[string]string // labels of it that the analysis has found
	below map[string]bool   // what it calls
}

// sitesOf are the places that hurt: where the analysis has found some, the labels of
// the alert within each of them.
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
			labels := merged(in.Labels, part.whose(i))
			sites = append(sites, newSite(labels, set, calls))
		}
	}
	if len(sites) == 0 {
		sites = append(sites, newSite(in.Labels, nil, calls))
	}
	return sites
}

// merged are the labels of an alert, inside of a set that was found. If the set names a
// workload, that of the alert is only where it shows.
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

// nearness of a place to what hurts.
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
