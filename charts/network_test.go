// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// flow is one connection that a policy allows: a peer and a port.
type flow struct{ peer, port string }

func flows(ports []networkingv1.NetworkPolicyPort, peers []networkingv1.NetworkPolicyPeer) []flow {
	if len(peers) == 0 {
		peers = []networkingv1.NetworkPolicyPeer{{}}
	}
	var found []flow
	for _, p := range ports {
		for _, peer := range peers {
			found = append(found, flow{describe(peer), p.Port.String() + "/" + string(*p.Protocol)})
		}
	}
	return found
}

// describe writes a peer as namespaces:labels or as an address range.
func describe(p networkingv1.NetworkPolicyPeer) string {
	if p.IPBlock != nil {
		return p.IPBlock.CIDR
	}
	var parts []string
	if ns := p.NamespaceSelector; ns != nil {
		for _, e := range ns.MatchExpressions {
			parts = append(parts, "ns "+strings.Join(e.Values, ","))
		}
		for _, v := range ns.MatchLabels {
			parts = append(parts, "ns "+v)
		}
	}
	if p.PodSelector != nil {
		var labels []string
		for _, v := range p.PodSelector.MatchLabels {
			labels = append(labels, v)
		}
		slices.Sort(labels)
		parts = append(parts, "pods "+strings.Join(labels, ","))
	}
	if len(parts) == 0 {
		return "anywhere"
	}
	return strings.Join(parts, " ")
}

func policyFlows(t *testing.T, vals values) (in, out []flow) {
	t.Helper()
	spec := the[*networkingv1.NetworkPolicy](t, template(t, vals)).Spec
	if len(spec.PolicyTypes) != 2 || len(spec.PodSelector.MatchLabels) == 0 {
		t.Fatalf("the policy is not about both directions of our pods: %+v", spec)
	}
	for _, rule := range spec.Ingress {
		in = append(in, flows(rule.Ports, rule.From)...)
	}
	for _, rule := range spec.Egress {
		out = append(out, flows(rule.Ports, rule.To)...)
	}
	return in, out
}

func wantFlows(t *testing.T, what string, got []flow, want ...flow) {
	t.Helper()
	for _, f := range got {
		if !slices.Contains(want, f) {
			t.Errorf("%s: %v is open", what, f)
		}
	}
	for _, f := range want {
		if !slices.Contains(got, f) {
			t.Errorf("%s: %v is closed; open: %v", what, f, got)
		}
	}
}

func TestThePolicyOpensTheConfiguredServersAndNothingElse(t *testing.T) {
	in, out := policyFlows(t, values{"networkPolicy": values{"enabled": true}})
	wantFlows(t, "in", in,
		flow{"ns monitoring pods alertmanager", "http/TCP"},
		flow{"ns monitoring pods prometheus", "http/TCP"},
		flow{"pods culprit,culprit-test", "http/TCP"},
	)
	wantFlows(t, "out", out,
		flow{"anywhere", "53/UDP"}, flow{"anywhere", "53/TCP"},
		flow{"ns monitoring", "9090/TCP"}, flow{"ns monitoring", "9093/TCP"},
	)
}

func TestThePolicyFollowsTheURLs(t *testing.T) {
	in, out := policyFlows(t, readValues(t, "culprit/ci/ha-values.yaml"))
	wantFlows(t, "in", in,
		flow{"ns monitoring,observability pods alertmanager", "http/TCP"},
		flow{"ns monitoring,observability pods prometheus", "http/TCP"},
		flow{"pods culprit,culprit-test", "http/TCP"},
		flow{"pods culprit,culprit", "cluster/TCP"},
	)
	wantFlows(t, "out", out,
		flow{"anywhere", "53/UDP"}, flow{"anywhere", "53/TCP"},
		flow{"ns observability", "10902/TCP"},
		flow{"ns monitoring", "9093/TCP"},
		flow{"ns monitoring", "80/TCP"}, flow{"ns monitoring", "3000/TCP"}, // Grafana behind its Service
		flow{"0.0.0.0/0", "443/TCP"}, flow{"::/0", "443/TCP"}, // a name that is no Service
		flow{"pods culprit,culprit", "6222/TCP"},
	)
}

