// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// pageValues returns the blocks of the pages that are values of this chart: those that say so, and
// those for Argo CD and Flux.
func pageValues(t *testing.T) map[string]values {
	t.Helper()
	found := map[string]values{}
	for _, page := range []string{"../config/README.md", "culprit/README.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
			for _, doc := range strings.Split(m[1], "\n---\n") {
				if v := valuesIn(t, doc); v != nil {
					first, _, _ := strings.Cut(strings.TrimPrefix(doc, "# values of the chart\n"), "\n")
					found[fmt.Sprintf("%s, block %d: %s", page, len(found)+1, first)] = v
				}
			}
		}
	}
	return found
}

// valuesIn returns the values of the chart in a document, if any.
func valuesIn(t *testing.T, doc string) values {
	t.Helper()
	var object struct {
		Kind string
		Spec struct {
			Values values
			Source struct{ Helm struct{ ValuesObject values } }
		}
	}
	if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	switch {
	case object.Kind == "HelmRelease":
		return object.Spec.Values
	case object.Kind == "Application":
		return object.Spec.Source.Helm.ValuesObject
	case strings.HasPrefix(doc, "# values of the chart\n"):
		return parseValues(t, doc)
	default:
		return nil
	}
}

func TestTheValuesOfThePagesRender(t *testing.T) {
	found := pageValues(t)
	if len(found) < 6 {
		t.Errorf("only %d blocks are values of the chart", len(found))
	}
	for where, vals := range found {
		objects, _ := vals["extraObjects"].([]any)
		delete(vals, "extraObjects")
		if _, err := tryTemplate(vals); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		for _, object := range objects {
			checkRole(t, where, object)
		}
	}
}

// checkRole checks an object that grants rights: it must be of one of Kubernetes' types.
func checkRole(t *testing.T, where string, object any) {
	t.Helper()
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]any{"Role": &rbacv1.Role{}, "RoleBinding": &rbacv1.RoleBinding{}}
	kind, _ := object.(values)["kind"].(string)
	if kinds[kind] == nil {
		t.Fatalf("%s: the kind %q is not one of those that give rights", where, kind)
	}
	json, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if mistakes, err := strictjson.UnmarshalStrict(json, kinds[kind]); err != nil || len(mistakes) > 0 {
		t.Errorf("%s: %s: %v %v", where, kind, err, mistakes)
	}
}
