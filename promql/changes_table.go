// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
)

// way is how series tell a change.
type way int

// The ways.
const (
	byLabels way = iota // a series with other labels appears, such as another version
	byValue             // the value becomes another one, and stays
	byTime              // the value is when it happened, in Unix seconds
	byAge               // the value is how long ago it happened, in seconds
)

// trace is what one kind of change leaves behind in Prometheus: one line of the
// table. Of the traces of one change the first in the table says most of it.
type trace struct {
	names   string // regular expression of the names of metrics
	way     way
	did     string            // the title, with the name of the thing; of a value that rises, or a series that comes
	undid   string            // the same for one that falls, or goes; empty: as did, or no news
	thing   []model.LabelName // labels that name the thing, the best first
	version []model.LabelName // byLabels: what tells one state of the thing from another
	near    bool              // there are very many series: asked only in the alert's namespace, where that is known
	opaque  bool              // byValue: what the value is tells people nothing
	flag    bool              // byValue: it is 0 or 1, and nothing else: with other values it counts
	own     bool              // the thing is what speaks, and not something that it speaks of: a service, rather than an object
	brief   bool              // its series is there for the change only
	symptom bool              // a fault does the same: see changes.Change

	pattern *regexp.Regexp // of names
}

// traceOf is the line of the table that a metric belongs to.
func traceOf(w way, metric string) (trace, bool) {
	all := traces()
	i := slices.IndexFunc(all, func(t trace) bool { return t.way == w && t.pattern.MatchString(metric) })
	if i < 0 {
		return trace{}, false
	}
	return all[i], true
}

// traces is the table, made once.
var traces = sync.OnceValue(func() []trace {
	all := table()
	for i := range all {
		all[i].pattern = regexp.MustCompile("^(?:" + all[i].names + ")$")
	}
	return all
})

// table is that of the traces. Names are those of the exporters' current releases; the
// regular expressions are of what names of one meaning have in common.
func table() []trace {
	type names = []model.LabelName
	controller, pods := names{"deployment", "statefulset", "daemonset"}, names{"pod"}
	process := processNames()
	release := names{"version", "short_version", "service_version", "app_version", "git_version", "gitVersion", "tag", "revision", "commit", "git_commit", "sha"}
	return []trace{
		{names: `kube_pod_container_info`, way: byLabels, did: "%s was rolled out", thing: pods, version: names{"image_spec", "image"}, near: true},
		{names: `(.+_)?build_info|(.+_)?version_info`, way: byLabels, did: "%s was rolled out", thing: process, version: release, own: true},
		{names: `target_info`, way: byLabels, did: "%s was rolled out", thing: process, version: names{"service_version", "version"}, own: true},
		{names: `kube_statefulset_status_update_revision`, way: byLabels, did: "%s was rolled out", thing: controller, version: names{"revision"}},
		{names: `gotk_resource_info`, way: byLabels, did: "%s was synced", thing: names{"name"}, version: names{"revision"}},
		{names: `kube_node_info`, way: byLabels, did: "node %s came", undid: "node %s went", thing: names{"node"}},
		{names: `up`, way: byLabels, did: "a target of %s appeared", undid: "a target of %s vanished", thing: process, near: true, own: true, symptom: true},
		{
			names: `(.+_)?(deploy|deployment|release|rollout|change|migration|maintenance)_(marker|event)s?`, way: byLabels, did: "%s was noted",
			thing: names{"service", "app", "name", "deployment", "job", model.MetricNameLabel}, version: release, own: true, brief: true,
		},

		{
			names: `kube_deployment_spec_replicas|kube_statefulset_replicas|kube_horizontalpodautoscaler_status_desired_replicas`, way: byValue,
			did: "%s was scaled up", undid: "%s was scaled down", thing: names{"deployment", "statefulset", "horizontalpodautoscaler"},
		},
		{
			names: `kube_horizontalpodautoscaler_spec_(max|min)_replicas`, way: byValue, did: "the bounds of autoscaler %s were raised",
			undid: "the bounds of autoscaler %s were lowered", thing: names{"horizontalpodautoscaler"},
		},
		{
			names: `kube_(deployment|statefulset|daemonset)_status_observed_generation|kube_daemonset_metadata_generation`, way: byValue,
			did: "%s was rolled out", thing: controller, opaque: true,
		},
		{names: `kube_(configmap|secret)_metadata_resource_version`, way: byValue, did: "configuration %s was changed", thing: names{"configmap", "secret"}, opaque: true},
		{names: `.+_config_hash`, way: byValue, did: "the configuration of %s was changed", thing: process, opaque: true, own: true},
		{names: `kube_node_spec_unschedulable`, way: byValue, did: "node %s was cordoned", undid: "node %s was uncordoned", thing: names{"node"}},
		{names: `argocd_app_sync_total`, way: byValue, did: "%s was synced", thing: names{"name"}, opaque: true},
		{
			names: `(.+_)?feature(_.+)?|(.+_)?flags?|flags?_.+|.+_(toggles?|enabled)`, way: byValue, did: "flag %s was switched on", undid: "flag %s was switched off",
			thing: names{"flag", "feature", "flag_key", "toggle", "name", model.MetricNameLabel}, own: true, flag: true,
		},
		{names: `(pg_settings|mysql_global_variables|redis_config)_.+`, way: byValue, did: "%s was raised", undid: "%s was lowered", thing: names{model.MetricNameLabel}, own: true},
		{names: `kube_pod_container_status_restarts_total`, way: byValue, did: "%s was restarted", thing: pods, near: true, opaque: true},

		{names: `.+_reload(ed)?(_success(ful)?)?_(timestamp|time)(_seconds)?`, way: byTime, did: "the configuration of %s was reloaded", thing: process, own: true},
		{names: `kube_(configmap|secret)_created`, way: byTime, did: "configuration %s was created", thing: names{"configmap", "secret"}},
		{names: `certmanager_certificate_not_before_timestamp_seconds|.*x509_cert_not_before`, way: byTime, did: "certificate %s was renewed", thing: names{"name", "secret_name", "subject_CN", "filename"}},
		{names: `kube_(deployment|statefulset|daemonset)_created`, way: byTime, did: "%s was created", thing: controller},
		{names: `kube_replicaset_created`, way: byTime, did: "%s was rolled out", thing: names{"replicaset"}},
		{names: `kube_job_status_start_time`, way: byTime, did: "job %s ran", thing: names{"job_name"}},
		{names: `(.+_)?(deploy|deployed|deployment|release|released|rollout)_(timestamp|time)(_seconds)?`, way: byTime, did: "%s was rolled out", thing: process, own: true},
		{names: `node_boot_time_seconds`, way: byTime, did: "%s was booted", thing: names{"node", "instance"}},
		{names: `process_start_time_seconds`, way: byTime, did: "%s was started", thing: process, own: true},
		{names: `(.+_)?uptime(_in)?(_seconds)?(_total)?`, way: byAge, did: "%s was started", thing: process, own: true},
		{names: `kube_pod_(created|start_time)|kube_pod_container_state_started|container_start_time_seconds`, way: byTime, did: "%s was started", thing: pods, near: true},
	}
}

