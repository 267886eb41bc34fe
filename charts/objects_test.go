// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestEveryObjectHasALegalNameAndLabels(t *testing.T) {
	for set, vals := range valueSets(t) {
		for _, obj := range template(t, vals).objects {
			where := fmt.Sprintf("%s: %T %s", set, obj, obj.GetName())
			for _, msg := range validation.IsDNS1123Label(obj.GetName()) {
				t.Errorf("%s: name: %s", where, msg)
			}
			if obj.GetNamespace() == "" {
				t.Errorf("%s has no namespace", where)
			}
			for key, value := range obj.GetLabels() {
				for _, msg := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
					t.Errorf("%s: label %s=%q: %s", where, key, value, msg)
				}
			}
		}
	}
}

func TestALongReleaseNameLeavesRoomForTheNamesMadeFromIt(t *testing.T) {
	r := template(t, values{"fullnameOverride": strings.Repeat("a", 50), "dashboard": values{"enabled": true}, "replicas": 3})
	for _, obj := range r.objects {
		for _, msg := range validation.IsDNS1123Label(obj.GetName()) {
			t.Errorf("%s: %s", obj.GetName(), msg)
		}
	}
	// Kubernetes labels the pods with the name and a hash of ten characters.
	if set := the[*appsv1.StatefulSet](t, r); len(set.Name)+11 > 63 {
		t.Errorf("the name of the StatefulSet has %d characters", len(set.Name))
	}
}

func TestTheDefaultIsOneReplicaOnAVolume(t *testing.T) {
	r := template(t, nil)
	set := the[*appsv1.StatefulSet](t, r)
	if *set.Spec.Replicas != 1 {
		t.Errorf("%d replicas", *set.Spec.Replicas)
	}
	if len(set.Spec.VolumeClaimTemplates) != 1 || set.Spec.VolumeClaimTemplates[0].Name != "data" {
		t.Errorf("claims: %v", set.Spec.VolumeClaimTemplates)
	}
	c := culpritContainer(t, set)
	for _, arg := range c.Args {
		if strings.HasPrefix(arg, "--cluster.") {
			t.Errorf("a replica alone got %s", arg)
		}
	}
	if n := len(all[*policyv1.PodDisruptionBudget](r)); n != 0 {
		t.Errorf("%d disruption budgets for one replica", n)
	}
	if n := len(all[*corev1.Secret](r)); n != 0 {
		t.Errorf("%d secrets made without need", n)
	}
}

func TestNothingHasMoreRightsThanItNeeds(t *testing.T) {
	for set, vals := range valueSets(t) {
		r := template(t, vals)
		for _, account := range all[*corev1.ServiceAccount](r) {
			if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
				t.Errorf("%s: the account mounts its token", set)
			}
		}
		pods := []corev1.PodSpec{the[*appsv1.StatefulSet](t, r).Spec.Template.Spec}
		for _, pod := range all[*corev1.Pod](r) {
			pods = append(pods, pod.Spec)
		}
		for _, pod := range pods {
			checkHardened(t, set, pod)
		}
	}
}

// checkHardened checks the restricted Pod Security Standard and a read-only root file system.
func checkHardened(t *testing.T, set string, pod corev1.PodSpec) {
	t.Helper()
	if pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Errorf("%s: a pod mounts a token", set)
	}
	sc := pod.SecurityContext
	if sc == nil || sc.RunAsNonRoot == nil || !*sc.RunAsNonRoot || sc.SeccompProfile == nil || sc.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: security context of a pod: %v", set, sc)
	}
	for _, c := range pod.Containers {
		if c.Name == "side" { // the user's own
			continue
		}
		sc := c.SecurityContext
		if sc == nil || *sc.AllowPrivilegeEscalation || !*sc.ReadOnlyRootFilesystem || !slices.Contains(sc.Capabilities.Drop, "ALL") {
			t.Errorf("%s: security context of container %s: %v", set, c.Name, sc)
		}
	}
}

