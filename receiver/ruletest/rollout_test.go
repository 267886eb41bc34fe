// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/report/reporttest"
)

// rolledOut is a shop whose version v1 is replaced by v2: either just as errors begin, all on v2;
// or some minutes before the path /pay fails on any version. One request in fifty always fails.
func rolledOut(seed uint64, guilty bool) incident {
	const onset = incidentAt + 2
	w := incident{rng: rand.New(rand.NewPCG(seed, 8))}
	w.Name, w.Interval = "a rollout", Duration(30*time.Second)
	w.Alerts = []Alert{{
		Labels: model.LabelSet{"alertname": "Broken", "job": "shop"}, Verdict: "any",
		Expr:  `sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m])) > 0`,
		Onset: Duration(onset * time.Minute), At: Duration((onset + 8) * time.Minute),
	}}
	begin := 2 * incidentAt
	if !guilty {
		begin -= []int{12, 50}[w.rng.IntN(2)]
	}
	failing := .02 * []float64{4, 10, 20}[w.rng.IntN(3)]
	for p, path := range []string{"/cart", "/pay", "/search"} {
		for _, version := range []string{"v1", "v2"} {
			labels, now := fmt.Sprintf(`{job="shop",path=%q,version=%q}`, path, version), .02
			if guilty || path == "/pay" {
				now = failing
			}
			w.version(labels, begin, 300*float64(p+1), now)
		}
	}
	return w
}

// version counts the requests and errors of v1 until a step, and those of v2 from then on; now is
// the error ratio during the incident.
func (w *incident) version(labels string, begin int, traffic, now float64) {
	var requests, errors strings.Builder
	var sum, failed float64
	for i := range 2*incidentAt + 60 {
		if strings.Contains(labels, "v1") == (i >= begin) {
			requests.WriteString(" _")
			errors.WriteString(" _")
			continue
		}
		share := .02
		if i >= 2*incidentAt {
			share = now
		}
		came := w.draw(i, traffic, traffic) / 2
		sum, failed = sum+came, failed+came*share
		fmt.Fprintf(&requests, " %g", sum)
		fmt.Fprintf(&errors, " %g", failed)
	}
	w.InputSeries = append(w.InputSeries,
		InputSeries{Series: "requests_total" + labels, Values: requests.String()}, InputSeries{Series: "errors_total" + labels, Values: errors.String()})
}

// A rollout that brought the errors is named, and one that merely coincided is not.
func TestAGuiltyRolloutIsNamedAndAnInnocentOneIsNot(t *testing.T) {
	for seed := range uint64(6) {
		for _, guilty := range []bool{true, false} {
			for _, o := range rolledOut(seed, guilty).outcomes(t) {
				reporttest.OnePage(t, o.Report)
				if named := map[bool]string{true: "v2", false: "path=/pay"}[guilty]; !strings.Contains(o.Summary, named) {
					t.Errorf("guilty %v, and not %s: %s", guilty, named, o.Summary)
				}
				for _, f := range o.Result.Causes {
					if !guilty && report.Confident(f) && f.Kind == analysis.KindLabels && f.Labels[0]["version"] != "" {
						t.Errorf("innocent, and a cause: %s", f.Sentence)
					}
				}
			}
		}
	}
}
