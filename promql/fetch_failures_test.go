// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func TestAQueryThatFailsIsAWarning(t *testing.T) {
	s := promtest.New(t, shop())
	s.Fail("/api/v1/query_range cpu", promtest.Failure{Status: 422, Type: "execution", Text: "query processing would load too many samples"})
	rule := ratioRule()
	rule.Candidates = append(rule.Candidates, config.Candidate{Name: "nothing", Query: "nosuch"}, config.Candidate{Name: "no label", Query: `cpu{pod="{{ .Labels.pod }}"}`})
	frame := fetch(t, newFetcher(t, s, nil), rule, shopAlert(), shopTime())
	warned(t, frame.Warnings, "cpu", "too many samples")
	warned(t, frame.Warnings, "nothing", "returned no series")
	warned(t, frame.Warnings, "no label", `pod=""`)
	if len(frame.Warnings) != 4 || len(frame.Targets[0].Candidates) != 1 || frame.Targets[0].Breakdown.Numerator.Actual == nil {
		t.Errorf("the rest: %v", frame.Warnings)
	}
}

func TestFailedPartIsMissing(t *testing.T) {
	s := promtest.New(t, shop())
	s.Fail(`/api/v1/query sum_over_time((sum by (path, version, method) (rate(http_requests_total{code=~"5..",service="shop"}[2m])))[1h:1m])`,
		promtest.Failure{Status: 503, Type: "timeout", Text: "query timed out"})
	frame := fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	warned(t, frame.Warnings, "shop errors: hour", "took too long")
	b := frame.Targets[0].Breakdown
	if b.Numerator.Hour != nil || b.Denominator.Hour == nil || b.Numerator.Actual == nil {
		t.Errorf("%+v", b)
	}
}

func TestAServerThatIsNotThereIsAnError(t *testing.T) {
	s := promtest.New(t, "load 1m\n")
	s.Down()
	plan, err := promql.NewPlan(ratioRule(), shopAlert(), shopTime())
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := newFetcher(t, s, nil).Fetch(t.Context(), plan)
	if !errors.Is(err, promql.ErrUnreachable) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
	down := 0
	for _, w := range fetched.Frame.Warnings {
		if w.Source == "prometheus" {
			down++
		}
	}
	if down != 1 {
		t.Errorf("warnings %v", fetched.Frame.Warnings)
	}
}

func TestHangingServerTimesOut(t *testing.T) {
	s := promtest.New(t, shop())
	s.Fail("/api/v1/query_range", promtest.Failure{After: time.Hour})
	s.Fail("/api/v1/query", promtest.Failure{After: time.Hour})
	f := newFetcher(t, s, func(c *config.Prometheus) {
		c.QueryTimeout, c.MaxConcurrentQueries = model.Duration(50*time.Millisecond), 2
	})
	plan, err := promql.NewPlan(ratioRule(), shopAlert(), shopTime())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fetch(t.Context(), plan); !errors.Is(err, promql.ErrUnreachable) {
		t.Errorf("error %v", err)
	}
	if n := len(s.Requests()); n > 5 {
		t.Errorf("%d requests to a server that doesn't answer", n)
	}
}

func TestWarningsOfTheServerAreKept(t *testing.T) {
	s := promtest.New(t, shop())
	s.SetWarnings("store 10.0.0.7 is not available")
	frame := fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	warned(t, frame.Warnings, "prometheus", "the evidence is incomplete (shop errors, shop errors: history, shop errors: presence, baseline, shop errors: actual, shop errors: hour and ")
	warned(t, frame.Warnings, "prometheus", "store 10.0.0.7 is not available")
}

func TestPartialAnswersOfVictoriaMetricsAreReported(t *testing.T) {
	s := promtest.New(t, shop())
	s.Fail("/api/v1/query_range cpu", promtest.Failure{Status: 200, Text: `{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}`})
	frame := fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	warned(t, frame.Warnings, "prometheus", "the evidence is incomplete (cpu): some of the storage did not answer")
}

