// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"net/url"
	"testing"

	prompromql "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/template"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
)

// TestTheAnnotationsOfTheRulesAreRight checks them as culprit does, has Prometheus expand them, and
// compares the rule file with the Kubernetes object.
func TestTheAnnotationsOfTheRulesAreRight(t *testing.T) {
	annotated := 0
	var said []string
	for _, file := range append(glob(t, "rules/prometheus/*.yml", "docker-compose/alerts.yml"), "kube-prometheus-stack/prometheusrule.yaml") {
		rules, mistakes := promql.CheckRuleFile(file, []byte(read(t, file)))
		if len(mistakes) > 0 {
			t.Error(mistakes)
		}
		for _, r := range rules {
			if !r.ForCulprit() {
				continue
			}
			annotated++
			said = append(said, r.Annotations["culprit_candidates"].Text)
			for name, text := range r.Annotations {
				expandsInPrometheus(t, name, text.Text)
			}
		}
	}
	if annotated != 2 || said[0] != said[1] {
		t.Errorf("%d rules speak to culprit: %q", annotated, said)
	}
}

// expandsInPrometheus expands a text as Prometheus does before it sends an alert.
func expandsInPrometheus(t *testing.T, name, text string) {
	t.Helper()
	const defs = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
	data := template.AlertTemplateData(map[string]string{"service": "checkout"}, nil, "", prompromql.Sample{F: 1})
	if _, err := template.NewTemplateExpander(t.Context(), defs+text, name, data, 0, nil, &url.URL{}, nil).Expand(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// Prometheus knows everything that an annotation may use.
func TestWhatAnAnnotationMayUsePrometheusKnows(t *testing.T) {
	const all = `m{a="{{ $labels.service | toUpper | toLower }}",b="{{ reReplaceAll "c" "d" .Labels.service }}",c="{{ or $labels.none $labels.service }}"}` +
		`{{ if and (eq .Labels.service "checkout") (not (ne $labels.none "")) }} > 0{{ else }} < 0{{ end }}`
	rule, mistakes := promql.FromAnnotations(map[string]string{config.AnnotationCandidates: all})
	if len(rule.Candidates) != 1 {
		t.Error(mistakes)
	}
	expandsInPrometheus(t, config.AnnotationCandidates, all)
}