func TestThreeReplicasFindEachOther(t *testing.T) {
	r := template(t, values{"replicas": 3})
	set := the[*appsv1.StatefulSet](t, r)
	if set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		t.Error("the first replica would wait for itself to be ready")
	}
	headless := named[*corev1.Service](t, r, set.Spec.ServiceName)
	if headless.Spec.ClusterIP != corev1.ClusterIPNone || !headless.Spec.PublishNotReadyAddresses {
		t.Errorf("the names of replicas that are not ready can't be found: %+v", headless.Spec)
	}
	args := culpritContainer(t, set).Args
	for i := range 3 {
		want := fmt.Sprintf("--cluster.peer=%s-%d.%s.monitoring.svc:6222", set.Name, i, headless.Name)
		if !slices.Contains(args, want) {
			t.Errorf("no %s in %v", want, args)
		}
	}
	if !slices.Contains(args, "--cluster.node=$(POD_NAME)") {
		t.Errorf("the replica does not know its name: %v", args)
	}
	budget := the[*policyv1.PodDisruptionBudget](t, r)
	if budget.Spec.MaxUnavailable.IntValue() != 1 {
		t.Errorf("disruption budget: %v", budget.Spec)
	}
	if n := len(set.Spec.Template.Spec.TopologySpreadConstraints); n != 2 {
		t.Errorf("%d topology constraints, want nodes and zones", n)
	}
	for _, c := range set.Spec.Template.Spec.TopologySpreadConstraints {
		if !maps.Equal(c.LabelSelector.MatchLabels, set.Spec.Selector.MatchLabels) {
			t.Errorf("a topology constraint counts %v", c.LabelSelector)
		}
	}
}

// A replica that waits for the others is healthy: it must not be restarted, however long they are
// away.
func TestAReplicaThatWaitsIsLeftAlone(t *testing.T) {
	c := culpritContainer(t, the[*appsv1.StatefulSet](t, template(t, values{"replicas": 3})))
	for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe} {
		if path := probe.HTTPGet.Path; path != "/-/healthy" {
			t.Errorf("the %s probe asks %s", name, path)
		}
	}
	if path := c.ReadinessProbe.HTTPGet.Path; path != "/-/ready" {
		t.Errorf("the readiness probe asks %s", path)
	}
}

func TestReplicasTalkOverTLSIfTheyHaveCertificates(t *testing.T) {
	const flag = "--cluster.tls-config=/etc/culprit/cluster-tls/tls-config.yml"
	plain := culpritContainer(t, the[*appsv1.StatefulSet](t, template(t, values{"replicas": 3})))
	if slices.Contains(plain.Args, flag) {
		t.Errorf("without certificates: %v", plain.Args)
	}
	set := the[*appsv1.StatefulSet](t, template(t, values{"replicas": 3, "cluster": values{"tls": values{"existingSecret": "mine"}}}))
	if c := culpritContainer(t, set); !slices.Contains(c.Args, flag) {
		t.Errorf("with certificates: %v", c.Args)
	}
	if !slices.ContainsFunc(set.Spec.Template.Spec.Volumes, func(v corev1.Volume) bool {
		return v.Name == "cluster-tls" && v.Secret.SecretName == "mine"
	}) {
		t.Errorf("the certificates are not there: %v", set.Spec.Template.Spec.Volumes)
	}
}

func TestTheSecretOfTheReplicasIsMadeOrTakenAndNeverShown(t *testing.T) {
	made := template(t, values{"replicas": 3})
	secret := the[*corev1.Secret](t, made)
	if len(secret.Data["secret"]) < 32 {
		t.Errorf("the secret has %d bytes", len(secret.Data["secret"]))
	}
	mounted := func(r rendered) string {
		for _, v := range the[*appsv1.StatefulSet](t, r).Spec.Template.Spec.Volumes {
			if v.Name == "cluster" {
				return v.Secret.SecretName
			}
		}
		return ""
	}
	if mounted(made) != secret.Name {
		t.Errorf("mounted: %q, made: %q", mounted(made), secret.Name)
	}
	taken := template(t, values{"replicas": 3, "cluster": values{"existingSecret": "mine"}})
	if mounted(taken) != "mine" || len(all[*corev1.Secret](taken)) != 0 {
		t.Errorf("mounted: %q, made: %v", mounted(taken), all[*corev1.Secret](taken))
	}
}

