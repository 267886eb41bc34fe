// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

func TestMistakesOfAnnotationsAreLoggedOnce(t *testing.T) {
	var b bytes.Buffer
	log, m := slog.New(slog.NewTextHandler(&b, nil)), &mistaken{}
	wrong := []analysis.Warning{{Source: promql.SourceAnnotations, Text: "one"}, {Source: "other", Text: "none"}}
	for range 3 {
		m.tell(log, "A", wrong)
	}
	m.tell(log, "B", wrong)
	m.tell(log, "A", append(wrong, analysis.Warning{Source: promql.SourceAnnotations, Text: "two"}))
	if text := b.String(); strings.Count(text, "\n") != 3 || strings.Count(text, "alert=A err=one") != 1 || !strings.Contains(text, "alert=B err=one") || !strings.Contains(text, "alert=A err=two") {
		t.Error(text)
	}
}

// An alert read from Alertmanager loses culprit's own annotations, and nothing else.
func TestCulpritsOwnAnnotationsAreStripped(t *testing.T) {
	a := alertmanager.Alert{Annotations: model.LabelSet{"culprit_summary": "s", "culprit_causes": "c", "culprit_of_old": "o", "summary": "x"}}
	want := model.LabelSet{"summary": "x"}
	for _, name := range config.RuleAnnotations() {
		a.Annotations[model.LabelName(name)], want[model.LabelName(name)] = "of the rule", "of the rule"
	}
	if d := cmp.Diff(want, stripped(a).Annotations); d != "" {
		t.Error(d)
	}
}
