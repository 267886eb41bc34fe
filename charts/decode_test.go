// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// object is a rendered object, as its own API type.
type object = metav1.Object

// newObject returns an empty object of a kind, or nil if the chart must not render that kind.
func newObject(apiVersion, kind string) object {
	switch apiVersion + " " + kind {
	case "v1 ConfigMap":
		return &corev1.ConfigMap{}
	case "v1 Secret":
		return &corev1.Secret{}
	case "v1 Service":
		return &corev1.Service{}
	case "v1 ServiceAccount":
		return &corev1.ServiceAccount{}
	case "v1 Pod":
		return &corev1.Pod{}
	case "apps/v1 StatefulSet":
		return &appsv1.StatefulSet{}
	case "policy/v1 PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}
	case "networking.k8s.io/v1 NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	case "networking.k8s.io/v1 Ingress":
		return &networkingv1.Ingress{}
	case "gateway.networking.k8s.io/v1 HTTPRoute":
		return &gatewayv1.HTTPRoute{}
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return &monitoringv1.ServiceMonitor{}
	case "monitoring.coreos.com/v1 PrometheusRule":
		return &monitoringv1.PrometheusRule{}
	case "monitoring.coreos.com/v1alpha1 AlertmanagerConfig":
		return &monitoringv1alpha1.AlertmanagerConfig{}
	}
	return nil
}

// decodeAll decodes YAML documents, each into its own type. Unknown fields, duplicate keys and
// kinds that need more than a namespace's rights are errors.
func decodeAll(text []byte) ([]object, error) {
	var objects []object
	docs := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	defer docs.Close()
	for buf := make([]byte, len(text)+1); ; {
		n, err := docs.Read(buf)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		obj, err := decode(buf[:n])
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, buf[:n])
		}
		if obj != nil {
			objects = append(objects, obj)
		}
	}
}

// decode returns nil for a document without content.
func decode(doc []byte) (object, error) {
	text, err := yaml.YAMLToJSONStrict(doc)
	if err != nil || string(text) == "null" {
		return nil, err
	}
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &kind); err != nil {
		return nil, err
	}
	obj := newObject(kind.APIVersion, kind.Kind)
	if obj == nil {
		return nil, fmt.Errorf("%s %s is no kind that this chart may render", kind.APIVersion, kind.Kind)
	}
	return obj, decodeStrict(text, obj)
}

// decodeStrict reads JSON as an API server with strict field validation does.
func decodeStrict(text []byte, into any) error {
	strict, err := strictjson.UnmarshalStrict(text, into)
	return errors.Join(append(strict, err)...)
}

// decodeYAML reads one YAML value strictly.
func decodeYAML(t testing.TB, text []byte, into any) {
	t.Helper()
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err == nil {
		err = decodeStrict(asJSON, into)
	}
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
}

// the returns the only object of a type.
func the[T object](t testing.TB, r rendered) T {
	t.Helper()
	found := all[T](r)
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, want one", len(found), *new(T))
	}
	return found[0]
}

// all returns the objects of a type.
func all[T object](r rendered) []T {
	var found []T
	for _, obj := range r.objects {
		if o, ok := obj.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// named returns the object of a type and a name.
func named[T object](t testing.TB, r rendered, name string) T {
	t.Helper()
	for _, o := range all[T](r) {
		if o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %T is called %s", *new(T), name)
	panic("unreachable")
}

func TestAnUnknownFieldIsAnError(t *testing.T) {
	for name, doc := range map[string]string{
		"unknown":     "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: 1}",
		"wrong case":  "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterip: None}",
		"twice":       "apiVersion: v1\nkind: Service\nkind: Service\nmetadata: {name: a}",
		"custom kind": "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: a}\nspec: {endpoint: []}",
		"cluster":     "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}",
	} {
		if _, err := decodeAll([]byte(doc)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
