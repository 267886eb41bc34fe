// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/alertmanager/pkg/labels"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// oneOfEach is a configuration with one of everything, each with its required keys only.
const oneOfEach = `
prometheus: [{name: one, url: http://p, http_config: {tls_config: {}}}]
alertmanagers: [{url: http://a}]
grafana: {url: http://g}
recovery_webhooks: [{url: http://h}]
changes: {grafana: {}}
tracing: {endpoint: "t:4318"}
context:
  facts: [{query: up, labels: [owner]}]
  links: [{name: Logs, url: http://logs}]
  traces: {url: http://traces}
candidates: [{name: cpu, query: cpu}]
rules:
  - name: first
    matchers: [a=b]
    target: {breakdown: {labels: [pod]}, candidates: [{name: x, query: y}]}
    breakdown: {labels: [pod]}
    candidates: [{name: x, query: y}]
    grafana: {dashboard_uid: shop}
    topology: {edges: [[x, y]]}
  - name: second
    matchers: [a=c]
    targets: [{name: kpi, breakdown: {labels: [pod]}, candidates: [{name: x, query: y}]}]
`

// legal has values for keys that don't accept every text or number.
var legal = map[string][]any{
	"kind": {"cpu", "Latency"}, "scale": {"each", "common"}, "mode": {"nsdi", "complete"}, "method": {"balance"},
	"preset": {"paper"}, "candidate_ad": {"pre"}, "transform": {"ranks"}, "min_confidence": {"high", "low", ""},
	"from_alerts": {"never", "any"}, "from_api": {"known_rules"}, "dashboard_uid": {"A-b_9"}, "dashboards": {[]any{"A-b_9"}, []any{}},
	"url": {"http://other:1"}, "rules_url": {"http://vmalert"}, "matchers": {[]any{`x="y"`, "z=~w"}},
	"ignore_alerts": {[]any{`x="y"`}, []any{}}, "edges": {[]any{[]any{"a", "b"}, []any{"b", "c"}}},
	"lags": {[]any{-1, 0, 60}}, "labels": {[]any{"pod", "zone"}}, "tags": {[]any{"deploy"}, []any{}}, "rule_files": {[]any{"*.yml"}},
	"headers":     {map[string]any{"X-Scope-OrgID": "<secret>"}}, // as printed
	"client_type": {"http", ""}, "endpoint": {"otel:4317"}, "compression": {"gzip", ""},
	"max_k": {10}, "proxy_url": {"http://proxy:1"}, "lifetime": {"1h", "400d"}, "incident": {"5m"}, "baseline": {"5m"},
}

// leaf is one key that holds a value.
type leaf struct {
	path string
	typ  reflect.Type
}

// values returns legal values of the key, at least one of which is not its default.
func (l leaf) values() []any {
	if vs, ok := legal[lastKey(l.path)]; ok {
		return vs
	}
	switch {
	case l.typ == reflect.TypeFor[model.Duration]():
		return []any{"1ms", "1h30m"}
	case l.typ.Kind() == reflect.Bool:
		return []any{true, false}
	case l.typ.Kind() == reflect.Float64:
		return []any{0.5, 1e-9}
	case l.typ.Kind() == reflect.Int, l.typ.Kind() == reflect.Int64:
		return []any{1, 7}
	}
	return []any{"yes", "ü: # {{ x }} 'y' \"z\"\n \u2028|", "0x1"}
}

// leaves returns the keys below a node of the configuration, including those of http_config that
// hold no secret and require no other key.
func leaves(t reflect.Type, path string) (all []leaf) {
	alone := []string{"follow_redirects", "enable_http2", "proxy_url", "server_name", "insecure_skip_verify"}
	for t.Kind() == reflect.Pointer && !isLeaf(t) {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		for i := range 1 + strings.Count(path+"$", "rules$") {
			all = append(all, leaves(t.Elem(), fmt.Sprintf("%s[%d]", path, i))...)
		}
		return all
	case t.Kind() != reflect.Struct || isLeaf(t):
		if (strings.Contains(path, "http_config.") || strings.HasPrefix(path, "tracing.tls_config.")) && !slices.Contains(alone, lastKey(path)) {
			return nil
		}
		return []leaf{{path, t}}
	case slices.Contains([]string{"http_headers", "oauth2"}, lastKey(path)),
		strings.HasSuffix(path, "].http_config") && !strings.HasPrefix(path, "prometheus"): // as that of prometheus
		return nil
	}
	known, _ := fieldsOf(reflect.New(t).Elem())
	for key, v := range known {
		all = append(all, leaves(v.Type(), join(path, key))...)
	}
	return all
}

// everyKey calls f with each key that the example can have.
func everyKey(t *testing.T, f func(t *testing.T, l leaf)) {
	all := leaves(reflect.TypeFor[Config](), "")
	slices.SortFunc(all, func(a, b leaf) int { return strings.Compare(a.path, b.path) })
	seen := 0
	for _, l := range all {
		if several := strings.Contains(l.path, ".targets["); several != strings.HasPrefix(l.path, "rules[1]") && strings.HasPrefix(l.path, "rules") {
			continue // the first rule has one target, the second several
		}
		seen++
		t.Run(l.path, func(t *testing.T) { f(t, l) })
	}
	if seen < 100 {
		t.Errorf("only %d keys", seen)
	}
}

