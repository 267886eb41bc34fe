// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

const shopMinutes, shopOnset = 180, 170

// shop has 4 paths with 10 requests a second each, 1 % of which fail. From the onset on that is
// multiplied by pay on /pay, and by others elsewhere.
func shop(pay, others float64) string {
	rng := rand.New(rand.NewPCG(7, 24))
	var b strings.Builder
	b.WriteString("load 30s\n")
	for _, path := range []string{"/", "/cart", "/pay", "/search"} {
		failed := func(broken bool) float64 {
			switch {
			case !broken:
				return 0.1
			case path == "/pay":
				return 0.1 * pay
			default:
				return 0.1 * others
			}
		}
		fmt.Fprintf(&b, "requests_total{path=%q,code=\"500\"}", path)
		total := 0.0
		for i := range 2 * shopMinutes {
			total += 30 * failed(i > 2*shopOnset) * (1 + 0.02*rng.NormFloat64())
			fmt.Fprintf(&b, " %.6f", total)
		}
		fmt.Fprintf(&b, "\nrequests_total{path=%q,code=\"200\"} 0+297x%d\n", path, 2*shopMinutes)
	}
	return b.String()
}

// explainShop explains an alert by its expression.
func explainShop(t *testing.T, load, expr string) report.Report {
	t.Helper()
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0).UTC() }
	return Report(t.Context(), fetcherOf(t, promtest.New(t, load), config.Prometheus{}), Question{
		Alert: report.Alert{
			Labels: model.LabelSet{"alertname": "Errors"}, StartsAt: at(shopOnset + 3),
			GeneratorURL: "http://p/graph?" + url.Values{"g0.expr": {expr}}.Encode(),
		},
		Rule: &config.Rule{}, Onset: at(shopOnset + 1), Now: at(shopMinutes - 1),
	})
}

func TestTheKPIIsRedrawnWithoutItsCulprit(t *testing.T) {
	for _, c := range []struct {
		name, expr          string
		pay, others         float64
		before, rest, whole float64 // of the last step
		within              float64
		says                string
		beside              bool
	}{
		{
			"a rate", `sum(rate(requests_total{code="500"}[2m])) > 0.5`, 40, 1, 0.3, 0.3, 4.3, 0.02,
			"Without path=/pay it would be flat: 0.3/s before, 0.3", false,
		},
		{
			"a rate of which the rest moved, too", `sum(rate(requests_total{code="500"}[2m])) > 0.5`, 400, 20, 0.3, 6, 46, 0.5,
			"Without path=/pay it would go from 0.3/s to ", false,
		},
		{
			"a ratio in percent", `100 * sum(rate(requests_total{code="500"}[2m])) / sum(rate(requests_total[2m])) > 5`, 40, 1, 1, 1, 10, 1,
			"Without path=/pay it would be flat: 1 % before, 1", false,
		},
		{
			"an increase", `sum(increase(requests_total{code="500"}[5m])) > 100`, 40, 1, 90, 90, 1290, 200,
			"Without path=/pay it would be flat: 90", false,
		},
	} {
		r := explainShop(t, shop(c.pay, c.others), c.expr)
		w := r.Without
		if w == nil {
			t.Errorf("%s: nothing is redrawn: %s, %v", c.name, r.Summary, r.Result.Warnings)
			continue
		}
		now := w.Now()
		if math.Abs(w.Before-c.before) > c.within || math.Abs(now.Rest-c.rest) > c.within || math.Abs(now.Whole-c.whole) > c.within*5 || w.Beside != c.beside {
			t.Errorf("%s: %g before, %+v now", c.name, w.Before, now)
		}
		if got := r.SayWithout(); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s: %q", c.name, got)
		}
		if n := len(w.Steps); n != 25 || w.Steps[n-2].To > now.From || w.Steps[0].To-w.Steps[0].From != 300 {
			t.Errorf("%s: %d steps, the last of them %+v", c.name, n, w.Steps[n-2:])
		}
	}
}

func TestNothingIsRedrawnWithoutAPlace(t *testing.T) {
	const expr = `sum(rate(requests_total{code="500"}[2m])) > 0.5`
	if r := explainShop(t, shop(20, 20), expr); r.Without != nil {
		t.Errorf("%s: %s", r.Summary, r.SayWithout())
	}
}