func TestTooManySeriesAreCutAndReported(t *testing.T) {
	for _, ignore := range []bool{false, true} {
		s := promtest.New(t, shop())
		if ignore {
			s.IgnoreLimit()
		}
		f := newFetcher(t, s, func(c *config.Prometheus) { c.MaxSeries = 12 })
		rule := ratioRule()
		rule.Breakdown = &config.Breakdown{Labels: []string{}}
		rule.Candidates = []config.Candidate{{Name: "all", Query: "http_requests_total"}}
		frame := fetch(t, f, rule, shopAlert(), shopTime())
		warned(t, frame.Warnings, "all", "more than 12 series")
		if n := len(frame.Targets[0].Candidates); n != 11 { // the limit less the target
			t.Errorf("%d candidates", n)
		}
	}
}

func TestASeriesLimitHoldsForTheWholeAnalysis(t *testing.T) {
	f := newFetcher(t, promtest.New(t, shop()), func(c *config.Prometheus) { c.MaxSeries = 20 })
	rule := ratioRule()
	rule.Candidates = []config.Candidate{{Name: "cpu", Query: "cpu"}, {Name: "all", Query: "http_requests_total"}, {Name: "connections", Query: "connections"}}
	frame := fetch(t, f, rule, shopAlert(), shopTime())
	if n := len(frame.Targets[0].Candidates); n != 20-1-8 { // without the target and eight leaves
		t.Errorf("%d candidates", n)
	}
	warned(t, frame.Warnings, "cost", "8 of 19 series of candidates were left out (all, connections): an analysis may read 20 series")
}

func TestFrameIgnoresOrderOfAnswers(t *testing.T) {
	s := promtest.New(t, shop())
	var want string
	for _, n := range []int{1, 8, 3} {
		if n == 3 {
			s.Fail("/api/v1/query_range cpu", promtest.Failure{After: 30 * time.Millisecond})
		}
		f := newFetcher(t, s, func(c *config.Prometheus) { c.MaxConcurrentQueries = n })
		frame := fetch(t, f, ratioRule(), shopAlert(), shopTime())
		got := show(frame)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("with %d at a time:\n%s\nbefore:\n%s", n, got, want)
		}
	}
}

// show prints a frame, following its pointers.
func show(f analysis.Frame) string {
	var b strings.Builder
	for i, t := range f.Targets {
		if d := t.Breakdown; d != nil {
			fmt.Fprintf(&b, "%+v %+v\n", d.Numerator, d.Denominator)
			f.Targets[i].Breakdown = nil
		}
	}
	fmt.Fprintf(&b, "%+v", f)
	return b.String()
}

func TestRequestsBypassCache(t *testing.T) {
	s := promtest.New(t, shop())
	rule := ratioRule()
	rule.Breakdown = nil
	f := newFetcher(t, s, nil)
	fetch(t, f, rule, shopAlert(), shopTime())
	f.ActiveAt(t.Context(), shopAlert())
	paths := map[string]bool{}
	for _, r := range s.Requests() {
		paths[r.Path] = true
		if r.Form.Get("nocache") != "1" {
			t.Errorf("%s %v", r.Path, r.Form)
		}
	}
	if len(paths) != 4 {
		t.Errorf("paths %v", paths)
	}
}

func TestAServerThatAnswersTooMuchIsThere(t *testing.T) {
	s := promtest.New(t, shop())
	f := newFetcher(t, s, nil)
	point := `{"metric":{},"value":[1,"1"]}`
	s.Fail("/api/v1/query", promtest.Failure{Status: 200, Text: `{"status":"success","data":{"resultType":"vector","result":[` + point + "," + point + `]}}`})
	if err := f.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	s.Fail("/api/v1/query", promtest.Failure{Status: 200, Text: "<html>"})
	if err := f.Ping(t.Context()); err == nil {
		t.Error("a page is no answer")
	}
}
