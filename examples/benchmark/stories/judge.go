// SPDX-License-Identifier: Apache-2.0

package stories

import (
	"context"
	"fmt"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Outcome is culprit's answer to a story.
type Outcome struct {
	Story    Story
	Line     string
	First    bool // what was done comes first
	Sure     bool // and with confidence
	Innocent bool // an unrelated change is named with confidence
	None     bool // the report says that no change was found
	Causes   []string
}

// Right reports whether the answer is right.
func (o Outcome) Right() bool {
	guilty := o.Story.Kind != Nothing && o.Story.Kind != Elsewhere
	return !o.Innocent && o.Sure == guilty && o.None == (o.Story.Kind == Nothing)
}

// Ask has culprit explain the story.
func (s Story) Ask(ctx context.Context) (Outcome, error) {
	cfg, err := config.Parse("stories", []byte(`prometheus: {url: "http://localhost"}`))
	if err != nil {
		return Outcome{}, err
	}
	outcomes, err := s.Test.Run(ctx, cfg)
	if err != nil {
		return Outcome{}, err
	}
	r := outcomes[0].Report
	o := Outcome{Story: s, Line: r.Summary, None: r.Result.Changes != nil && r.Result.Changes.Before == 0}
	for i, f := range r.Result.Causes {
		o.Causes = append(o.Causes, fmt.Sprintf("%s %s: %s (p %.3g)", f.Kind, f.Confidence, f.Sentence, f.Score))
		switch {
		case s.did(f):
			o.First = o.First || i == 0
			o.Sure = o.Sure || i == 0 && report.Confident(f)
		case f.Kind == analysis.KindChange && report.Confident(f):
			o.Innocent = true
		}
	}
	return o, nil
}

// did reports whether a cause is what was done.
func (s Story) did(f analysis.Finding) bool {
	if f.Kind != analysis.KindChange || s.Kind == Nothing || s.Kind == Elsewhere {
		return false
	}
	whose := f.Change.Labels["deployment"] == s.Service || f.Change.Labels["service"] == s.Service || strings.HasPrefix(f.Change.Labels["pod"], s.Service+"-")
	what := map[Kind]string{Release: "rolled out", Canary: "rolled out", Restart: "started", Flag: "flag new_pricing", ScaleDown: "scaled down", Reload: "configuration"}
	return whose && strings.Contains(f.Change.Title, what[s.Kind]) && strings.Contains(f.Sentence, s.Extent)
}
