// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// renderedConfigs has the content of /etc/culprit/config for each set of values. The tests in
// /examples load these files with culprit's own code.
const renderedConfigs = "testdata/config"

func TestTheConfigurationsThatAreCheckedAreThoseThatAreRendered(t *testing.T) {
	for set, vals := range valueSets(t) {
		files := mountedConfig(t, template(t, vals))
		if files == nil { // an existing ConfigMap
			continue
		}
		if files["culprit.yml"] == "" {
			t.Errorf("%s: no culprit.yml in %v", set, files)
		}
		for path, text := range files {
			file := filepath.Join(renderedConfigs, set, path)
			if *update {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			checkGenerated(t, file, text)
		}
	}
}

// mountedConfig returns the files of the volume "config", by path.
func mountedConfig(t *testing.T, r rendered) map[string]string {
	t.Helper()
	for _, v := range the[*appsv1.StatefulSet](t, r).Spec.Template.Spec.Volumes {
		if v.Name != "config" || len(v.ConfigMap.Items) == 0 {
			continue
		}
		data := named[*corev1.ConfigMap](t, r, v.ConfigMap.Name).Data
		files := map[string]string{}
		for _, item := range v.ConfigMap.Items {
			text, ok := data[item.Key]
			if !ok {
				t.Errorf("the key %s is mounted and not there", item.Key)
			}
			files[item.Path] = text
		}
		if len(files) != len(data) {
			t.Errorf("%d of %d keys are mounted", len(files), len(data))
		}
		return files
	}
	return nil
}

func TestTheCatchAllRuleComesLast(t *testing.T) {
	config := named[*corev1.ConfigMap](t, template(t, parseValues(t, `
config: {rule_files: [/mine/*.yml]}
ruleFiles: {zzz.yml: {rules: []}}
`)), "culprit-config").Data["culprit.yml"]
	mine, chart, last := strings.Index(config, "/mine/*.yml"), strings.Index(config, "rules/*.yml"), strings.Index(config, "default-rule.yml")
	if mine < 0 || chart < mine || last < chart {
		t.Errorf("the rule files are in another order:\n%s", config)
	}
}

func TestTemplatesOfRulesReachCulpritUntouched(t *testing.T) {
	data := named[*corev1.ConfigMap](t, template(t, readValues(t, "culprit/ci/full-values.yaml")), "causes-config").Data
	if want := `service="{{ .Labels.service }}"`; !strings.Contains(data["culprit.yml"], want) {
		t.Errorf("%s is missing in\n%s", want, data["culprit.yml"])
	}
}

func TestAnExistingConfigMapIsMountedWhole(t *testing.T) {
	r := template(t, values{"existingConfigMap": "mine"})
	if n := len(all[*corev1.ConfigMap](r)); n != 0 {
		t.Errorf("%d ConfigMaps beside it", n)
	}
	for _, v := range the[*appsv1.StatefulSet](t, r).Spec.Template.Spec.Volumes {
		if v.Name == "config" && (v.ConfigMap.Name != "mine" || len(v.ConfigMap.Items) != 0) {
			t.Errorf("mounted: %+v", v.ConfigMap)
		}
	}
}
