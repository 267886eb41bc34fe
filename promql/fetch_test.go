// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"math"
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
)

// after returns the time d after the Unix epoch, the origin of all tests.
func after(d time.Duration) time.Time { return time.Unix(0, 0).UTC().Add(d) }

func newFetcher(t *testing.T, s *promtest.Server, change func(*config.Prometheus)) *promql.Fetcher {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	conf := config.Prometheus{URL: config.NewURL(u)}
	if change != nil {
		change(&conf)
	}
	f, err := promql.NewFetcher(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fetch plans and queries; it fails if planning fails or nothing answers.
func fetch(t *testing.T, f *promql.Fetcher, rule config.Rule, alert promql.Alert, now time.Time) analysis.Frame {
	t.Helper()
	plan, err := promql.NewPlan(rule, alert, now)
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := f.Fetch(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return fetched.Frame
}

func noWarnings(t *testing.T, f analysis.Frame) {
	t.Helper()
	for _, w := range f.Warnings {
		t.Errorf("warning of %s: %s", w.Source, w.Text)
	}
}

// warned fails unless a warning of the source contains the text.
func warned(t *testing.T, ws []analysis.Warning, source, text string) {
	t.Helper()
	if !slices.ContainsFunc(ws, func(w analysis.Warning) bool { return w.Source == source && strings.Contains(w.Text, text) }) {
		t.Errorf("no warning of %q with %q in %q", source, text, ws)
	}
}

func near(t *testing.T, what string, got []float64, want ...float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-9*max(1, math.Abs(want[i])) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

// shop is three hours of requests and errors by path, version and method, a CPU for each pod,
// and a constant. From minute 170 on, path /pay fails on version v2.
func shop() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for _, path := range []string{"/pay", "/cart"} {
		for _, version := range []string{"v1", "v2"} {
			for _, method := range []string{"GET", "POST"} {
				fine, failing := "0+600x190", "0+6x190"
				if path == "/pay" && version == "v2" {
					fine, failing = "0+600x170 102300+300x19", "0+6x170 1326+306x19"
				}
				ls := fmt.Sprintf(`service="shop",path=%q,version=%q,method=%q`, path, version, method)
				fmt.Fprintf(&b, "http_requests_total{%s,code=\"200\"} %s\n", ls, fine)
				fmt.Fprintf(&b, "http_requests_total{%s,code=\"500\"} %s\n", ls, failing)
			}
		}
	}
	b.WriteString("cpu{pod=\"shop-7d9f8c6b5d-x2x9k\"} 0.2x170 0.9x19\n")
	b.WriteString("cpu{pod=\"cart-db-0\"} 0.1x100 _x50 0.1x40\n")
	b.WriteString("connections 5x190\n")
	b.WriteString("calls{client=\"web\",server=\"shop\"} 1x190\n")
	b.WriteString("calls{client=\"shop\",server=\"cart-db\"} 1x190\n")
	b.WriteString("calls{client=\"shop\",server=\"shop\"} 1x190\n")
	return b.String()
}

const shopRatio = `sum(rate(http_requests_total{service="{{ .Labels.service }}",code=~"5.."}[2m]))
	/ sum(rate(http_requests_total{service="{{ .Labels.service }}"}[2m]))`

func ratioRule() config.Rule {
	return config.Rule{
		Name:      "shop errors",
		Target:    &config.Target{Query: shopRatio},
		Breakdown: &config.Breakdown{Labels: []string{"path", "version", "method"}},
		Candidates: []config.Candidate{
			{Name: "cpu", Query: "cpu", Kind: "cpu"},
			{Name: "connections", Query: "sum(connections)", Positive: true, Lags: []int{-1, 0}},
		},
		Topology: &config.Topology{Edges: [][]string{{"web", "shop"}, {"shop", "queue"}}, Query: "calls"},
	}
}

func shopAlert() promql.Alert {
	return promql.Alert{
		Labels:   model.LabelSet{"alertname": "ShopErrors", "service": "shop", "replica": "A"},
		StartsAt: after(175 * time.Minute),
		Onset:    after(172 * time.Minute),
		Own:      model.LabelSet{"alertname": "ShopErrors", "service": "shop"},
	}
}

func shopTime() time.Time { return after(180 * time.Minute) }

func TestARatioWithThreeLabelsAndTwoCandidatesGivesAFullFrame(t *testing.T) {
	s := promtest.New(t, shop())
	frame := fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	noWarnings(t, frame)

	if frame.Onset != 172*60 || frame.End != 180*60 || frame.Times[1]-frame.Times[0] != 30 {
		t.Errorf("onset %v, end %v, times %v", frame.Onset, frame.End, frame.Times[:2])
	}
	target := frame.Targets[0]
	if last := len(frame.Times) - 1; math.Abs(target.Values[last]-648./4848) > 1e-9 || math.Abs(target.Values[last-30]-6./606) > 1e-9 {
		t.Errorf("target %v", target.Values[last-30:])
	}
	b := target.Breakdown
	if fmt.Sprint(b.Labels, len(b.Leaves), b.Leaves[7]) != "[path version method] 8 [/pay v2 POST]" || !b.Count {
		t.Errorf("labels %v, leaves %v, count %v", b.Labels, b.Leaves, b.Count)
	}
	// 17 steps of half a minute: 8.5 minutes' worth of events.
	near(t, "errors", b.Numerator.Actual, 51, 51, 51, 51, 51, 51, 2601, 2601)
	near(t, "requests", b.Denominator.Actual, 5151, 5151, 5151, 5151, 5151, 5151, 5151, 5151)
	near(t, "errors of the hour before", b.Numerator.Hour, 51, 51, 51, 51, 51, 51, 51, 51)
	near(t, "requests of the hour before", b.Denominator.Hour, slices.Repeat([]float64{5151}, 8)...)
	if b.Numerator.Day != nil || b.Denominator.Day != nil {
		t.Errorf("three hours gave a day: %v", b.Numerator.Day)
	}
	if len(b.Numerator.Recent) != 24 {
		t.Errorf("%d recent steps", len(b.Numerator.Recent))
	}
}

func TestCandidatesAreNamedAsSeriesAndKeepWhatTheRuleSays(t *testing.T) {
	s := promtest.New(t, shop())
	frame := fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	var got []string
	for _, c := range frame.Targets[0].Candidates {
		got = append(got, fmt.Sprint(c.Name, "|", c.Query, "|", c.Service, "|", c.Kind, "|", c.Positive, c.Lags, len(c.Values) == len(frame.Times)))
	}
	want := []string{
		`cpu{pod="cart-db-0"}|cpu|cart-db|cpu|false [] true`,
		`cpu{pod="shop-7d9f8c6b5d-x2x9k"}|cpu|shop|cpu|false [] true`,
		`connections|connections|||true [-1 0] true`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	missing := 0
	for i, v := range frame.Targets[0].Candidates[0].Values {
		if frame.Times[i] >= 0 && math.IsNaN(v) {
			missing++
		}
	}
	if missing != 92 { // from 105:00, when the sample of 100:00 turns stale, to 150:30
		t.Errorf("%d samples are missing", missing)
	}
}

func TestTheCallGraphIsGivenAndFound(t *testing.T) {
	s := promtest.New(t, shop())
	frame := fetch(t, newFetcher(t, s, nil), ratioRule(), shopAlert(), shopTime())
	if got := fmt.Sprint(frame.Topology); got != "[[shop cart-db] [shop queue] [web shop]]" {
		t.Error(got)
	}
	rule := ratioRule()
	rule.Topology.Query = "connections"
	frame = fetch(t, newFetcher(t, s, nil), rule, shopAlert(), shopTime())
	warned(t, frame.Warnings, "topology", "caller and callee")
}

func TestPartsAddUpToTheWhole(t *testing.T) {
	s := promtest.New(t, shop())
	f := newFetcher(t, s, nil)
	for query, want := range map[string][2]float64{ // numerator and denominator at the end, in the query's unit
		`sum(rate(http_requests_total[2m]))`:                                                               {80.8, 0},
		`rate(http_requests_total{code="500"}[2m])`:                                                        {10.8, 0},
		`sum(sum by (method, path) (increase(http_requests_total[2m])))`:                                   {80.8 * 120, 0},
		`sum(rate(http_requests_total{path="/pay"}[2m])) - sum(rate(http_requests_total{code="500"}[2m]))`: {40.4 - 10.8, 0},
		`100 * (1 - sum(rate(http_requests_total{code="500"}[2m])) / sum(rate(http_requests_total[2m])))`:  {70, 80.8},
		`count(http_requests_total > 0)`:                                                                   {16, 0},
		`avg(http_requests_total * 0 + 3)`:                                                                 {48, 16},
	} {
		rule := config.Rule{
			Target:    &config.Target{Name: "kpi", Query: query},
			Breakdown: &config.Breakdown{Labels: []string{"path", "version"}},
			Window:    config.Window{Incident: model.Duration(2 * time.Minute)},
		}
		alert := shopAlert()
		alert.Onset = after(176 * time.Minute)
		frame := fetch(t, f, rule, alert, shopTime())
		if !strings.HasPrefix(query, "rate") { // only a single series can be the alert's
			noWarnings(t, frame)
		}
		b := frame.Targets[0].Breakdown
		unit := 1.0
		if b.Count {
			unit = 150 // five steps of half a minute, in seconds
		}
		if strings.Contains(query, "increase") {
			unit /= 120
		}
		if got := total(b.Numerator.Actual) / unit; math.Abs(got-want[0]) > 1e-6 {
			t.Errorf("%s: numerator %v, want %v", query, got, want[0])
		}
		if b.Denominator == nil {
			b.Denominator = &analysis.Pieces{}
		}
		if got := total(b.Denominator.Actual) / unit; math.Abs(got-want[1]) > 1e-6 {
			t.Errorf("%s: denominator %v, want %v", query, got, want[1])
		}
	}
}

func total(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum
}

// days is n days of orders in two regions, with a daily wave, and two hours more.
func days(n int) string {
	wave := func(scale float64) string {
		var b strings.Builder
		v := 0.0
		for i := range n*144 + 12 {
			fmt.Fprintf(&b, " %g", v)
			v += scale * (2 + math.Sin(2*math.Pi*float64(i)/144))
		}
		return b.String()
	}
	return "load 10m\norders_total{region=\"eu\"}" + wave(100) + "\norders_total{region=\"us\"}" + wave(300) + "\n"
}

func ordersRule() config.Rule {
	return config.Rule{
		Target:    &config.Target{Name: "orders", Query: "sum(rate(orders_total[30m]))"},
		Breakdown: &config.Breakdown{Labels: []string{"region"}},
	}
}

func ordersAlert(d time.Duration) promql.Alert {
	return promql.Alert{Labels: model.LabelSet{"alertname": "Orders"}, StartsAt: after(d), Onset: after(d)}
}

func TestAnAdditiveMeasureLooksBackAsFarAsThereIsData(t *testing.T) {
	s := promtest.New(t, days(3))
	now := 3*24*time.Hour + 100*time.Minute
	frame := fetch(t, newFetcher(t, s, nil), ordersRule(), ordersAlert(now-20*time.Minute), after(now))
	noWarnings(t, frame)
	b := frame.Targets[0].Breakdown
	p := b.Numerator
	if len(p.Profile) != 2 || len(p.Level) != 2 || // the third has no hour before it
		p.Hour == nil || p.Day != nil || b.Denominator != nil {
		t.Fatalf("profile of %d days, level of %d, hour %v, day %v", len(p.Profile), len(p.Level), p.Hour, p.Day)
	}
	for j := range p.Profile { // the wave is the same every day
		near(t, "profile", p.Profile[j], p.Actual...)
		near(t, "level", p.Level[j], p.Hour...)
	}
	if math.Abs(p.Actual[1]/p.Actual[0]-3) > 1e-9 {
		t.Errorf("us is three times eu: %v", p.Actual)
	}
	for _, r := range s.Requests() {
		if at := r.Form.Get("time"); r.Path == "/api/v1/query" && strings.HasPrefix(at, "-") {
			t.Errorf("asked for %s at %s, before there was anything", r.Form.Get("query"), at)
		}
	}
}

func TestAWeekBackIsEnough(t *testing.T) {
	s := promtest.New(t, days(9))
	now := 9*24*time.Hour + 100*time.Minute
	frame := fetch(t, newFetcher(t, s, nil), ordersRule(), ordersAlert(now-20*time.Minute), after(now))
	p := frame.Targets[0].Breakdown.Numerator
	if len(p.Profile) != 7 || len(p.Level) != 7 {
		t.Errorf("%d and %d days", len(p.Profile), len(p.Level))
	}
}

func TestARatioAsksForADayAndForNoProfile(t *testing.T) {
	s := promtest.New(t, days(3))
	rule := ordersRule()
	rule.Target.Query = `sum(rate(orders_total{region="eu"}[30m])) / sum(rate(orders_total[30m]))`
	rule.Breakdown = &config.Breakdown{Labels: []string{"shop"}}
	now := 3*24*time.Hour + 100*time.Minute
	frame := fetch(t, newFetcher(t, s, nil), rule, ordersAlert(now-20*time.Minute), after(now))
	b := frame.Targets[0].Breakdown
	// The mean over a whole day of a wave around 2, for 21 minutes of events.
	near(t, "numerator", b.Numerator.Day, 21*60*200./600)
	near(t, "denominator", b.Denominator.Day, 21*60*800./600)
	if b.Numerator.Profile != nil || b.Denominator.Level != nil {
		t.Errorf("profiles: %+v", b)
	}
}

func TestAChosenBaselineReplacesTheForecast(t *testing.T) {
	s := promtest.New(t, shop())
	rule := ratioRule()
	rule.Window.Baseline = model.Duration(30 * time.Minute)
	frame := fetch(t, newFetcher(t, s, nil), rule, shopAlert(), shopTime())
	noWarnings(t, frame)
	n := frame.Targets[0].Breakdown.Numerator
	near(t, "baseline", n.Baseline, slices.Repeat([]float64{51}, 8)...)
	if n.Hour != nil || n.Day != nil || n.Recent != nil || n.Actual == nil {
		t.Errorf("pieces %+v", n)
	}
	if frame.Times[0] != (172-30)*60 {
		t.Errorf("the series begin at %v", frame.Times[0])
	}
}

func TestALeafIsZeroWhereOthersAre(t *testing.T) {
	s := promtest.New(t, `load 1m
		g{l="always"} 4x180
		g{l="half"} _x173 4x3 _x10
		up 1x180
	`)
	rule := config.Rule{Target: &config.Target{Name: "g", Query: "sum(g)"}, Breakdown: &config.Breakdown{Labels: []string{"l"}}}
	alert := ordersAlert(170 * time.Minute)
	frame := fetch(t, newFetcher(t, s, nil), rule, alert, after(181*time.Minute+45*time.Second))
	b := frame.Targets[0].Breakdown
	if fmt.Sprint(b.Leaves) != "[[always] [half]]" {
		t.Fatal(b.Leaves)
	}
	// The last five minutes in steps of 15 s. The series is there from 173:00 to 175:00, and
	// visible five minutes longer until it is stale.
	near(t, "always", b.Numerator.Actual[:1], 4)
	if half := b.Numerator.Actual[1]; half < 1 || half >= 4 {
		t.Errorf("half %v", half)
	}
	near(t, "before", b.Numerator.Hour, 4, 0)
}

func TestAMeasureThatWasNotThereIsZeroIfTheServerWas(t *testing.T) {
	const errorsOnly = "errors_total{path=\"/pay\"} _x173 0+60x7\nerrors_total{path=\"/cart\"} _x173 0+6x7\n"
	rule := config.Rule{Target: &config.Target{Name: "errors", Query: "sum(rate(errors_total[2m]))"}, Breakdown: &config.Breakdown{Labels: []string{"path"}}}
	for name, c := range map[string]struct {
		load string
		hour []float64
	}{
		"with up":    {"load 1m\n" + errorsOnly + "up 1x180\n", []float64{0, 0}},
		"without up": {"load 1m\n" + errorsOnly, nil},
	} {
		frame := fetch(t, newFetcher(t, promtest.New(t, c.load), nil), rule, ordersAlert(174*time.Minute), after(180*time.Minute))
		p := frame.Targets[0].Breakdown.Numerator
		near(t, name, p.Hour, c.hour...)
		if len(p.Profile) != 0 {
			t.Errorf("%s: profile %v", name, p.Profile)
		}
		if p.Actual[1] < 9*p.Actual[0] {
			t.Errorf("%s: actual %v", name, p.Actual)
		}
	}
}

func TestSeveralTargetsHaveCandidatesOfTheirOwn(t *testing.T) {
	s := promtest.New(t, shop())
	rule := config.Rule{
		Name: "shop",
		Targets: []config.Target{
			{Name: "errors", Query: shopRatio, Weight: 2, Kind: "error", Candidates: []config.Candidate{{Name: "cpu", Query: "cpu"}}},
			{Query: "sum(connections)", Breakdown: &config.Breakdown{Labels: []string{}}},
		},
		Candidates: []config.Candidate{{Name: "calls", Query: "calls"}, {Name: "calls again", Query: "calls"}},
	}
	frame := fetch(t, newFetcher(t, s, nil), rule, shopAlert(), shopTime())
	a, b := frame.Targets[0], frame.Targets[1]
	if a.Name != "errors" || a.Weight != 2 || a.Kind != "error" || len(a.Candidates) != 2 || a.Breakdown == nil {
		t.Errorf("%+v", a)
	}
	if b.Name != "target 2" || len(b.Candidates) != 6 || b.Breakdown != nil {
		t.Errorf("%s: %d candidates, breakdown %v", b.Name, len(b.Candidates), b.Breakdown)
	}
	if name := b.Candidates[3].Name; name != `calls again{client="shop", server="cart-db"}` {
		t.Errorf("the name that the rule gives it: %s", name)
	}
	asked := 0
	for _, r := range s.Requests() {
		if r.Form.Get("query") == "calls" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("the same query was asked %d times", asked)
	}
}

func TestTheAlertsOwnSeriesIsTheTarget(t *testing.T) {
	s := promtest.New(t, `load 1m
		lag{topic="a",instance="1"} 1x180
		lag{topic="a",instance="2"} 7x180
		lag{topic="b",instance="1"} 3x180
	`)
	f := newFetcher(t, s, nil)
	alert := ordersAlert(175 * time.Minute)
	alert.Labels = model.LabelSet{"alertname": "Lag", "topic": "a", "instance": "2", "severity": "page"}
	alert.GeneratorURL = "http://prom/graph?g0.expr=" + url.QueryEscape("lag > 5")
	frame := fetch(t, f, config.Rule{Name: "lag"}, alert, after(180*time.Minute))
	target := frame.Targets[0]
	if now := target.Values[len(target.Values)-1]; now != 7 {
		t.Errorf("target %v", now)
	}
	if fmt.Sprint(target.Breakdown.Labels, target.Breakdown.Leaves) != "[instance topic] [[1 a] [1 b] [2 a]]" {
		t.Errorf("its siblings: %v %v", target.Breakdown.Labels, target.Breakdown.Leaves)
	}

	if b := target.Breakdown; fmt.Sprint(b.Own) != "map[instance:2 topic:a]" || !b.Beside {
		t.Errorf("its own is %v", b.Own)
	}
	noWarnings(t, frame)

	alert.Labels = model.LabelSet{"alertname": "Lag"}
	for query, want := range map[string]float64{"lag": 11, "lag / lag * 2": 2} {
		frame = fetch(t, f, config.Rule{Name: "lag", Target: &config.Target{Query: query}}, alert, after(180*time.Minute))
		if got := frame.Targets[0].Values[0]; got != want {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
		warned(t, frame.Warnings, "lag", "none with the alert's labels")
	}
}

func TestAQuantileIsBrokenDownAsTheShareOfSlowRequests(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 1m\n")
	for _, path := range []string{"/pay", "/cart"} {
		for _, b := range [][2]string{{"0.1", "0+30x180"}, {"0.4", "0+54x170 9180+30x20"}, {"1.0", "0+60x180"}, {"+Inf", "0+60x180"}} {
			values := b[1]
			if path == "/cart" && b[0] == "0.4" {
				values = "0+54x180"
			}
			fmt.Fprintf(&load, "d_bucket{path=%q,le=%q} %s\n", path, b[0], values)
		}
	}
	alert := ordersAlert(172 * time.Minute)
	alert.GeneratorURL = "http://prom/graph?g0.expr=" + url.QueryEscape("histogram_quantile(0.9, sum by (le) (rate(d_bucket[2m]))) * 1000 > 500")
	frame := fetch(t, newFetcher(t, promtest.New(t, load.String()), nil), config.Rule{Name: "slow"}, alert, after(179*time.Minute))
	warned(t, frame.Warnings, "slow: parts", "no bucket at 0.5; the share of events beyond 0.4")
	b := frame.Targets[0].Breakdown
	if !b.Count || b.Denominator == nil || fmt.Sprint(b.Labels, b.Leaves) != "[path] [[/cart] [/pay]]" {
		t.Fatalf("%+v", b)
	}
	if cart, pay := b.Numerator.Actual[0]/b.Denominator.Actual[0], b.Numerator.Actual[1]/b.Denominator.Actual[1]; math.Abs(cart-0.1) > 1e-6 || pay < 0.4 {
		t.Errorf("shares %v and %v", cart, pay)
	}
}