// written returns the example with a key set to a value, and the line of the value.
func written(t *testing.T, path string, value any) (text string, line int) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(oneOfEach), &doc); err != nil {
		t.Fatal(err)
	}
	n := doc.Content[0]
	for _, key := range regexp.MustCompile(`\w+`).FindAllString(path, -1) {
		n = child(n, key)
	}
	if err := n.Encode(value); err != nil {
		t.Fatal(err)
	}
	n.Anchor = "here" // marks the line
	out, err := yaml.Marshal(plain(&doc))
	before, after, marked := strings.Cut(string(out), "&here")
	if err != nil || !marked {
		t.Fatal(err, path)
	}
	if strings.HasPrefix(after, "\n") { // a list or a mapping stands below its key
		return before + after, strings.Count(before, "\n") + 2
	}
	return before + after, strings.Count(before, "\n") + 1
}

// plain puts each key of a mapping on its own line.
func plain(n *yaml.Node) *yaml.Node {
	n.Style &^= yaml.FlowStyle
	for _, c := range n.Content {
		plain(c)
	}
	return n
}

// child returns the value of a key or the element at an index, and adds it if missing.
func child(n *yaml.Node, key string) *yaml.Node {
	var i int
	if _, err := fmt.Sscan(key, &i); err == nil {
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		if i == len(n.Content) {
			n.Content = append(n.Content, new(yaml.Node))
		}
		return n.Content[i]
	}
	if n.Kind == 0 {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	v := new(yaml.Node)
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, v)
	return v
}

// sameConfig compares what was read, but not where it stood.
var sameConfig = cmp.Options{
	cmpopts.IgnoreTypes(Source{}, []Mistake{}), cmpopts.IgnoreUnexported(commonconfig.ProxyConfig{}),
	cmpopts.EquateEmpty(), cmp.Comparer(func(a, b URL) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b HookURL) bool { return a.String() == b.String() }), // of which the path is a secret
	cmp.Comparer(func(a, b *url.URL) bool { return fmt.Sprint(a) == fmt.Sprint(b) }),
	cmp.Comparer(func(a, b *labels.Matcher) bool { return a.String() == b.String() }),
}

// TestEveryKeyIsReadAndSurvivesPrinting writes each key with legal values: they are accepted and
// make a difference, and the printed configuration equals the one that was read.
func TestEveryKeyIsReadAndSurvivesPrinting(t *testing.T) {
	usual, err := Parse("usual.yml", []byte(oneOfEach))
	if err != nil {
		t.Fatal(err)
	}
	everyKey(t, func(t *testing.T, l leaf) {
		differs := false
		for _, value := range l.values() {
			text, _ := written(t, l.path, value)
			c, err := Parse("x.yml", []byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			differs = differs || !cmp.Equal(usual, c, sameConfig)
			survivesPrinting(t, c)
		}
		if !differs {
			t.Errorf("none of %v makes a difference", l.values())
		}
	})
}

// survivesPrinting checks that a configuration equals what is read from its text.
func survivesPrinting(t *testing.T, c *Config) {
	t.Helper()
	again, err := Parse("again.yml", []byte(c.String()))
	if err != nil {
		t.Fatalf("what is printed is not accepted: %v\n%s", err, c)
	}
	if d := cmp.Diff(c, again, sameConfig); d != "" {
		t.Errorf("printed and read again, it differs:\n%s\n%s", d, c)
	}
}

// TestWhatIsSwitchedOffAltogetherStaysOff prints settings that are all zero though their defaults
// are not.
func TestWhatIsSwitchedOffAltogetherStaysOff(t *testing.T) {
	off := map[string]any{"follow_redirects": false, "enable_http2": false}
	for _, server := range []string{"prometheus[0]", "grafana", "alertmanagers[0]", "recovery_webhooks[0]"} {
		text, _ := written(t, server+".http_config", off)
		c, err := Parse("x.yml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		survivesPrinting(t, c)
	}
}

// TestAMistakeInAnyKeyIsNamed writes each key with values of the wrong type: there is one mistake,
// with the file, the line, the key, the value if it is a single one, and what to write.
func TestAMistakeInAnyKeyIsNamed(t *testing.T) {
	everyKey(t, func(t *testing.T, l leaf) {
		wrong := []any{map[string]any{"zz": 1}}
		switch l.typ.Kind() {
		case reflect.Int, reflect.Int64:
			wrong = append(wrong, "many", 1.5)
		case reflect.Bool, reflect.Float64:
			wrong = append(wrong, "many")
		case reflect.Map:
			wrong = []any{[]any{1}} // a mapping would be right
		}
		for _, value := range wrong {
			text, line := written(t, l.path, value)
			_, err := Parse("dir/x.yml", []byte(text))
			mistakes, _ := err.(Errors)
			if len(mistakes) != 1 {
				t.Fatalf("%v: %d mistakes: %v\n%s", value, len(mistakes), err, text)
			}
			m := mistakes[0]
			if m.File != "dir/x.yml" || m.Line != line || !strings.HasPrefix(m.What, l.path+" ") || m.Hint == "" {
				t.Errorf("line %d, %v: %s", line, value, m)
			}
			if kind := reflect.TypeOf(value).Kind(); kind != reflect.Map && kind != reflect.Slice && !strings.Contains(m.What, fmt.Sprint(value)) {
				t.Errorf("%v is not told: %s", value, m)
			}
		}
	})
}

// TestAnUnknownKeyIsNamedWhereverItStands adds an unknown key beside each.
func TestAnUnknownKeyIsNamedWhereverItStands(t *testing.T) {
	everyKey(t, func(t *testing.T, l leaf) {
		slip := l.path + "_"
		text, line := written(t, slip, 1)
		_, err := Parse("x.yml", []byte(text))
		want := fmt.Sprintf("x.yml:%d: %s is not a setting (did you mean %q?)", line, slip, lastKey(l.path))
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
}
