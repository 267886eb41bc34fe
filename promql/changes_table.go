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

// signal is how series show a change.
type signal int

// The ways.
const (
	byLabels signal = iota // a series with other labels appears, such as another version
	byValue                // the value changes, and stays
	byTime                 // the value is the time of the change, in Unix seconds
	byAge                  // the value is the age of the change, in seconds
)

// trace is what one kind of change leaves behind in Prometheus: one row of the table. If a
// change leaves several traces, the first in the table says most.
type trace struct {
	names   string // regular expression of metric names
	signal  signal
	did     string            // title with the thing's name, if a value rises or a series appears
	undid   string            // the same if a value falls or a series disappears; empty: same as did, or ignored
	thing   []model.LabelName // labels that name the thing, the best first
	version []model.LabelName // byLabels: labels that hold the version of the thing
	near    bool              // there are very many series, so query only the alert's namespace if known
	opaque  bool              // byValue: the value means nothing to people
	flag    bool              // byValue: only 0 and 1 are values of a flag; others are counts
	own     bool              // the thing exposes the metric itself, as a service does, unlike an object described by an exporter
	brief   bool              // the series exists for the change only
	symptom bool              // a fault leaves the same trace: see changes.Change
	reacts  bool              // byValue: a controller raises it under load, and nobody did anything

	pattern *regexp.Regexp // of names
}

// traceOf returns the row of the table for a metric.
func traceOf(w signal, metric string) (trace, bool) {
	all := traces()
	i := slices.IndexFunc(all, func(t trace) bool { return t.signal == w && t.pattern.MatchString(metric) })
	if i < 0 {
		return trace{}, false
	}
	return all[i], true
}

// traces is the table with compiled patterns, built once.
var traces = sync.OnceValue(func() []trace {
	all := table()
	for i := range all {
		all[i].pattern = regexp.MustCompile("^(?:" + all[i].names + ")$")
	}
	return all
})

