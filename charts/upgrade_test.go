// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/kube"
	release "helm.sh/helm/v4/pkg/release/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// released has, for each released version of the chart, values that people may use
// (NAME-values.yaml) and the immutable parts of the StatefulSet (NAME-fixed.yaml). A release adds
// its own; nothing is ever removed.
const released = "testdata/released"

// fixed are the immutable parts of a StatefulSet.
type fixed struct {
	Selector             *metav1.LabelSelector          `json:"selector"`
	ServiceName          string                         `json:"serviceName"`
	PodManagementPolicy  appsv1.PodManagementPolicyType `json:"podManagementPolicy"`
	VolumeClaimTemplates []corev1.PersistentVolumeClaim `json:"volumeClaimTemplates"`
}

func TestValuesOfEveryVersionStillRenderWhatCanBeUpgraded(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(released, "*-values.yaml"))
	if len(files) == 0 {
		t.Fatal("no values of released versions")
	}
	for _, file := range files {
		spec := statefulSet(t, readValues(t, file)).Spec
		got, err := yaml.Marshal(fixed{spec.Selector, spec.ServiceName, spec.PodManagementPolicy, spec.VolumeClaimTemplates})
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.Replace(file, "-values.yaml", "-fixed.yaml", 1)
		if want, err := os.ReadFile(golden); err != nil || string(want) != string(got) {
			t.Errorf("%s: an upgrade would be refused (%v); it has\n%s", golden, err, got)
		}
	}
}

func TestAReleaseIsInstalledUpgradedAndUninstalled(t *testing.T) {
	cfg := helm()
	chart := loadChart(t)
	install := action.NewInstall(cfg)
	install.ReleaseName, install.Namespace, install.WaitStrategy = "culprit", "monitoring", kube.HookOnlyStrategy
	if _, err := install.Run(chart, values{"workers": 7}); err != nil {
		t.Fatal(err)
	}
	upgrade := action.NewUpgrade(cfg)
	upgrade.Namespace, upgrade.ReuseValues, upgrade.WaitStrategy = "monitoring", true, kube.HookOnlyStrategy
	made, err := upgrade.Run("culprit", chart, values{"retention": "24h"})
	if err != nil {
		t.Fatal(err)
	}
	manifest := made.(*release.Release).Manifest
	for _, want := range []string{"--workers=7", "--storage.retention=24h"} {
		if !strings.Contains(manifest, want) {
			t.Errorf("after the upgrade %s is missing", want)
		}
	}
	uninstall := action.NewUninstall(cfg)
	uninstall.WaitStrategy = kube.HookOnlyStrategy
	if _, err := uninstall.Run("culprit"); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Releases.Last("culprit"); err == nil {
		t.Error("the release is still there")
	}
}

func TestUninstallLeavesTheVolumesAndNothingElse(t *testing.T) {
	for set, vals := range valueSets(t) {
		for _, obj := range template(t, vals).objects {
			if len(obj.GetFinalizers()) > 0 || obj.GetAnnotations()["helm.sh/resource-policy"] != "" {
				t.Errorf("%s: %T %s stays behind", set, obj, obj.GetName())
			}
		}
	}
	policy := statefulSet(t, nil).Spec.PersistentVolumeClaimRetentionPolicy
	if policy.WhenDeleted != appsv1.RetainPersistentVolumeClaimRetentionPolicyType || policy.WhenScaled != appsv1.RetainPersistentVolumeClaimRetentionPolicyType {
		t.Errorf("the volumes go with the StatefulSet: %+v", policy)
	}
}

func TestTheNumberOfReplicasChangesOnlyAfterTheDrain(t *testing.T) {
	running := func(n int32) []runtime.Object {
		if n == 0 { // the drain deletes it
			return nil
		}
		set := statefulSet(t, nil)
		set.Spec.Replicas = &n
		return []runtime.Object{set}
	}
	for _, c := range []struct {
		name    string
		had     int32
		vals    values
		refused bool
	}{
		{"one to three", 1, values{"replicas": 3}, true},
		{"three to one", 3, values{"replicas": 1}, true},
		{"one stays one", 1, values{"replicas": 1}, false},
		{"drained: none to three", 0, values{"replicas": 3}, false},
		{"without volumes", 1, values{"replicas": 3, "persistence": values{"enabled": false}}, false},
	} {
		_, err := renderAgainst(t, c.vals, running(c.had)...)
		if refused := err != nil && strings.Contains(err.Error(), "Drain it first"); refused != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestTheSecretOfTheReplicasStaysTheSame(t *testing.T) {
	first, err := renderAgainst(t, values{"replicas": 3})
	if err != nil {
		t.Fatal(err)
	}
	made := the[*corev1.Secret](t, first)
	second, err := renderAgainst(t, values{"replicas": 3}, made)
	if err != nil {
		t.Fatal(err)
	}
	if again := the[*corev1.Secret](t, second); string(again.Data["secret"]) != string(made.Data["secret"]) {
		t.Error("an upgrade makes another secret, and the replicas no longer know each other")
	}
}

func TestASecretThatKeepsNobodyOutIsRefused(t *testing.T) {
	for name, vals := range map[string]values{
		"culprit-cluster": {"replicas": 3},
		"mine":            {"replicas": 3, "cluster": values{"existingSecret": "mine"}},
	} {
		for secret, ok := range map[string]bool{"": false, strings.Repeat("x", 31): false, strings.Repeat("x", 32): true} {
			there := &corev1.Secret{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
				ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "monitoring"}, Data: map[string][]byte{"secret": []byte(secret)},
			}
			_, err := renderAgainst(t, vals, there)
			if ok != (err == nil) || !ok && !strings.Contains(err.Error(), "openssl rand -hex 32") {
				t.Errorf("%s of %d bytes: %v", name, len(secret), err)
			}
		}
	}
}

// renderAgainst renders the chart as `helm upgrade` does on a cluster with these objects.
func renderAgainst(t *testing.T, vals values, objects ...runtime.Object) (rendered, error) {
	t.Helper()
	chart := loadChart(t)
	options := common.ReleaseOptions{Name: "culprit", Namespace: "monitoring", IsUpgrade: true, Revision: 2}
	all, err := util.ToRenderValues(chart, maps.Clone(vals), options, common.DefaultCapabilities)
	if err != nil {
		return rendered{}, err
	}
	files, err := engine.RenderWithClientProvider(chart, all, cluster{dynamicfake.NewSimpleDynamicClient(scheme.Scheme, objects...)})
	if err != nil {
		return rendered{}, err
	}
	var r rendered
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		found, err := decodeAll([]byte(text))
		if err != nil {
			return rendered{}, err
		}
		r.objects = append(r.objects, found...)
	}
	return r, nil
}

// cluster is what the templates' lookup sees.
type cluster struct{ client dynamic.Interface }

func (c cluster) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	resource, ok := map[string]string{"StatefulSet": "statefulsets", "Secret": "secrets"}[kind]
	if !ok {
		return nil, false, errors.New("the chart looks up a " + kind + ", for which a user may lack the right")
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	return c.client.Resource(gv.WithResource(resource)), true, err
}

func loadChart(t *testing.T) *chartv2.Chart {
	t.Helper()
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return chart.(*chartv2.Chart)
}
