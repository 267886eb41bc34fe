// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"fmt"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Limits of an answer about one alert, in bytes of JSON.
const (
	maxLine   = 400
	maxLabels = 600
	maxCauses = 1100
	maxDoubts = 300
	maxURL    = 200
	mostTold  = 5 // causes
)

// answer is the answer about one alert.
type answer struct {
	Line       string            `json:"line" jsonschema:"the whole answer in one sentence"`
	Verdict    string            `json:"verdict" jsonschema:"explained, external (everything moved alike), no_confident_cause, no_change or insufficient_evidence"`
	Confidence string            `json:"confidence" jsonschema:"of the first cause: high, medium or low; none where no cause is given"`
	Guess      bool              `json:"guess" jsonschema:"no cause reaches the threshold of its method; what is given is a guess"`
	Causes     []cause           `json:"causes" jsonschema:"the most likely first"`
	Withheld   int               `json:"withheld,omitempty" jsonschema:"candidates that are left out because they don't reach the threshold of their method"`
	Labels     map[string]string `json:"labels" jsonschema:"of the alert; long values are cut"`
	LabelsLeft int               `json:"labelsLeft,omitempty" jsonschema:"number of labels left out for lack of room"`
	Status     string            `json:"status" jsonschema:"complete, partial (some queries failed) or failed"`
	Doubts     []string          `json:"doubts,omitempty" jsonschema:"what was missing or is uncertain; only the first few"`
	Firing     bool              `json:"firing"`
	StartsAt   string            `json:"startsAt"`
	Onset      string            `json:"onset" jsonschema:"when the anomaly began"`

	Fingerprint string `json:"fingerprint,omitempty"`
	ID          string `json:"id,omitempty" jsonschema:"of the report; empty: none is stored"`
	URL         string `json:"url,omitempty" jsonschema:"the page of the report, with all evidence"`
	IncidentURL string `json:"incidentURL,omitempty" jsonschema:"the page of the incident that the alert belongs to"`
}

// cause is one cause of an alert.
type cause struct {
	Text       string  `json:"text"`
	Kind       string  `json:"kind" jsonschema:"labels: where; series: why; change: what was done before"`
	Confidence string  `json:"confidence" jsonschema:"high, medium or low"`
	Share      float64 `json:"share,omitempty" jsonschema:"of the change of what is measured, from 0 to 1; 0: not known"`
	Guess      bool    `json:"guess"`
}

// told makes the answer from a report.
func (s *server) told(r report.Report) answer {
	a := answer{
		Line: short(r.Line(), maxLine), Verdict: string(r.Result.Verdict), Causes: []cause{}, Status: string(r.Status),
		Firing: r.Open(), StartsAt: stamp(r.Alert.StartsAt), Onset: stamp(r.Onset), Fingerprint: r.Alert.Fingerprint,
	}
	a.Labels, a.LabelsLeft = shortLabels(r.Alert.Labels, maxLabels)
	named := r.Named()
	a.Confidence, a.Guess = trust(named)
	for _, f := range named[:min(len(named), mostTold)] {
		a.Causes = append(a.Causes, cause{
			Text: short(r.Describe(f), maxLine), Kind: f.Kind, Confidence: f.Confidence.String(),
			Share: float64(int(1000*min(max(f.Share, 0), 1))) / 1000, Guess: !report.Confident(f),
		})
	}
	a.Causes = fitting(a.Causes, maxCauses)
	a.Withheld = len(r.Result.Causes) - len(named)
	a.Doubts = doubts(r.Result.Warnings)
	return a
}

// trust is the confidence of the first named cause.
func trust(named []analysis.Finding) (confidence string, guess bool) {
	if len(named) == 0 {
		return "none", false
	}
	return named[0].Confidence.String(), !report.Confident(named[0])
}

// stored is the answer for a stored report.
func (s *server) stored(r report.Report) answer {
	a := s.told(r)
	a.ID, a.URL, a.IncidentURL = r.ID, s.page("reports", r.ID), s.page("incidents", r.Incident)
	return a
}

// linked adds a link to the alert's report, if there is one.
func (s *server) linked(ctx context.Context, a answer) answer {
	if !report.ValidFingerprint(a.Fingerprint) {
		return a
	}
	if r, err := s.Reports.Latest(ctx, a.Fingerprint); err == nil {
		a.ID, a.URL, a.IncidentURL = r.ID, s.page("reports", r.ID), s.page("incidents", r.Incident)
	}
	return a
}

func doubts(all []analysis.Warning) []string {
	var list []string
	for _, w := range all[:min(len(all), mostTold)] {
		list = append(list, short(w.Text, maxDoubts/2))
	}
	return fitting(list, maxDoubts)
}

// text is the answer as one line.
func (a answer) text() string {
	how := a.Confidence + " confidence"
	switch {
	case a.Guess:
		how = "only a guess"
	case a.Confidence == "none":
		how = "no cause named"
	}
	text := fmt.Sprintf("%s (%s, %s)", a.Line, a.Verdict, how)
	if a.URL != "" {
		text += " " + a.URL
	}
	return short(text, maxLine+maxURL)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
