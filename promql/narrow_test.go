// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// rack is three instances of a job and one of another; the name of the busy one has characters
// special in regular expressions and strings.
func rack() string {
	return `load 1m
		errors_total{job="api",instance="a"} 0+1x190
		errors_total{job="api",instance="b"} 0+1x190
		errors_total{job="api",instance="c|\".*\n"} 0+1x170 171+60x19
		busy{job="api",instance="a"} 1x190
		busy{job="api",instance="b"} 2x190
		busy{job="api",instance="c|\".*\n"} 4x170 9x19
		busy{job="db",instance="e"} 7x190
		disk{job="api",instance="a"} 0x190
		disk{job="api",instance="c|\".*\n"} 3x190
		temperature{room="1"} 20x190
	`
}

const broken = "c|\".*\n"

// rackRule has candidates that can be narrowed, and some that can't.
func rackRule() config.Rule {
	return config.Rule{
		Name:      "errors",
		Target:    &config.Target{Name: "errors", Query: `sum(rate(errors_total[2m]))`},
		Breakdown: &config.Breakdown{Labels: []string{"instance"}},
		Candidates: []config.Candidate{
			{Name: "load", Query: `sum by (job) (busy)`, Kind: "cpu", Scale: "each", Positive: true, Lags: []int{-1, 0}},
			{Name: "all load", Query: `sum(busy)`},
			{Name: "disk", Query: `max by (job) (disk)`}, // of the busy one, unchanged
			{Name: "each", Query: `busy`},
			{Name: "by instance", Query: `sum by (instance) (busy) / on (instance) sum by (instance) (busy)`},
			{Name: "renamed", Query: `sum by (job) (label_replace(busy, "instance", "$1", "job", "(.*)"))`},
			{Name: "of another", Query: `sum by (job) (busy{instance="a"})`},
			{Name: "room", Query: `sum(temperature)`},
			{Name: "nothing", Query: `sum(no_such_metric)`},
		},
	}
}

func rackAlert() promql.Alert {
	return promql.Alert{Labels: model.LabelSet{"alertname": "Errors"}, StartsAt: after(174 * time.Minute), Onset: after(172 * time.Minute)}
}

// found is a cause of kind labels, as the analysis returns it.
func found(set ...map[string]string) analysis.Finding {
	return analysis.Finding{Kind: analysis.KindLabels, Labels: set, Explains: []string{"errors"}}
}