func TestAChangeOfTheConfigurationRollsThePods(t *testing.T) {
	checksum := func(vals values) string {
		return the[*appsv1.StatefulSet](t, template(t, vals)).Spec.Template.Annotations["checksum/config"]
	}
	first := checksum(nil)
	if first == "" || first != checksum(nil) {
		t.Errorf("the checksum is %q, then %q", first, checksum(nil))
	}
	for name, vals := range map[string]values{
		"config":     parseValues(t, "config: {prometheus: {max_series: 5}}"),
		"rule files": parseValues(t, "ruleFiles: {a.yml: {rules: [{name: a, matchers: [a=b]}]}}"),
		"no default": parseValues(t, "defaultRule: {enabled: false}"),
	} {
		if checksum(vals) == first {
			t.Errorf("%s: the checksum stays the same", name)
		}
	}
	if got := checksum(values{"workers": 9}); got != first {
		t.Error("the checksum covers what is not in the ConfigMap")
	}
	if got := checksum(values{"configReloader": values{"enabled": true}}); got != "" {
		t.Error("with the reloader nothing needs to be rolled")
	}
}

func TestTheReloaderWatchesEveryFolderAndCallsReload(t *testing.T) {
	r := template(t, parseValues(t, "configReloader: {enabled: true}\nruleFiles: {a.yml: {rules: []}}"))
	set := the[*appsv1.StatefulSet](t, r)
	for _, c := range set.Spec.Template.Spec.Containers {
		if c.Name != "config-reloader" {
			continue
		}
		for _, want := range []string{"--watched-dir=/etc/culprit/config", "--watched-dir=/etc/culprit/config/rules", "--reload-url=http://127.0.0.1:9798/-/reload"} {
			if !slices.Contains(c.Args, want) {
				t.Errorf("no %s in %v", want, c.Args)
			}
		}
		return
	}
	t.Error("no reloader")
}

func TestSecretsAreMountedAsFiles(t *testing.T) {
	r := template(t, parseValues(t, `
existingSecret: credentials
webConfig: {existingSecret: web}
extraSecretMounts: [{name: am, secretName: am-client, mountPath: /etc/culprit/am}]
`))
	set := the[*appsv1.StatefulSet](t, r)
	source := map[string]string{}
	for _, v := range set.Spec.Template.Spec.Volumes {
		if v.Secret != nil {
			source[v.Name] = v.Secret.SecretName
		}
	}
	got := map[string]string{}
	for _, m := range culpritContainer(t, set).VolumeMounts {
		if source[m.Name] != "" {
			got[m.MountPath] = source[m.Name]
			if !m.ReadOnly {
				t.Errorf("%s can be written", m.MountPath)
			}
		}
	}
	want := map[string]string{"/etc/culprit/secrets": "credentials", "/etc/culprit/web": "web", "/etc/culprit/am": "am-client"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if args := culpritContainer(t, set).Args; !slices.Contains(args, "--web.config.file=/etc/culprit/web/web-config.yml") {
		t.Errorf("the file is not used: %v", args)
	}
}

func TestHTTPSReachesProbesScrapesAndTheRoute(t *testing.T) {
	r := template(t, parseValues(t, "webConfig: {existingSecret: web, scheme: https}\nkubePrometheusStack: {enabled: true}"))
	c := culpritContainer(t, the[*appsv1.StatefulSet](t, r))
	for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if p.HTTPGet.Scheme != corev1.URISchemeHTTPS {
			t.Errorf("a probe asks with %q", p.HTTPGet.Scheme)
		}
	}
	if command := strings.Join(the[*corev1.Pod](t, r).Spec.Containers[0].Command, " "); !strings.Contains(command, "https://") {
		t.Errorf("helm test runs %s", command)
	}
}

