// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/report"
)

// The incident: from minute 175 on, instance c fails and burns CPU.
const (
	fourMinutes = 181
	fourOnset   = 175
)

// fourInstances are four instances of a job, of which c breaks, and two of another job. The usage
// of the others wanders by a share; at .2 that hides the break of c in the sum.
func fourInstances(seed uint64, share float64) string {
	rng := rand.New(rand.NewPCG(seed, 11))
	var b strings.Builder
	b.WriteString("load 30s\n")
	counter := func(series string, rate func(broken bool) float64) {
		fmt.Fprintf(&b, "%s", series)
		total := 0.0
		for i := range 2 * fourMinutes {
			total += 30 * rate(i > 2*fourOnset)
			fmt.Fprintf(&b, " %.6f", total)
		}
		b.WriteString("\n")
	}
	add := func(job, instance string) {
		ls := fmt.Sprintf("{job=%q,instance=%q}", job, instance)
		places := fmt.Sprintf("{job=%q,instance=%q,path=%q}", job, instance, "/"+instance)
		at := func(calm, broken float64) func(bool) float64 {
			wander, noise := 0.0, share
			if instance == "c" {
				noise = 0.1
			}
			return func(now bool) float64 {
				wander = 0.3*wander + noise*rng.NormFloat64()
				if now && instance == "c" {
					return broken * (1 + 0.02*rng.NormFloat64())
				}
				return calm * (1 + 0.02*rng.NormFloat64() + wander)
			}
		}
		if job == "api" {
			counter("errors_total"+places, at(0.5, 12))
		}
		counter("process_cpu_seconds_total"+ls, at(0.4, 1.0))
		counter("process_network_bytes_total"+ls, at(4e5, 4e5))
	}
	for _, instance := range []string{"a", "b", "c", "d"} {
		add("api", instance)
	}
	add("db", "e")
	add("db", "f")
	return b.String()
}

func fourRule() *config.Rule {
	return &config.Rule{
		Name:      "errors",
		Target:    &config.Target{Name: "errors", Query: `sum(rate(errors_total[2m]))`},
		Breakdown: &config.Breakdown{Labels: []string{"instance"}},
		Candidates: []config.Candidate{
			{Name: "cpu", Query: `sum by (job) (rate(process_cpu_seconds_total[2m]))`},
			{Name: "network", Query: `sum by (job) (rate(process_network_bytes_total[2m]))`},
		},
	}
}

