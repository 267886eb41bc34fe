// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

// partOfShop explains a part of the KPI of a shop's alert.
func partOfShop(t *testing.T, expr string, rule *config.Rule, parts ...report.Part) report.Report {
	t.Helper()
	s := promtest.New(t, shop(40, 1)+"errors:rate2m 0.4x340 4.3x20\nwatching 1x360\n")
	s.PutRules(promtest.Rule{Record: "errors:rate2m", Query: `sum(rate(requests_total{code="500"}[2m]))`})
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0).UTC() }
	return Report(t.Context(), fetcherOf(t, s, config.Prometheus{}), Question{
		Alert: report.Alert{
			Labels: model.LabelSet{"alertname": "Errors"}, StartsAt: at(shopOnset + 3),
			GeneratorURL: "http://p/graph?" + url.Values{"g0.expr": {expr}}.Encode(),
		},
		Rule: rule, Onset: at(shopOnset + 1), Now: at(shopMinutes - 1), Part: parts,
	})
}

func TestAPartOfAKPIIsLookedAtByItself(t *testing.T) {
	pay := report.Part{Label: "path", Value: "/pay"}
	others := pay
	others.Without = true
	own := &config.Rule{Name: "errors", Target: &config.Target{Query: `sum(rate(requests_total{code="500"}[2m])) / sum(rate(requests_total[2m]))`}}
	for _, c := range []struct {
		name, expr string
		rule       *config.Rule
		part       report.Part
		moved      bool
		from, to   float64
	}{
		{"only", `sum(rate(requests_total{code="500"}[2m])) > 0.5`, &config.Rule{}, pay, true, 0.1, 4},
		{"without", `sum(rate(requests_total{code="500"}[2m])) > 0.5`, &config.Rule{}, others, false, 0.3, 0.3},
		{"of a ratio by a rule", "", own, pay, true, 0.01, 0.287},
		{"of what is joined with one for all", `sum(rate(requests_total{code="500"}[2m]) and on () (watching == 1)) > 0.5`, &config.Rule{}, pay, true, 0.1, 4},
		{"of what a rule has recorded", `errors:rate2m > 0.5`, &config.Rule{}, others, false, 0.3, 0.3},
	} {
		r := partOfShop(t, c.expr, c.rule, c.part)
		change := r.Result.Change
		if change == nil {
			t.Errorf("%s: %s %v", c.name, r.Summary, r.Result.Warnings)
			continue
		}
		if (r.Result.Verdict != analysis.NoChange) != c.moved || math.Abs(change.Forecast-c.from) > 0.1*c.from || math.Abs(change.Actual-c.to) > 0.1*c.to {
			t.Errorf("%s: %s, %g → %g", c.name, r.Summary, change.Forecast, change.Actual)
		}
		if r.Limit != nil {
			t.Errorf("%s: a part is compared with the threshold of the whole", c.name)
		}
		if !strings.Contains(r.Plan.Queries[0].Query, `path`) {
			t.Errorf("%s: what was asked is not shown: %s", c.name, r.Plan.Queries[0].Query)
		}
	}
}

func TestAPartThatPromQLCannotWriteIsNotAsked(t *testing.T) {
	r := partOfShop(t, `sum(rate(requests_total{code="500"}[2m])) > 0.5`, &config.Rule{}, report.Part{Label: "path", Value: "\uFFFD"})
	if r.Status != report.Failed || len(r.Result.Warnings) == 0 {
		t.Errorf("%s %v", r.Summary, r.Result.Warnings)
	}
}
