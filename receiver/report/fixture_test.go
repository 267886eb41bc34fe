// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

var start = time.Date(2026, 3, 14, 3, 4, 0, 0, time.UTC)

func payV2() analysis.Finding {
	return analysis.Finding{
		Rank: 1, Kind: analysis.KindLabels, Labels: []map[string]string{{"version": "v2", "path": "/pay"}},
		Name: "path=/pay, version=v2", Share: 0.82, Confidence: analysis.High,
		Evidence: analysis.Evidence{Forecast: new(1.1), Actual: new(32.2)},
	}
}

func dbConnections() analysis.Finding {
	name := `db connections{pod="cart-db-0"}`
	return analysis.Finding{
		Rank: 2, Kind: analysis.KindSeries, Series: name, Name: name, Share: 0.61, Confidence: analysis.High,
		Evidence: analysis.Evidence{Before: new(15.2), After: new(196.0)},
	}
}

func with(f analysis.Finding, change func(*analysis.Finding)) analysis.Finding {
	change(&f)
	return f
}

func input(verdict analysis.Verdict, causes ...analysis.Finding) Input {
	return Input{
		Alert: Alert{
			Labels:   model.LabelSet{"alertname": "CheckoutErrors", "service": "checkout"},
			StartsAt: start, Fingerprint: "5ef77f1f8a3ecf8d",
		},
		Rule:  "checkout errors",
		Onset: start.Add(-2 * time.Minute),
		Plan: Plan{Queries: []Query{
			{Role: RoleTarget, Name: "checkout errors", Query: `sum(rate(http_requests_total{code=~"5.."}[2m]))`},
			{Role: RoleBreakdown, Name: "checkout errors", Query: `sum by (path) (rate(http_requests_total{code=~"5.."}[2m]))`},
		}},
		Result: analysis.Result{
			Verdict: verdict, Causes: causes,
			Change: &analysis.Change{Target: "checkout errors", Forecast: 3.1, Actual: 41, Rising: true},
		},
		Base: "https://culprit.example.org/",
		Now:  start.Add(time.Second),
	}
}
