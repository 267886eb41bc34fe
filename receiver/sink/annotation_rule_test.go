// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// A rule's annotations for culprit stay on its alert, whatever culprit writes and erases.
func TestAnnotationsOfTheRuleStayOnTheAlert(t *testing.T) {
	have := model.LabelSet{"summary": "s", AnnotationSummary: "old", AnnotationIncident: "old"}
	want := model.LabelSet{"summary": "s", AnnotationSummary: "new"}
	for _, name := range config.RuleAnnotations() {
		have[model.LabelName(name)], want[model.LabelName(name)] = "of the rule", "of the rule"
	}
	if d := cmp.Diff(want, annotated(have, model.LabelSet{AnnotationSummary: "new"})); d != "" {
		t.Error(d)
	}
	for _, name := range ours() {
		if !config.WrittenByCulprit(string(name)) {
			t.Errorf("%s is read from rules, and written", name)
		}
	}
}
