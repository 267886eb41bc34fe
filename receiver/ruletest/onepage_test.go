// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report/reporttest"
)

// Reports of all kinds of incidents, made by the pipeline from Prometheus' engine, never contradict
// themselves.
func TestReportsHaveOneTruth(t *testing.T) {
	const each = 5
	for seed := range uint64(each) {
		for _, kind := range []string{"sum", "gauge", "ratio", "mean", "by path", "quantile"} {
			t.Run(fmt.Sprintf("%s %d", kind, seed), func(t *testing.T) {
				for _, o := range drawn(t, kind, seed).outcomes(t) {
					reporttest.OnePage(t, o.Report)
				}
			})
		}
	}
}

const incidentAt = 190 // minutes since the first sample

// incident is a random rule test: three paths in two zones, of which one or all fail, and three
// other series.
type incident struct {
	Test
	rng *rand.Rand
}

func drawn(t *testing.T, kind string, seed uint64) incident {
	t.Helper()
	w := incident{rng: rand.New(rand.NewPCG(seed, uint64(len(kind))))}
	at := incidentAt + 1 + w.rng.IntN(3)
	w.Name, w.Interval = kind, Duration(30*time.Second)
	w.Alerts = []Alert{{
		Labels: model.LabelSet{"alertname": "Broken", "job": "shop"}, Expr: exprOf(kind), Verdict: "any",
		Onset: Duration(time.Duration(at) * time.Minute), At: Duration(time.Duration(at+2+w.rng.IntN(20)) * time.Minute),
	}}
	if kind == "by path" {
		w.Alerts[0].Labels["path"] = "/a"
	}
	factor, all, zone := []float64{0, .3, 3, 10}[w.rng.IntN(4)], w.rng.IntN(4) == 0, w.rng.IntN(3)
	for p, path := range []string{"/a", "/b", "/c"} {
		for z, name := range []string{"x", "y"} {
			hit := all || p == 0 && (zone > 1 || z == zone)
			labels := fmt.Sprintf(`{job="shop",path=%q,zone=%q,instance="i%d"`, path, name, z)
			traffic, errors := 100*float64(p+1), 4*float64(p+1)
			if hit && kind == "sum" {
				w.counter("requests_total"+labels+"}", traffic, traffic*factor)
			} else {
				w.counter("requests_total"+labels+"}", traffic, traffic)
			}
			now := errors
			if hit {
				now = errors * max(factor, .1)
			}
			w.counter("errors_total"+labels+"}", errors, now)
			w.counter("seconds_sum"+labels+"}", errors, now)
			w.counter("seconds_bucket"+labels+`,le="0.5"}`, traffic-errors, traffic-min(now, traffic))
			w.counter("seconds_bucket"+labels+`,le="+Inf"}`, traffic, traffic)
			w.gauge("queue_length"+labels+"}", traffic, traffic+30*(now-errors))
		}
	}
	for i, name := range []string{"process_cpu", "process_memory", "process_files"} {
		w.gauge(fmt.Sprintf(`%s{job="shop",instance="i%d"}`, name, i%2), 50, 50+float64(w.rng.IntN(3))*40)
	}
	return w
}

func exprOf(kind string) string {
	return map[string]string{
		"sum":      `sum by (job) (rate(requests_total[5m])) > 0`,
		"gauge":    `sum by (job) (queue_length) > 0`,
		"ratio":    `100 * sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m])) > 0`,
		"mean":     `sum by (job) (rate(seconds_sum[2m])) / sum by (job) (rate(requests_total[2m])) > 0`,
		"by path":  `sum by (job, path) (rate(errors_total[2m])) > 0`,
		"quantile": `histogram_quantile(0.99, sum by (le, job) (rate(seconds_bucket[5m]))) > 0.5`,
	}[kind]
}

// draw is a random value around a level, before and during the incident.
func (w *incident) draw(step int, before, now float64) float64 {
	if step >= 2*incidentAt {
		before = now
	}
	return max(0, before*(1+.05*w.rng.NormFloat64()))
}

func (w *incident) gauge(series string, before, now float64) {
	var values strings.Builder
	for i := range 2 * (incidentAt + 30) {
		fmt.Fprintf(&values, " %g", w.draw(i, before, now))
	}
	w.InputSeries = append(w.InputSeries, InputSeries{Series: series, Values: values.String()})
}

// counter counts events at a rate per minute.
func (w *incident) counter(series string, before, now float64) {
	var values strings.Builder
	total := 0.0
	for i := range 2 * (incidentAt + 30) {
		total += w.draw(i, before, now) / 2
		fmt.Fprintf(&values, " %g", total)
	}
	w.InputSeries = append(w.InputSeries, InputSeries{Series: series, Values: values.String()})
}

func (w incident) outcomes(t *testing.T) []Outcome {
	t.Helper()
	dir := t.TempDir()
	rules := filepath.Join(dir, "rules.yml")
	text := `rules:
  - name: any
    matchers: ['alertname="Broken"']
    candidates:
      - {name: cpu, query: process_cpu}
      - {name: memory, query: process_memory}
      - {name: files, query: process_files}
`
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := File{RuleFiles: []string{rules}, Tests: []Test{w.Test}}
	outcomes, err := f.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}
