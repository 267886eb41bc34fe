// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"strings"

	"github.com/prometheus/common/model"
)

// identity is one way to select the series to look at, by labels of the alert or of the KPI's
// series.
type identity struct {
	name     string
	matchers string // template
	among    string // template of wider matchers, by which to find the existing metrics
}

// Names of identities, as used by the table of exporters.
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

	// Neighbours, without the alert's subject itself.
	besideOnNode      = "others on the node"
	besideInNamespace = "others in the namespace"
)

// distance says how far the selected series are from the alert's subject: 0 is the subject, 1
// its host, 2 and more its neighbours.
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

// beside says whether the identity selects neighbours.
func (id identity) beside() bool { return id.name == besideInNamespace || id.name == besideOnNode }

func workloadLabels() []string {
	return []string{"deployment", "statefulset", "daemonset", "cronjob", "job_name"}
}

func ownServiceLabels() []string { return []string{"service", "app", "application", "service_name"} }

// hostLabel is no label of series: it stands for the addresses of the pods' hosts.
const hostLabel = "host_ip"

// clusterLabel is on everything in a cluster, if a server has several.
const clusterLabel = "cluster"

// identityLabels are the labels that identities are made of.
func identityLabels() []string {
	names := append(workloadLabels(), ownServiceLabels()...)
	return append(names, "namespace", "pod", "instance", "node", "job", clusterLabel, "consumergroup", "topic", "queue", "proxy", "destination_service")
}

// identities returns the ways to select series for an alert, as far as it has the labels.
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

// naming collects identities.
type naming struct {
	own   model.LabelSet // labels of the alert
	alert Alert
	found []identity
}

// add adds an identity if all of its matchers exist.
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

// addBeside adds an identity for what wider matchers select, except some of it.
func (n *naming) addBeside(name, wider, but string) {
	if wider != "" && but != "" {
		wider = n.inCluster(wider)
		n.found = append(n.found, identity{name, wider + "," + but, wider})
	}
}

// is matches a label by the alert's or the series' value of it.
func (n *naming) is(label string) string {
	if n.own[model.LabelName(label)] != "" {
		return label + `="{{ .Labels.` + label + ` }}"`
	}
	return n.like(label, label, "")
}

// like matches a label by the value of another one and a suffix.
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

// not negates a regular expression matcher.
func not(matcher string) string { return strings.Replace(matcher, "=~", "!~", 1) }
