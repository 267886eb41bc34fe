// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
)

func TestWhatIsGeneratedIsCurrent(t *testing.T) {
	files, err := Files("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the types say (%v): run go generate ./config/schema", name, err)
		}
	}
}

// load reads a schema of the repository as a program of somebody else would.
func load(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheExamplesFitTheirSchema(t *testing.T) {
	names := map[string]string{
		"../../examples/*/culprit.yml":         "culprit.schema.json",
		"../../examples/demo/play/culprit.yml": "culprit.schema.json",
		"../../examples/storm/storm.yml":       "culprit.schema.json",
		"../../examples/rules/*.yml":           "rules.schema.json",
	}
	seen := 0
	for glob, name := range names {
		s := load(t, name)
		files, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			seen++
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := check(s, s, parse(t, string(text))); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			if !strings.HasPrefix(first, "# yaml-language-server: $schema=https://") || !strings.HasSuffix(first, "/examples/"+name) {
				t.Errorf("%s begins with %q, which doesn't name %s", file, first, name)
			}
		}
	}
	if seen < 5 {
		t.Errorf("only %d examples were found", seen)
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

const start = "prometheus: {url: 'http://p:9090'}\n"

// TestTheSchemaAgreesWithTheChecks compares the schema with what the
// configuration says.
func TestTheSchemaAgreesWithTheChecks(t *testing.T) {
	s := load(t, "culprit.schema.json")
	rule := func(text string) string {
		return start + "rules: [{name: a, matchers: ['a=b'], " + text + "}]"
	}
	for _, text := range []string{
		start, "", "prometheus: {}", "prometheus: {url: 'ftp://p'}", start + "rulez: []", start + "rules: 3", start + "rules: [{name: a}]",
		"prometheus: {url: 'http://p', query_timeout: 10}", "prometheus: {url: 'http://p', query_timeout: 1m30s}",
		"prometheus: {url: 'http://p', max_series: many}", "prometheus: {url: 'http://p', http_config: {basic_auth: {user: a}}}",
		"prometheus: {url: 'http://p', http_config: {http_headers: {X-Scope-OrgID: {values: [a]}}}}",
		"prometheus: {url: 'http://p', http_config: {tls_config: {min_version: TLS99}}}",
		"prometheus: [{name: a, url: 'http://p', matchers: ['a=b'], headers: {X-Scope-OrgID: a}}, {name: b, url: 'http://p'}]",
		"prometheus: [{name: a, url: 'http://p', headers: {X-Scope-OrgID: [a]}}]", "prometheus: [http://p]", "prometheus: http://p", "prometheus: [{name: a}]",
		start + "recovery_webhooks: [{url: 'http://a', min_confidence: some}]", start + "publish: {silence_comments: {create_note: 1}}",
		rule("target: {query: up}"), rule("target: {querry: up}"), rule("candidates: [{name: a}]"), rule("window: {incident: soon}"),
		rule("topology: {edges: [[a, b]]}"), rule("topology: {edges: [a, b]}"), rule("analysis: {labels: {deep: yes please}}"),
	} {
		_, err := config.Parse("test", []byte(text))
		if problem := check(s, s, parse(t, text)); (err == nil) != (problem == nil) {
			t.Errorf("%s\nthe configuration says %v\nthe schema says %v", text, err, problem)
		}
	}
}

// TestTheWordsAreThoseOfTheChecks tries each word of an enumeration, and one
// that is none, where the configuration reads it.
func TestTheWordsAreThoseOfTheChecks(t *testing.T) {
	const rule = start + "rules: [{name: a, matchers: ['a=b'], %s: {%s: %s}}]"
	texts := map[string]string{
		"Target.kind":                fmt.Sprintf(rule, "target", "query: up, kind", "%s"),
		"Candidate.kind":             start + "rules: [{name: a, matchers: ['a=b'], candidates: [{name: a, query: up, kind: %s}]}]",
		"Candidate.scale":            start + "rules: [{name: a, matchers: ['a=b'], candidates: [{name: a, query: up, scale: %s}]}]",
		"Tracing.client_type":        start + "tracing: {endpoint: 't:4318', client_type: %s}",
		"Tracing.compression":        start + "tracing: {endpoint: 't:4318', compression: %s}",
		"LabelOptions.mode":          fmt.Sprintf(rule, "analysis", "labels", "{mode: %s}"),
		"SeriesOptions.method":       fmt.Sprintf(rule, "analysis", "series", "{method: %s}"),
		"SeriesOptions.preset":       fmt.Sprintf(rule, "analysis", "series", "{preset: %s}"),
		"SeriesOptions.candidate_ad": fmt.Sprintf(rule, "analysis", "series", "{candidate_ad: %s}"),
		"SeriesOptions.transform":    fmt.Sprintf(rule, "analysis", "series", "{transform: %s}"),
	}
	for key, words := range enums() {
		text, ok := texts[key]
		if !ok {
			t.Errorf("no text to try %s in", key)
			continue
		}
		for _, w := range append(slices.Clone(words), "'off'", "nonsense") {
			_, err := config.Parse("test", []byte(fmt.Sprintf(text, "'"+strings.Trim(w, "'")+"'")))
			if known := slices.Contains(words, strings.Trim(w, "'")); known != (err == nil) {
				t.Errorf("%s: %s: %v", key, w, err)
			}
		}
	}
}

// check validates a value, as far as these schemas go.
func check(root, s map[string]any, v any) error {
	if ref, ok := s["$ref"].(string); ok {
		definitions := root["definitions"].(map[string]any)
		return check(root, definitions[strings.TrimPrefix(ref, "#/definitions/")].(map[string]any), v)
	}
	if kinds, ok := s["anyOf"].([]any); ok {
		var errs []error
		for _, kind := range kinds {
			err := check(root, kind.(map[string]any), v)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
	if typ, ok := s["type"].(string); ok && !isOf(typ, v) {
		return fmt.Errorf("%v is no %s", v, typ)
	}
	if words, ok := s["enum"].([]any); ok && !slices.Contains(words, v) {
		return fmt.Errorf("%v is none of %v", v, words)
	}
	if pattern, ok := s["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v.(string)) {
		return fmt.Errorf("%v doesn't match %s", v, pattern)
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := check(root, s["items"].(map[string]any), e); err != nil {
				return err
			}
		}
	case map[string]any:
		return checkObject(root, s, v)
	}
	return nil
}

func checkObject(root, s map[string]any, v map[string]any) error {
	required, _ := s["required"].([]any)
	for _, key := range required {
		if _, ok := v[key.(string)]; !ok {
			return fmt.Errorf("%v is missing", key)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for key, value := range v {
		sub, ok := properties[key].(map[string]any)
		if !ok {
			sub, ok = s["additionalProperties"].(map[string]any)
		}
		if !ok {
			return fmt.Errorf("%s is unknown", key)
		}
		if err := check(root, sub, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func isOf(typ string, v any) bool {
	kinds := map[string][]reflect.Kind{
		"object": {reflect.Map}, "array": {reflect.Slice}, "string": {reflect.String}, "boolean": {reflect.Bool},
		"integer": {reflect.Int}, "number": {reflect.Int, reflect.Float64},
	}
	return v != nil && slices.Contains(kinds[typ], reflect.TypeOf(v).Kind())
}