// goOn runs both rounds of a plan.
func goOn(t *testing.T, f *promql.Fetcher, rule config.Rule, cause analysis.Finding) (first, second promql.Fetched) {
	t.Helper()
	plan, err := promql.NewPlan(rule, rackAlert(), after(180*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if first, err = f.Fetch(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	inside, ok := first.Narrow(cause)
	if !ok {
		t.Fatalf("nothing can be asked inside of %v", cause.Labels)
	}
	if second, err = f.Fetch(t.Context(), inside); err != nil {
		t.Fatal(err)
	}
	return first, second
}

func TestCandidatesAreNarrowedToCause(t *testing.T) {
	s := promtest.New(t, rack())
	f := newFetcher(t, s, nil)
	fetch(t, f, rackRule(), rackAlert(), after(180*time.Minute))
	first := len(s.Requests())
	before, wider := goOn(t, f, rackRule(), found(map[string]string{"instance": broken}))

	var names []string
	for _, q := range wider.Plan.Queries {
		names = append(names, q.Name)
	}
	const within = ` within {instance="c|\".*\n"}`
	if want := []string{"load" + within, "all load" + within, "disk" + within, "room" + within}; !slices.Equal(names, want) {
		t.Errorf("asked  %q\nwanted %q", names, want)
	}
	if n := len(s.Requests()) - first; n != len(names) {
		t.Errorf("%d requests for %d queries", n, len(names))
	}
	if n := len(wider.Asked()); n != 2+len(rackRule().Candidates)+len(names) { // the two are the target and its breakdown
		t.Errorf("%d queries are shown", n)
	}
	known := before.Frame.Targets[0].Candidates
	if shown(before.Frame.Targets[0].Breakdown) != shown(wider.Frame.Targets[0].Breakdown) || shown(known) != shown(wider.Frame.Targets[0].Candidates[:len(known)]) {
		t.Error("what was known before has changed")
	}
	if fmt.Sprint(wider.Frame.Warnings) != fmt.Sprint(before.Frame.Warnings) {
		t.Errorf("warnings %v, before %v", wider.Frame.Warnings, before.Frame.Warnings)
	}
	var more []string
	for _, c := range wider.Frame.Targets[0].Candidates[len(known):] {
		more = append(more, fmt.Sprint(c.Name, "; ", c.Scope, "; part of ", c.Whole, "; ", c.Query, " of ", c.Service, "; ", c.Kind, " ", c.Scale, " ", c.Positive, c.Lags, " ", last(c)))
	}
	if want := []string{
		`load{instance="c|\".*\n", job="api"}; {instance="c|\".*\n"}; part of load{job="api"}; load of api; cpu each true [-1 0] 9`,
		`all load{instance="c|\".*\n"}; {instance="c|\".*\n"}; part of all load; all load of ` + broken + `;   false [] 9`,
	}; !slices.Equal(more, want) {
		t.Errorf("got  %q\nwant %q", more, want)
	}
}

// last returns the newest sample of a series.
func last(s analysis.Series) float64 { return s.Values[len(s.Values)-1] }

func shown(v any) string { return fmt.Sprintf("%+v", v) }

func TestLabelsAreNarrowedOneByOne(t *testing.T) {
	s := promtest.New(t, `load 1m
		errors_total{path="/a",version="v1"} 0+1x190
		errors_total{path="/b",version="v2"} 0+1x190
		cpu{version="v1"} 1x190
		cpu{version="v2"} 2x190
		hits{path="/a",version="v1"} 1x190
		hits{path="/a",version="v2"} 2x190
		hits{path="/b",version="v2"} 4x190
	`)
	rule := rackRule()
	rule.Candidates = []config.Candidate{{Name: "cpu", Query: "sum(cpu)"}, {Name: "hits", Query: "sum(hits)"}}
	before, wider := goOn(t, newFetcher(t, s, nil), rule, found(map[string]string{"path": "/b", "version": "v2"}))
	var more []string
	for _, c := range wider.Frame.Targets[0].Candidates[len(before.Frame.Targets[0].Candidates):] {
		more = append(more, fmt.Sprint(c.Name, " ", last(c)))
	}
	want := []string{`hits{path="/b", version="v2"} 4`, `cpu{version="v2"} 2`, `hits{version="v2"} 6`}
	if !slices.Equal(more, want) { // path="/b" alone is both, which is there
		t.Errorf("got  %q\nwant %q", more, want)
	}
	noWarnings(t, wider.Frame)
}

func TestASetOfValuesIsOneScope(t *testing.T) {
	s := promtest.New(t, rack())
	rule := rackRule()
	rule.Candidates = rule.Candidates[:1]
	_, wider := goOn(t, newFetcher(t, s, nil), rule, found(
		map[string]string{"instance": broken, "job": "api"}, map[string]string{"instance": "a", "job": "__other__"}))
	c := wider.Frame.Targets[0].Candidates[len(wider.Frame.Targets[0].Candidates)-1]
	if c.Name != `load{instance=~"a|c\\|\"\\.\\*\n", job="api"}` || last(c) != 10 || c.Service != "api" {
		t.Errorf("%s of %s is %v", c.Name, c.Service, last(c))
	}
}

func TestOnlyExplainedKPIsAreNarrowed(t *testing.T) {
	s := promtest.New(t, rack())
	rule := rackRule()
	load := []config.Candidate{{Name: "load", Query: `sum by (job) (busy)`}}
	rule.Target = nil
	rule.Targets = []config.Target{
		{Name: "errors", Query: `sum(rate(errors_total[2m]))`, Candidates: load},
		{Name: "hot", Query: `sum(temperature)`, Candidates: load},
	}
	before, wider := goOn(t, newFetcher(t, s, nil), rule, found(map[string]string{"instance": broken}))
	for i, want := range []int{3, 2} {
		if n := len(wider.Frame.Targets[i].Candidates); n != want || len(before.Frame.Targets[i].Candidates) != 2 {
			t.Errorf("target %d has %d candidates, %d before", i, n, len(before.Frame.Targets[i].Candidates))
		}
	}
}

func TestNoSecondRoundWithoutNarrowing(t *testing.T) {
	f := newFetcher(t, promtest.New(t, rack()), nil)
	rule := rackRule()
	rule.Candidates = rule.Candidates[3:7]
	plan, err := promql.NewPlan(rule, rackAlert(), after(180*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.Fetch(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if inside, ok := first.Narrow(found(map[string]string{"instance": broken})); ok {
		t.Errorf("asks %v", inside.Queries)
	}
}

func TestBothRoundsHaveOneBudget(t *testing.T) {
	cause := found(map[string]string{"instance": broken})
	s := promtest.New(t, rack())
	fetch(t, newFetcher(t, s, nil), rackRule(), rackAlert(), after(180*time.Minute))
	first := len(s.Requests())
	for _, c := range []struct {
		change func(*config.Prometheus)
		more   int // queries of the second round
		says   string
	}{
		{
			func(p *config.Prometheus) { p.MaxQueries = first + 1; p.MaxConcurrentQueries = 1 }, 1,
			fmt.Sprintf("an analysis may ask %d queries", first+1),
		},
		{func(p *config.Prometheus) { p.MaxQueries = first }, 0, `left out: load within {instance="c|\".*\n"}, all load within`},
		{func(p *config.Prometheus) { p.MaxTime = model.Duration(time.Second) }, 0, "an analysis may take 1s"},
	} {
		s := promtest.New(t, rack())
		f := newFetcher(t, s, c.change)
		plan, err := promql.NewPlan(rackRule(), rackAlert(), after(180*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		before, err := f.Fetch(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		inside, ok := before.Narrow(cause)
		if !ok {
			t.Fatal("nothing to ask")
		}
		if strings.Contains(c.says, "may take") {
			time.Sleep(time.Second)
		}
		asked := len(s.Requests())
		wider, err := f.Fetch(t.Context(), inside)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Requests()) - asked; n != c.more {
			t.Errorf("%s: %d requests more", c.says, n)
		}
		warned(t, wider.Frame.Warnings, "cost", c.says)
		if shown(wider.Frame.Targets[0].Breakdown) != shown(before.Frame.Targets[0].Breakdown) {
			t.Errorf("%s: the breakdown has suffered", c.says)
		}
	}
}

func TestNarrowedSeriesAreDroppedFirst(t *testing.T) {
	s := promtest.New(t, rack())
	rule := rackRule()
	rule.Candidates = rule.Candidates[:1]
	f := newFetcher(t, s, func(p *config.Prometheus) { p.MaxSeries = 6 }) // the KPI, three instances and two jobs
	before, wider := goOn(t, f, rule, found(map[string]string{"instance": broken}))
	noWarnings(t, before.Frame)
	if shown(before.Frame.Targets[0].Candidates) != shown(wider.Frame.Targets[0].Candidates) {
		t.Errorf("%v", wider.Frame.Targets[0].Candidates)
	}
	warned(t, wider.Frame.Warnings, "cost", `1 of 3 series of candidates were left out (load within {instance=`)
}

func TestStormSharesNarrowedQueries(t *testing.T) {
	s := promtest.New(t, rack())
	f := newFetcher(t, s, nil)
	cause := found(map[string]string{"instance": broken})
	_, one := goOn(t, f, rackRule(), cause)
	asked := len(s.Requests())
	_, other := goOn(t, f, rackRule(), cause)
	if n := len(s.Requests()) - asked; n != 0 {
		t.Errorf("the second alert asks %d times", n)
	}
	if show(one.Frame) != show(other.Frame) {
		t.Error("the answers differ")
	}
}