// fetcherOf asks a server of a test.
func fetcherOf(t *testing.T, s *promtest.Server, conf config.Prometheus) *promql.Fetcher {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	conf.URL = config.NewURL(u)
	f, err := promql.NewFetcher(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// explainFour explains the incident of four instances.
func explainFour(t *testing.T, s *promtest.Server, rule *config.Rule, conf config.Prometheus) report.Report {
	t.Helper()
	at := func(minute int) time.Time { return time.Unix(int64(60*minute), 0).UTC() }
	return Report(t.Context(), fetcherOf(t, s, conf), Question{
		Alert: report.Alert{Labels: model.LabelSet{"alertname": "Errors", "job": "api"}, StartsAt: at(fourOnset + 3)},
		Rule:  rule, Onset: at(fourOnset + 1), Now: at(fourMinutes - 1),
	})
}

// whys are the causes that are series.
func whys(r report.Report) []analysis.Finding {
	return slices.DeleteFunc(slices.Clone(r.Result.Causes), func(f analysis.Finding) bool { return f.Kind != analysis.KindSeries })
}

func TestWhichLabelNarrowsWhichSeries(t *testing.T) {
	for seed := range uint64(5) {
		r := explainFour(t, promtest.New(t, fourInstances(seed, .2)), fourRule(), config.Prometheus{})
		if r.Status != report.Complete || len(r.Result.Warnings) > 0 {
			t.Errorf("seed %d: %s %v", seed, r.Status, r.Result.Warnings)
		}
		why := whys(r)
		const name = `cpu{instance="c", job="api"}`
		if best := why[0]; best.Series != name || best.Confidence == analysis.Low || best.Evidence.Scope != `{instance="c"}` ||
			!strings.HasPrefix(best.Sentence, `inside instance="c": `+name+" rose ×2.") {
			t.Errorf("seed %d: why: %s %s", seed, best.Confidence, best.Sentence)
		}
		asked := report.Query{
			Role: report.RoleCandidate, Name: `cpu within {instance="c"}`,
			Query: `sum by (job) (rate(process_cpu_seconds_total{instance="c"}[2m]))`,
		}
		if !slices.Contains(r.Plan.Queries, asked) {
			t.Errorf("seed %d: the report shows %v", seed, r.Plan.Queries)
		}
		if r.Result.Fit.Series != 6 { // two of two jobs, and two inside
			t.Errorf("seed %d: %d series", seed, r.Result.Fit.Series)
		}
	}
}

func TestASeriesAndItsPartAreOneCause(t *testing.T) {
	for seed := range uint64(5) {
		r := explainFour(t, promtest.New(t, fourInstances(seed, .05)), fourRule(), config.Prometheus{})
		why := whys(r)
		if got := fmt.Sprint(why[0].Series, why[0].Evidence.Members); got != `cpu{instance="c", job="api"}[cpu{job="api"}]` {
			t.Errorf("seed %d: the first is %s", seed, got)
		}
		if len(why) != 4 || slices.ContainsFunc(why[1:], func(f analysis.Finding) bool {
			return strings.HasPrefix(f.Series, `cpu{`) && strings.Contains(f.Series, "api")
		}) {
			t.Errorf("seed %d: besides it there are %v", seed, why[1:])
		}
	}
}

func TestWithoutBudgetNothingIsAskedInside(t *testing.T) {
	s := promtest.New(t, fourInstances(0, .2))
	explainFour(t, s, fourRule(), config.Prometheus{})
	both := len(s.Requests())
	s = promtest.New(t, fourInstances(0, .2))
	// One request reads the rules, which is not a query.
	r := explainFour(t, s, fourRule(), config.Prometheus{MaxQueries: both - 3})
	if n := len(s.Requests()); n != both-2 {
		t.Errorf("%d requests", n)
	}
	if len(r.Result.Warnings) != 1 || !strings.Contains(r.Result.Warnings[0].Text,
		`hint: raise prometheus.max_queries, or name fewer candidates and labels; left out: cpu within {instance="c"}, network within {instance="c"}`) {
		t.Errorf("warnings %v", r.Result.Warnings)
	}
	if r.Result.Verdict != analysis.Explained {
		t.Errorf("verdict %s", r.Result.Verdict)
	}
	// In the sum of the job the same rise is less clear, which is why there is a second round.
	if best := whys(r)[0]; best.Series != `cpu{job="api"}` || best.Confidence == analysis.High || best.Evidence.Scope != "" {
		t.Errorf("%s %s", best.Confidence, best.Sentence)
	}
}

func TestALabelThatNoCandidateHasChangesNothing(t *testing.T) {
	rule := fourRule()
	rule.Breakdown.Labels = []string{"path"}
	r := explainFour(t, promtest.New(t, fourInstances(0, .2)), rule, config.Prometheus{})
	if where := r.Result.Causes[0]; where.Kind != analysis.KindLabels || where.Labels[0]["path"] != "/c" {
		t.Fatalf("where: %s", where.Sentence)
	}
	if len(r.Result.Warnings) > 0 || r.Status != report.Complete {
		t.Errorf("%s %v", r.Status, r.Result.Warnings)
	}
	if r.Result.Fit.Series != 4 {
		t.Errorf("%d series", r.Result.Fit.Series)
	}
	for _, why := range whys(r) {
		if why.Evidence.Scope != "" || strings.HasPrefix(why.Sentence, "inside") {
			t.Errorf("why: %s", why.Sentence)
		}
	}
}

func TestAServerThatGoesAwayBetweenTheRoundsLeavesTheFirst(t *testing.T) {
	s := promtest.New(t, fourInstances(0, .2))
	for _, metric := range []string{"process_cpu_seconds_total", "process_network_bytes_total"} {
		s.Fail(`/api/v1/query_range sum by (job) (rate(`+metric+`{instance="c"}[2m]))`, promtest.Failure{Status: 502, Text: "bad gateway"})
	}
	r := explainFour(t, s, fourRule(), config.Prometheus{})
	if r.Result.Verdict != analysis.Explained || r.Status != report.Partial || len(whys(r)) != 4 {
		t.Errorf("%s %s %v", r.Result.Verdict, r.Status, r.Result.Warnings)
	}
}
