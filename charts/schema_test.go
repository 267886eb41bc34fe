// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"strings"
	"testing"
)

func TestTheSchemaRefuses(t *testing.T) {
	for _, c := range []struct{ name, vals, want string }{
		{"two replicas", "replicas: 2", "/replicas"},
		{"no replicas", "replicas: 0", "/replicas"},
		{"replicas as a text", `replicas: "3"`, "/replicas"},
		{"an unknown key", "replica: 3", "replica"},
		{"an unknown key below", "persistence: {sizes: 1Gi}", "sizes"},
		{"an unknown key of the configuration", "config: {prometheus: {urls: []}}", "urls"},
		{"an unknown key of a rule", "config: {rules: [{name: a, matchers: [a=b], expr: up}]}", "expr"},
		{"an unknown key of a rule file", "ruleFiles: {a.yml: {rules: [{name: a, matchers: [a=b], expr: up}]}}", "expr"},
		{"a rule file that no glob finds", "ruleFiles: {a.yaml: {rules: []}}", "a.yaml"},
		{"a rule file in another folder", "ruleFiles: {../a.yml: {rules: []}}", "../a.yml"},
		{"a configuration without Prometheus", "config: {prometheus: null}", "prometheus"},
		{"a password", "config: {prometheus: {http_config: {basic_auth: {username: a, password: b}}}}", "password"},
		{"a token", "config: {grafana: {url: http://g, http_config: {authorization: {credentials: b}}}}", "credentials"},
		{"a bearer token", "config: {alertmanagers: [{url: http://a, http_config: {bearer_token: b}}]}", "bearer_token"},
		{"a client secret", "config: {prometheus: {http_config: {oauth2: {client_secret: b}}}}", "client_secret"},
		{"a private key", "config: {prometheus: {http_config: {tls_config: {key: b}}}}", "key"},
		{"a secret header", "config: {prometheus: {http_config: {http_headers: {X-Key: {secrets: [b]}}}}}", "secrets"},
		{"a password in a URL", "config: {prometheus: {url: http://a:b@prometheus:9090}}", "/config/prometheus/url"},
		{"an address without http", "config: {prometheus: {url: prometheus:9090}}", "/config/prometheus/url"},
		{"an unknown key of one of several Prometheus servers", "config: {prometheus: [{name: a, url: http://a, urls: []}]}", "urls"},
		{"one of several Prometheus servers without a name", "config: {prometheus: [{url: http://a}]}", "name"},
		{"a list of no Prometheus", "config: {prometheus: []}", "prometheus"},
		{"a password of one of several", "config: {prometheus: [{name: a, url: http://a, http_config: {basic_auth: {username: a, password: b}}}]}", "password"},
		{"a secret of a webhook", "config: {recovery_webhooks: [{url: http://a, secret: b}]}", "secret"},
		{"a disruption budget without majority", "podDisruptionBudget: {maxUnavailable: 2}", "maxUnavailable"},
		{"an edge of three", "config: {rules: [{name: a, matchers: [a=b], topology: {edges: [[a, b, c]]}}]}", "edges"},
		{"a duration without unit", `retention: "5"`, "/retention"},
		{"a flag with its dashes", "extraArgs: {--workers: 3}", "--workers"},
	} {
		_, err := tryTemplate(parseValues(t, c.vals))
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error does not name %q: %v", c.name, c.want, err)
		}
	}
}

func TestTheSchemaTakes(t *testing.T) {
	for name, vals := range map[string]string{
		"one replica":            "replicas: 1",
		"three":                  "replicas: 3",
		"a part of a larger one": "global: {anything: {of: the parent}}",
		"an IPv6 address":        `config: {prometheus: {url: "http://[::1]:9090/prom"}}`,
		"a user without one":     "config: {prometheus: {url: http://user@prometheus:9090}}",
		"an address with at":     "config: {prometheus: {url: http://prometheus:9090/a@b}}",
		"two tenants":            "config: {prometheus: [{name: a, url: http://mimir, headers: {X-Scope-OrgID: a}, matchers: ['tenant=\"a\"']}, {name: b, url: http://p}]}",
		"files with secrets":     "config: {prometheus: {http_config: {basic_auth: {username: a, password_file: /b}}}}",
	} {
		if _, err := tryTemplate(parseValues(t, vals)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
