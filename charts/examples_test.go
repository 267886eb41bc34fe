// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const stackExamples = "../examples/kube-prometheus-stack"

func TestTheValuesBesideTheStackRenderAPolicyThatLetsGrafanaBeReached(t *testing.T) {
	_, out := policyFlows(t, readValues(t, filepath.Join(stackExamples, "culprit-values.yaml")))
	wantFlows(t, "out", out,
		flow{"anywhere", "53/UDP"}, flow{"anywhere", "53/TCP"},
		flow{"ns monitoring", "9090/TCP"}, flow{"ns alertmanager-operated,monitoring", "9093/TCP"},
		flow{"ns monitoring", "80/TCP"}, flow{"ns monitoring", "3000/TCP"},
	)
}

// stack has the values that kube-prometheus-stack copies into the operator's objects unchanged.
type stack struct {
	FullnameOverride string `json:"fullnameOverride"`
	Alertmanager     struct {
		Spec   monitoringv1.AlertmanagerSpec `json:"alertmanagerSpec"`
		Config map[string]any                `json:"config"` // Alertmanager's own
	} `json:"alertmanager"`
	Prometheus struct {
		Spec monitoringv1.PrometheusSpec `json:"prometheusSpec"`
	} `json:"prometheus"`
	ExtraManifests []json.RawMessage `json:"extraManifests"`
}

func readStack(t *testing.T, name string) stack {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(stackExamples, name))
	if err != nil {
		t.Fatal(err)
	}
	var s stack
	decodeYAML(t, text, &s)
	return s
}

func TestTheStackRoutesAllAlertsToItsOwnNamespace(t *testing.T) {
	s := readStack(t, "values.yaml")
	if got := s.Alertmanager.Spec.AlertmanagerConfigMatcherStrategy.Type; got != monitoringv1.OnNamespaceExceptForAlertmanagerNamespaceConfigMatcherStrategyType {
		t.Errorf("the strategy is %q", got)
	}
	culprit := readValues(t, filepath.Join(stackExamples, "culprit-values.yaml"))
	text, err := yaml.Marshal(culprit["config"])
	if err != nil {
		t.Fatal(err)
	}
	// The operator calls the pods of an Alertmanager alertmanager-NAME-N.
	if want := "alertmanager-" + s.FullnameOverride + "-alertmanager-0."; !strings.Contains(string(text), want) {
		t.Errorf("no peer begins with %s in\n%s", want, text)
	}
}

func TestTheSidecarIsWiredUp(t *testing.T) {
	s := readStack(t, "sidecar-values.yaml")
	spec := s.Prometheus.Spec
	if len(spec.Containers) != 1 || *spec.Replicas != 1 {
		t.Fatalf("%d containers, %d replicas", len(spec.Containers), *spec.Replicas)
	}
	c := spec.Containers[0]
	volumes := map[string]corev1.Volume{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = v
	}
	for _, m := range c.VolumeMounts {
		if _, ok := volumes[m.Name]; !ok {
			t.Errorf("%s is mounted and no volume", m.Name)
		}
	}
	r := rendered{objects: extraManifests(t, s)}
	named[*corev1.ConfigMap](t, r, volumes["culprit-config"].ConfigMap.Name)
	service := the[*corev1.Service](t, r)
	if service.Spec.Ports[0].TargetPort.String() != c.Ports[0].Name {
		t.Errorf("the Service leads to the port %s", service.Spec.Ports[0].TargetPort.String())
	}
	if monitor := the[*monitoringv1.ServiceMonitor](t, r); !matches(monitor.Spec.Selector.MatchLabels, service.Labels) {
		t.Error("the ServiceMonitor does not select the Service")
	}
	url := *the[*monitoringv1alpha1.AlertmanagerConfig](t, r).Spec.Receivers[0].WebhookConfigs[0].URL
	if want := "http://" + service.Name + "." + service.Namespace + ".svc:9798/api/v1/webhook"; url != want {
		t.Errorf("alerts go to %s, the Service is %s", url, want)
	}
}

// extraManifests decodes the objects of the user.
func extraManifests(t *testing.T, s stack) []object {
	t.Helper()
	var objects []object
	for _, text := range s.ExtraManifests {
		obj, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, obj)
	}
	return objects
}

// sidecarConfig returns the configuration in the sidecar example.
func sidecarConfig(t *testing.T) string {
	t.Helper()
	r := rendered{objects: extraManifests(t, readStack(t, "sidecar-values.yaml"))}
	return the[*corev1.ConfigMap](t, r).Data["culprit.yml"]
}

func TestTheConfigurationOfTheSidecarIsOneThatIsChecked(t *testing.T) {
	checkGenerated(t, filepath.Join(renderedConfigs, "sidecar", "culprit.yml"), sidecarConfig(t))
}

func TestTheUnitIsOneThatSystemdUnderstands(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not here")
	}
	out, err := exec.Command(analyze, "verify", "--man=no", "../examples/systemd/culprit.service").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "culprit.service") && !strings.Contains(line, "is not executable") {
			t.Errorf("%v: %s", err, line)
		}
	}
}
