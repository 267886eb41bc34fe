// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"strings"

	"github.com/prometheus/common/model"
)

// identity is a way in which labels name whose series to look at: those of the
// alert, or those of the series that its KPI is made of.
type identity struct {
	name     string
	matchers string // template
	among    string // template of wider ones, which tell which metrics there are
}

// The names of the identities, as the table of exporters uses them.
const (
	byPod       = "pod"
	byInstance  = "instance"
	byHost      = "host" // the instance, whatever its port
	byNode      = "node"
	byNodeLabel = "node label"
	byWorkload  = "workload"
	byService   = "service"
	byJob       = "job"
	byNamespace = "namespace"
	byWorkers   = "pods of a workload"
	byTarget    = "destination"
	byGroup     = "consumer group"
	byTopic     = "topic"
	byQueue     = "queue"
	byProxy     = "proxy"

	// These two are without what the alert is about.
	besideOnNode      = "others on the node"
	besideInNamespace = "others in the namespace"
)

// distance is how far what is found by an identity is from what the alert is
// about: 0 is that itself, 1 what it runs on, 2 and more what is beside it.
func (id identity) distance() int {
	switch id.name {
	case byHost, byNode, byNodeLabel:
		return 1
	case byNamespace, besideInNamespace:
		return 2
	case besideOnNode:
		return 3
	default:
		return 0
	}
}

// beside says whether it is others that are found.
func (id identity) beside() bool { return id.name == besideInNamespace || id.name == besideOnNode }

func workloadLabels() []string {
	return []string{"deployment", "statefulset", "daemonset", "cronjob", "job_name"}
}

func ownServiceLabels() []string { return []string{"service", "app", "application", "service_name"} }

// hostLabel is not of series: it stands for addresses that pods run at.
const hostLabel = "host_ip"

// clusterLabel is of everything in a cluster, where a server has several.
const clusterLabel = "cluster"

// aboutLabels are those that identities are made of.
func aboutLabels() []string {
	names := append(workloadLabels(), ownServiceLabels()...)
	return append(names, "namespace", "pod", "instance", "node", "job", clusterLabel, "consumergroup", "topic", "queue", "proxy", "destination_service")
}

// identities are the ways in which an alert names whose series to look at.
func identities(alert Alert) []identity {
	n := naming{own: alert.identifying(), alert: alert}
	n.add(byPod, n.is("namespace"), n.is("pod"))
	n.add(byInstance, n.is("instance"))
	hosts := []string{n.host("instance"), n.host(hostLabel)}
	n.add(byHost, hosts[0])
	n.add(byHost, hosts[1])
	onNode := []string{n.like("instance", "node", "(:[0-9]+)?"), n.is("node"), hosts[1]}
	n.add(byNode, onNode[0])
	n.add(byNodeLabel, onNode[1])
	n.add(byGroup, n.is("consumergroup"))
	n.add(byTopic, n.is("topic"))
	n.add(byQueue, n.is("queue"))
	n.add(byProxy, n.is("proxy"))
	n.add(byTarget, n.is("destination_service"))
	for _, kind := range workloadLabels() {
		n.add(byWorkload, n.is("namespace"), n.is(kind))
		n.add(byWorkers, n.is("namespace"), n.like("pod", kind, "-.+"))
		n.addBeside(besideInNamespace, n.is("namespace"), not(n.like("pod", kind, "-.+")))
	}
	for _, name := range ownServiceLabels() {
		n.add(byService, n.is(name))
	}
	n.add(byJob, n.is("job"))
	n.add(byNamespace, n.is("namespace"))
	n.addBeside(besideInNamespace, n.is("namespace"), not(n.like("pod", "pod", "")))
	for _, wider := range onNode {
		n.addBeside(besideOnNode, wider, not(n.like("pod", "pod", "")))
	}
	return n.found
}

// naming collects identities, as far as there are labels for them.
type naming struct {
	own   model.LabelSet // labels of the alert
	alert Alert
	found []identity
}

// add adds an identity if there are labels for all of its matchers.
func (n *naming) add(name string, matchers ...string) {
	for _, m := range matchers {
		if m == "" {
			return
		}
	}
	text := n.inCluster(strings.Join(matchers, ","))
	n.found = append(n.found, identity{name, text, text})
}

func (n *naming) inCluster(matchers string) string {
	if n.alert.cluster == "" {
		return matchers
	}
	return n.alert.cluster + "," + matchers
}

// addBeside adds an identity of what a wider one selects, but for some.
func (n *naming) addBeside(name, wider, but string) {
	if wider != "" && but != "" {
		wider = n.inCluster(wider)
		n.found = append(n.found, identity{name, wider + "," + but, wider})
	}
}

// is matches a label.
func (n *naming) is(label string) string {
	if n.own[model.LabelName(label)] != "" {
		return label + `="{{ .Labels.` + label + ` }}"`
	}
	return n.like(label, label, "")
}

// like matches a label by the value of another one with something behind it.
func (n *naming) like(label, other, behind string) string {
	switch {
	case n.own[model.LabelName(other)] != "":
		return label + `=~"{{ .Labels.` + other + ` }}` + behind + `"`
	case len(n.alert.Series[other]) > 0:
		return label + `=~"(?:{{ .Series.` + other + ` }})` + behind + `"`
	default:
		return ""
	}
}

// host matches instances by the host in a label.
func (n *naming) host(label string) string {
	switch {
	case n.own[model.LabelName(label)] != "":
		return `instance=~"{{ reReplaceAll ":[0-9]+$" "" .Labels.` + label + ` }}(:[0-9]+)?"`
	case len(n.alert.Series[label]) > 0:
		return `instance=~"(?:{{ .Series.` + label + `.Hosts }})(:[0-9]+)?"`
	default:
		return ""
	}
}

// not is the opposite of a matcher by a regular expression.
func not(matcher string) string { return strings.Replace(matcher, "=~", "!~", 1) }