// table lists the traces. Names are those of the exporters' current releases; patterns cover
// names with the same meaning.
func table() []trace {
	type names = []model.LabelName
	controller, pods := names{"deployment", "statefulset", "daemonset"}, names{"pod"}
	process := processNames()
	release := names{"version", "short_version", "service_version", "app_version", "git_version", "gitVersion", "tag", "revision", "commit", "git_commit", "sha"}
	return []trace{
		{names: `kube_pod_container_info`, signal: byLabels, did: "%s was rolled out", thing: pods, version: names{"image_spec", "image"}, near: true},
		{names: `(.+_)?build_info|(.+_)?version_info`, signal: byLabels, did: "%s was rolled out", thing: process, version: release, own: true},
		{names: `target_info`, signal: byLabels, did: "%s was rolled out", thing: process, version: names{"service_version", "version"}, own: true},
		{names: `kube_statefulset_status_update_revision`, signal: byLabels, did: "%s was rolled out", thing: controller, version: names{"revision"}},
		{names: `gotk_resource_info`, signal: byLabels, did: "%s was synced", thing: names{"name"}, version: names{"revision"}},
		{names: `kube_node_info`, signal: byLabels, did: "node %s came", undid: "node %s went", thing: names{"node"}},
		{names: `up`, signal: byLabels, did: "a target of %s appeared", undid: "a target of %s vanished", thing: process, near: true, own: true, symptom: true},
		{
			names: `(.+_)?(deploy|deployment|release|rollout|change|migration|maintenance)_(marker|event)s?`, signal: byLabels, did: "%s was noted",
			thing: names{"service", "app", "name", "deployment", "job", model.MetricNameLabel}, version: release, own: true, brief: true,
		},

		{
			names: `kube_deployment_spec_replicas|kube_statefulset_replicas|kube_horizontalpodautoscaler_status_desired_replicas`, signal: byValue,
			did: "%s was scaled up", undid: "%s was scaled down", reacts: true, thing: names{"deployment", "statefulset", "horizontalpodautoscaler"},
		},
		{
			names: `kube_horizontalpodautoscaler_spec_(max|min)_replicas`, signal: byValue, did: "the bounds of autoscaler %s were raised",
			undid: "the bounds of autoscaler %s were lowered", thing: names{"horizontalpodautoscaler"},
		},
		{
			names: `kube_(deployment|statefulset|daemonset)_status_observed_generation|kube_daemonset_metadata_generation`, signal: byValue,
			did: "%s was rolled out", thing: controller, opaque: true,
		},
		{names: `kube_(configmap|secret)_metadata_resource_version`, signal: byValue, did: "configuration %s was changed", thing: names{"configmap", "secret"}, opaque: true},
		{names: `.+_config_hash`, signal: byValue, did: "the configuration of %s was changed", thing: process, opaque: true, own: true},
		{names: `kube_node_spec_unschedulable`, signal: byValue, did: "node %s was cordoned", undid: "node %s was uncordoned", thing: names{"node"}},
		{names: `argocd_app_sync_total`, signal: byValue, did: "%s was synced", thing: names{"name"}, opaque: true},
		{
			names: `(.+_)?feature(_.+)?|(.+_)?flags?|flags?_.+|.+_(toggles?|enabled)`, signal: byValue, did: "flag %s was switched on", undid: "flag %s was switched off",
			thing: names{"flag", "feature", "flag_key", "toggle", "name", model.MetricNameLabel}, own: true, flag: true,
		},
		{names: `(pg_settings|mysql_global_variables|redis_config)_.+`, signal: byValue, did: "%s was raised", undid: "%s was lowered", thing: names{model.MetricNameLabel}, own: true},
		{names: `kube_pod_container_status_restarts_total`, signal: byValue, did: "%s was restarted", thing: pods, near: true, opaque: true},

		{names: `.+_reload(ed)?(_success(ful)?)?_(timestamp|time)(_seconds)?`, signal: byTime, did: "the configuration of %s was reloaded", thing: process, own: true},
		{names: `kube_(configmap|secret)_created`, signal: byTime, did: "configuration %s was created", thing: names{"configmap", "secret"}},
		{names: `certmanager_certificate_not_before_timestamp_seconds|.*x509_cert_not_before`, signal: byTime, did: "certificate %s was renewed", thing: names{"name", "secret_name", "subject_CN", "filename"}},
		{names: `kube_(deployment|statefulset|daemonset)_created`, signal: byTime, did: "%s was created", thing: controller},
		{names: `kube_replicaset_created`, signal: byTime, did: "%s was rolled out", thing: names{"replicaset"}},
		{names: `kube_job_status_start_time`, signal: byTime, did: "job %s ran", thing: names{"job_name"}},
		{names: `(.+_)?(deploy|deployed|deployment|release|released|rollout)_(timestamp|time)(_seconds)?`, signal: byTime, did: "%s was rolled out", thing: process, own: true},
		{names: `node_boot_time_seconds`, signal: byTime, did: "%s was booted", thing: names{"node", "instance"}},
		{names: `process_start_time_seconds`, signal: byTime, did: "%s was started", thing: process, own: true},
		{names: `(.+_)?uptime(_in)?(_seconds)?(_total)?`, signal: byAge, did: "%s was started", thing: process, own: true},
		{names: `kube_pod_(created|start_time)|kube_pod_container_state_started|container_start_time_seconds`, signal: byTime, did: "%s was started", thing: pods, near: true},
	}
}

// processNames are the labels that name a process, the best first.
func processNames() []model.LabelName {
	return []model.LabelName{"service", "service_name", "app", "application", "deployment", "statefulset", "daemonset", "pod", "job", "instance"}
}

// replicaSuffix matches what Kubernetes appends to a deployment's name for a replica set.
var replicaSuffix = regexp.MustCompile(`-[a-f0-9]{6,10}$`)

// place returns the name of the thing that a series is about, and the labels that locate it.
// Labels of an exporter that describes other objects are left out. Pods and replica sets are
// named by their workload.
func (t trace) place(m model.Metric) (name string, labels map[string]string) {
	labels = map[string]string{}
	for l, v := range m {
		switch {
		case l == model.MetricNameLabel, slices.Contains(t.version, l), strings.HasPrefix(string(l), "culprit_"):
		case t.own || slices.Contains(placeLabels(), l) || slices.Contains(t.thing, l):
			labels[string(l)] = string(v)
		}
	}
	for _, l := range append(slices.Clone(t.thing), placeLabels()...) {
		if v := m["exported_"+l]; v != "" { // the subject of the series, not its exporter
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

// placeLabels are labels that locate anything.
func placeLabels() []model.LabelName {
	return []model.LabelName{clusterLabel, "region", "zone", "namespace", "node"}
}

// versionOf returns the version of the thing, from a series of the trace.
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

// tagOf returns the tag or digest of an image, else its name.
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

// namesOf joins the names of the matching traces to one regular expression.
func namesOf(w signal, near, flag bool) string {
	var names []string
	for _, t := range traces() {
		if t.signal == w && t.near == near && t.flag == flag {
			names = append(names, t.names)
		}
	}
	return strings.Join(names, "|")
}