// processNames are the labels that name a process, the best first.
func processNames() []model.LabelName {
	return []model.LabelName{"service", "service_name", "app", "application", "deployment", "statefulset", "daemonset", "pod", "job", "instance"}
}

// replicaSuffix is what Kubernetes adds to a deployment's name for that of a set
// of its replicas.
var replicaSuffix = regexp.MustCompile(`-[a-f0-9]{6,10}$`)

// place is the thing that a series of a trace is about: its name, and the labels that
// tell where it is. An exporter that speaks of objects says of itself where it runs:
// that is left out. Pods and sets of replicas are named by their workload.
func (t trace) place(m model.Metric) (name string, labels map[string]string) {
	labels = map[string]string{}
	for l, v := range m {
		switch {
		case l == model.MetricNameLabel, slices.Contains(t.version, l), strings.HasPrefix(string(l), "culprit_"):
		case t.own || slices.Contains(aboutPlaces(), l) || slices.Contains(t.thing, l):
			labels[string(l)] = string(v)
		}
	}
	for _, l := range append(slices.Clone(t.thing), aboutPlaces()...) {
		if v := m["exported_"+l]; v != "" { // what the series is about, and not who scraped it
			labels[string(l)] = string(v)
		}
	}
	for _, l := range t.thing {
		v := cmp.Or(labels[string(l)], string(m[l]))
		if v == "" {
			continue
		}
		switch l {
		case "pod":
			v = workloadOf(v)
		case "replicaset":
			v = replicaSuffix.ReplaceAllString(v, "")
			labels["deployment"] = v
			delete(labels, "replicaset")
		}
		return v, labels
	}
	return "", labels
}

// aboutPlaces are labels that tell where something is, whatever it is.
func aboutPlaces() []model.LabelName {
	return []model.LabelName{clusterLabel, "region", "zone", "namespace", "node"}
}

// versionOf is the state of the thing that a series of a trace tells.
func (t trace) versionOf(m model.Metric) string {
	for _, l := range t.version {
		switch v := string(m[l]); {
		case v == "":
		case strings.HasPrefix(string(l), "image"):
			return tagOf(v)
		default:
			return v
		}
	}
	return ""
}

// tagOf is the version of an image; of one without, its name.
func tagOf(image string) string {
	name := image[strings.LastIndexByte(image, '/')+1:]
	if _, digest, ok := strings.Cut(name, "@"); ok {
		return digest
	}
	if _, tag, ok := strings.Cut(name, ":"); ok {
		return tag
	}
	return name
}

// namesOf is one regular expression for the names of some of the traces.
func namesOf(w way, near, flag bool) string {
	var names []string
	for _, t := range traces() {
		if t.way == w && t.near == near && t.flag == flag {
			names = append(names, t.names)
		}
	}
	return strings.Join(names, "|")
}