func TestTheServiceReachesTheDaemonAndNotTheTest(t *testing.T) {
	r := template(t, nil)
	set := the[*appsv1.StatefulSet](t, r)
	for _, service := range all[*corev1.Service](r) {
		if !maps.Equal(service.Spec.Selector, set.Spec.Selector.MatchLabels) {
			t.Errorf("%s selects %v", service.Name, service.Spec.Selector)
		}
		if matches(service.Spec.Selector, the[*corev1.Pod](t, r).Labels) {
			t.Errorf("%s would send alerts to the test", service.Name)
		}
		ports := culpritContainer(t, set).Ports
		for _, p := range service.Spec.Ports {
			if !slices.ContainsFunc(ports, func(c corev1.ContainerPort) bool { return c.Name == p.TargetPort.String() }) {
				t.Errorf("%s leads to the port %s, which the container has not", service.Name, p.TargetPort.String())
			}
		}
	}
	if !matches(set.Spec.Selector.MatchLabels, set.Spec.Template.Labels) {
		t.Error("the StatefulSet does not select its own pods")
	}
}

func TestNotesPrintTheRouteToPaste(t *testing.T) {
	notes := template(t, nil).notes
	for _, want := range []string{"receiver: culprit", "group_wait: 0s", "continue: true", "url: http://culprit.monitoring.svc:9798/api/v1/webhook", "port-forward service/culprit 9798:9798"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not say %q:\n%s", want, notes)
		}
	}
	routed := template(t, values{"kubePrometheusStack": values{"enabled": true}, "alertmanagerConfig": values{"mainRouteCatchesAll": true}}).notes
	if strings.Contains(routed, "webhook_configs") || !strings.Contains(routed, "AlertmanagerConfig culprit") {
		t.Errorf("with a route of its own:\n%s", routed)
	}
	for name, vals := range valueSets(t) {
		if left := regexp.MustCompile(`\{\{|<no value>|%!`).FindString(template(t, vals).notes); left != "" {
			t.Errorf("%s: %q in the notes", name, left)
		}
	}
}

func TestEveryObjectOfTheUserIsRendered(t *testing.T) {
	r := template(t, readValues(t, "culprit/ci/full-values.yaml"))
	if data := named[*corev1.ConfigMap](t, r, "extra-map").Data; data["release"] != "culprit" {
		t.Errorf("templates in a map are not rendered: %v", data)
	}
	named[*corev1.ConfigMap](t, r, "causes-extra-text")
}

func TestImagesComeFromTheMirrorAndByDigest(t *testing.T) {
	r := template(t, readValues(t, "culprit/ci/full-values.yaml"))
	want := "mirror.example.org/culprit-dev/culprit@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	if got := culpritContainer(t, the[*appsv1.StatefulSet](t, r)).Image; got != want {
		t.Errorf("got %s", got)
	}
	if got := culpritContainer(t, the[*appsv1.StatefulSet](t, template(t, nil))).Image; got != "ghcr.io/culprit-dev/culprit:v0.1.0" {
		t.Errorf("by default: %s", got)
	}
}

func culpritContainer(t *testing.T, set *appsv1.StatefulSet) corev1.Container {
	t.Helper()
	for _, c := range set.Spec.Template.Spec.Containers {
		if c.Name == "culprit" {
			return c
		}
	}
	t.Fatal("no container is called culprit")
	panic("unreachable")
}

// matches reports whether a selector matches labels.
func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

func statefulSet(t *testing.T, vals values) *appsv1.StatefulSet {
	t.Helper()
	return the[*appsv1.StatefulSet](t, template(t, vals))
}

func TestAProbeCanDoWithoutHTTP(t *testing.T) {
	c := culpritContainer(t, statefulSet(t, parseValues(t, "webConfig: {existingSecret: web, scheme: https}\nlivenessProbe: {httpGet: null, tcpSocket: {port: http}}")))
	if c.LivenessProbe.HTTPGet != nil || c.LivenessProbe.TCPSocket == nil {
		t.Errorf("the probe is %+v", c.LivenessProbe)
	}
}