func TestThePolicyKnowsEveryFormOfAnAddress(t *testing.T) {
	_, out := policyFlows(t, parseValues(t, `
networkPolicy:
  enabled: true
  dnsPorts: []
  extraURLs:
    - http://192.0.2.7:9093
    - "http://[2001:db8::7]:9093"
    - https://192.0.2.8
    - http://pod-0.peers:9093
    - http://server.elsewhere.svc:8080/path
    - http://pod-0.peers.elsewhere.svc.cluster.local:8081
    - https://login@server.example.org:8443/path?x=http://y:1
config:
  prometheus: {url: "http://prometheus:9090", http_config: {proxy_url: "http://proxy.example.org:3128"}}
  alertmanagers: null
`))
	wantFlows(t, "out", out,
		flow{"192.0.2.7/32", "9093/TCP"}, flow{"2001:db8::7/128", "9093/TCP"}, flow{"192.0.2.8/32", "443/TCP"},
		flow{"ns peers,monitoring", "9093/TCP"},
		flow{"ns elsewhere", "8080/TCP"}, flow{"ns elsewhere", "8081/TCP"},
		flow{"0.0.0.0/0", "8443/TCP"}, flow{"::/0", "8443/TCP"},
		flow{"ns monitoring", "9090/TCP"},
		flow{"0.0.0.0/0", "3128/TCP"}, flow{"::/0", "3128/TCP"},
	)
}

func TestThePolicyIsNumbersWhereKubernetesWantsNumbers(t *testing.T) {
	for _, rule := range the[*networkingv1.NetworkPolicy](t, template(t, readValues(t, "culprit/ci/full-values.yaml"))).Spec.Egress {
		for _, p := range rule.Ports {
			if p.Port.Type != intstr.Int {
				t.Errorf("port %q of egress is a name, which means nothing outside of our pods", p.Port.String())
			}
		}
	}
}

const pages = "/ /reports /incidents /cases /changes /a /static /api/v1/reports /api/v1/incidents /api/v1/cases"

func TestThePagesAreShownAndTheWebhookIsNot(t *testing.T) {
	r := template(t, parseValues(t, `
ingress: {enabled: true, hosts: [{host: culprit.example.org}], tls: [{hosts: [culprit.example.org]}]}
httpRoute: {enabled: true, parentRefs: [{name: public}], hostnames: [culprit.example.org]}
`))
	var paths []string
	for _, p := range the[*networkingv1.Ingress](t, r).Spec.Rules[0].HTTP.Paths {
		paths = append(paths, p.Path)
		if exact := *p.PathType == networkingv1.PathTypeExact; exact != (p.Path == "/") {
			t.Errorf("%s is of type %s", p.Path, *p.PathType)
		}
	}
	if got := strings.Join(paths, " "); got != pages {
		t.Errorf("Ingress: %s", got)
	}
	paths = nil
	for _, rule := range the[*gatewayv1.HTTPRoute](t, r).Spec.Rules {
		if len(rule.Matches) > 8 || len(rule.BackendRefs) != 1 {
			t.Errorf("a rule has %d matches and %d backends", len(rule.Matches), len(rule.BackendRefs))
		}
		for _, m := range rule.Matches {
			paths = append(paths, *m.Path.Value)
			if exact := *m.Path.Type == gatewayv1.PathMatchExact; exact != (*m.Path.Value == "/") {
				t.Errorf("%s is of type %s", *m.Path.Value, *m.Path.Type)
			}
		}
	}
	if got := strings.Join(paths, " "); got != pages {
		t.Errorf("HTTPRoute: %s", got)
	}
}

func TestThePagesMoveWithTheExternalURL(t *testing.T) {
	r := template(t, readValues(t, "culprit/ci/full-values.yaml"))
	rules := the[*networkingv1.Ingress](t, r).Spec.Rules
	for _, p := range rules[0].HTTP.Paths {
		if !strings.HasPrefix(p.Path, "/why/") {
			t.Errorf("path %s", p.Path)
		}
	}
	if own := rules[1].HTTP.Paths; len(own) != 1 || own[0].Path != "/api/v1/reports" {
		t.Errorf("the user's own paths: %v", own)
	}
}

func TestTheExternalURLIsTheOneThatPeopleCanOpen(t *testing.T) {
	for _, c := range []struct{ vals, want string }{
		{"{}", "http://culprit.monitoring.svc:9798"},
		{"ingress: {enabled: true, hosts: [{host: a.example.org}]}", "http://a.example.org"},
		{"ingress: {enabled: true, hosts: [{host: a.example.org}], tls: [{secretName: a}]}", "https://a.example.org"},
		{"httpRoute: {enabled: true, parentRefs: [{name: p}], hostnames: [b.example.org]}", "https://b.example.org"},
		{"externalURL: https://c.example.org/{{ .Release.Name }}", "https://c.example.org/culprit"},
	} {
		set := statefulSet(t, parseValues(t, c.vals))
		if args := culpritContainer(t, set).Args; !slices.Contains(args, "--web.external-url="+c.want) {
			t.Errorf("%s: want %s in %v", c.vals, c.want, args)
		}
	}
}

func TestTheNodePortIsTheUsers(t *testing.T) {
	r := template(t, parseValues(t, "service: {type: NodePort, nodePort: 30798}"))
	if p := named[*corev1.Service](t, r, "culprit").Spec.Ports[0]; p.NodePort != 30798 {
		t.Errorf("node port %d", p.NodePort)
	}
}
