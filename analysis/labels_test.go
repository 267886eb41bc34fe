// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis/forecast"
)

// shop is requests by three labels. Each leaf is within 2 % of its forecast, and those that hit
// selects change by factor.
func shop(seed uint64, factor float64, hit func(path, version, zone int) bool) *Breakdown {
	rng := rand.New(rand.NewPCG(seed, 1))
	b := &Breakdown{Labels: []string{"path", "version", "zone"}, Scale: forecast.Scale{Window: 1}}
	for i := range 6 * 3 * 4 {
		p, v, z := i/12, i/4%3, i%4
		b.Leaves = append(b.Leaves, []string{fmt.Sprintf("/p%d", p), fmt.Sprintf("v%d", v), fmt.Sprintf("z%d", z)})
		f := 50 + 200*rng.ExpFloat64()
		a := f * (1 + 0.02*rng.NormFloat64())
		if hit(p, v, z) {
			a *= factor
		}
		b.Numerator.Forecast = append(b.Numerator.Forecast, f)
		b.Numerator.Actual = append(b.Numerator.Actual, a)
	}
	return b
}

// payOnV2 selects one clear cause.
func payOnV2(p, v, _ int) bool { return p == 2 && v == 1 }

func never(_, _, _ int) bool { return false }

func analyse(t *testing.T, b *Breakdown, opt LabelOptions) Result {
	t.Helper()
	r := Run(Frame{Targets: []Target{{Name: "checkout errors", Breakdown: b}}}, Options{Labels: opt})
	if _, err := json.Marshal(r); err != nil { // NaN and Inf have no JSON
		t.Fatal(err)
	}
	return r
}

// placesOf returns the label sets of all causes.
func placesOf(r Result) string {
	var list []string
	for _, c := range r.Causes {
		for _, labels := range c.Labels {
			list = append(list, place(labels))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func checkPlaces(t *testing.T, r Result, v Verdict, want string) {
	t.Helper()
	if r.Verdict != v || placesOf(r) != want {
		t.Errorf("verdict %s, located %q; want %s, %q", r.Verdict, placesOf(r), v, want)
	}
}

func said(r Result) string {
	var texts []string
	for _, w := range r.Warnings {
		texts = append(texts, w.Source+": "+w.Text)
	}
	return strings.Join(texts, "\n")
}

func checkSaid(t *testing.T, r Result, want string) {
	t.Helper()
	if !strings.Contains(said(r), want) {
		t.Errorf("said %q, not %q", said(r), want)
	}
}

func TestACauseIsASentenceWithItsArithmetic(t *testing.T) {
	b := &Breakdown{Labels: []string{"path", "version"}, Seconds: 100, Scale: forecast.Scale{Window: 1}}
	for _, path := range []string{"/cart", "/help", "/home", "/pay"} {
		for _, version := range []string{"v1", "v2", "v3"} {
			b.Leaves = append(b.Leaves, []string{path, version})
			f, a := 1000.0, 1000.0
			if path == "/pay" && version == "v2" {
				f, a = 310, 4100
			}
			if path == "/home" && version == "v1" {
				a = 1832
			}
			b.Numerator.Forecast = append(b.Numerator.Forecast, f)
			b.Numerator.Actual = append(b.Numerator.Actual, a)
		}
	}
	r := analyse(t, b, LabelOptions{})
	c := r.Causes[0]
	want := "82 % of the extra errors come from path=/pay on version=v2 (forecast 3.1/s, now 41/s)"
	if c.Sentence != want || c.Confidence != High || c.Name != `{path="/pay",version="v2"}` {
		t.Errorf("%q, %s, %s; want %q", c.Sentence, c.Confidence, c.Name, want)
	}
	e := c.Evidence
	if *e.Forecast != 3.1 || *e.Actual != 41 || *e.Share != c.Share || e.Leaves != 1 || math.Abs(*e.Ratio-41/3.1) > 1e-9 {
		t.Error(asJSON(t, e))
	}
	if r.Change.Forecast != 113.1 || !r.Change.Rising || r.Forecast != "forecast given with the data" {
		t.Errorf("%+v, %q", r.Change, r.Forecast)
	}
}

func TestValuesOfOneLabelAreListed(t *testing.T) {
	r := analyse(t, shop(1, 4, func(p, _, _ int) bool { return p == 1 || p == 3 }), LabelOptions{})
	if len(r.Causes) != 1 || !strings.Contains(r.Causes[0].Sentence, "come from path=/p") || strings.Count(r.Causes[0].Sentence, "path=") != 1 {
		t.Errorf("%+v", r.Causes)
	}
	checkPlaces(t, r, Explained, "path=/p1; path=/p3")
}

func TestDimensionsListSetsOfLabels(t *testing.T) {
	b := shop(2, 5, func(p, _, _ int) bool { return p == 2 })
	r := analyse(t, b, LabelOptions{})
	d := r.Dimensions[0]
	if d.Label != "path" || d.Explained < 0.9 || len(d.Elements) != 6 || d.Elements[0].Value != "/p2" {
		t.Fatalf("%+v", d)
	}
	var all float64
	for _, e := range d.Elements {
		all += e.Surprise
		if math.Abs(e.Change-(e.Actual-e.Forecast)) > 1e-9 {
			t.Errorf("%+v", e)
		}
	}
	if d.Surprise != d.Elements[0].Surprise || d.Surprise >= all {
		t.Errorf("surprise %v is that of the set, not of all values, %v", d.Surprise, all)
	}
}

func TestSwapsUnderConstantTotalAreReported(t *testing.T) {
	b := shop(13, 1, never)
	for i := range b.Leaves {
		b.Numerator.Forecast[i], b.Numerator.Actual[i] = 100, 100
		switch b.Leaves[i][0] {
		case "/p1":
			b.Numerator.Actual[i] = 180
		case "/p4":
			b.Numerator.Actual[i] = 20
		}
	}
	r := analyse(t, b, LabelOptions{})
	checkSaid(t, r, "parts moved against each other, and the total (7.2k → 7.2k) shows little of it")
	for _, c := range r.Causes {
		if c.Confidence == High || !strings.Contains(c.Sentence, "the total did not move with it") {
			t.Errorf("%s: %s", c.Confidence, c.Sentence)
		}
	}
	checkPlaces(t, r, Explained, "path=/p1; path=/p4")
}

func TestOffsettingValuesAreEvidence(t *testing.T) {
	b := shop(3, 6, func(p, _, _ int) bool { return p == 2 })
	for i, leaf := range b.Leaves {
		if leaf[0] == "/p4" {
			b.Numerator.Actual[i] *= 0.3
		}
	}
	r := analyse(t, b, LabelOptions{})
	if got := r.Causes[0].Evidence.Offsetting; !reflect.DeepEqual(got, []string{"path=/p4"}) {
		t.Errorf("offsetting %v", got)
	}
	if e := r.Dimensions[0].Elements; !slices.ContainsFunc(e, func(e Element) bool { return e.Value == "/p4" && slices.Contains(e.Tags, "offsetting") }) {
		t.Errorf("%+v", e)
	}
	if !strings.Contains(r.Causes[0].Sentence, "all of the extra errors come from path=/p2") {
		t.Errorf("more than all: %q", r.Causes[0].Sentence)
	}
}

func TestRolloutIsReported(t *testing.T) {
	b := &Breakdown{
		Labels: []string{"version", "zone"}, Scale: forecast.Scale{Window: 1},
		Leaves: [][]string{{"v1", "a"}, {"v1", "b"}, {"v2", "a"}, {"v2", "b"}},
	}
	b.Numerator.Forecast, b.Numerator.Actual = []float64{60, 40, 0, 0}, []float64{0, 0, 42, 28}
	r := analyse(t, b, LabelOptions{})
	for _, d := range r.Dimensions {
		if d.Label == "version" && (!strings.Contains(d.Note, "rollout") || !slices.Contains(d.Elements[0].Tags, "rollover")) {
			t.Errorf("%+v", d)
		}
	}
}

func TestEveryVerdictHasItsWords(t *testing.T) {
	clear := func(_, _, _ int) bool { return true }
	nothing := shop(4, 1, never)
	nothing.Numerator.Forecast = make([]float64, len(nothing.Leaves))
	for _, tt := range []struct {
		name    string
		b       *Breakdown
		verdict Verdict
		words   string
	}{
		{"still", shop(4, 1, never), NoChange, "the total did not move"},
		{"all alike", shop(5, 3, clear), External, "everything moved alike"},
		{"outage", shop(6, 0, clear), External, "everything stopped"},
		{"from nothing", nothing, External, "there was nothing before the incident"},
		{"traffic", mixShift(), External, "traffic mix: no part changed by itself (0.0182 → 0.0509); traffic shifted to path=x (9.09 % → 45 % of it), where the ratio has always been higher (0.1, elsewhere 0.01)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := analyse(t, tt.b, LabelOptions{})
			checkPlaces(t, r, tt.verdict, "")
			checkSaid(t, r, "labels: "+tt.words)
		})
	}
}

// mixShift is a ratio that rises though that of no part does: traffic moves from a part with 1
// % to one with 10 %.
func mixShift() *Breakdown {
	return &Breakdown{
		Labels: []string{"path"}, Leaves: [][]string{{"x"}, {"y"}},
		Numerator:   Pieces{Forecast: []float64{10, 10}, Actual: []float64{50, 6}},
		Denominator: &Pieces{Forecast: []float64{100, 1000}, Actual: []float64{500, 600}},
		Scale:       forecast.Scale{Window: 1},
	}
}

func TestRatioHasRateAndMixEffects(t *testing.T) {
	b := &Breakdown{Labels: []string{"path"}, Count: true, Scale: forecast.Scale{Window: 1}, Denominator: &Pieces{}}
	for i := range 8 {
		b.Leaves = append(b.Leaves, []string{fmt.Sprint(i)})
		errs := 100.0
		if i == 3 {
			errs = 900
		}
		b.Numerator.Forecast, b.Numerator.Actual = append(b.Numerator.Forecast, 100), append(b.Numerator.Actual, errs)
		b.Denominator.Forecast, b.Denominator.Actual = append(b.Denominator.Forecast, 10000), append(b.Denominator.Actual, 10000)
	}
	r := analyse(t, b, LabelOptions{})
	checkPlaces(t, r, Explained, "path=3")
	e := r.Causes[0].Evidence
	if math.Abs(*e.RateEffect-1) > 1e-9 || math.Abs(*e.MixEffect) > 1e-9 {
		t.Error(asJSON(t, e))
	}
	if math.Abs(r.Change.Forecast-0.01) > 1e-12 || math.Abs(r.Change.Actual-0.02) > 1e-12 {
		t.Errorf("%+v", r.Change)
	}
}

func TestEventsWithoutTrafficAreFlagged(t *testing.T) {
	b := mixShift()
	b.Denominator.Actual[1] = 0
	checkSaid(t, analyse(t, b, LabelOptions{}), "1 combinations of labels have a numerator and no denominator")
	b.Denominator.Actual, b.Denominator.Forecast = []float64{0, 0}, []float64{0, 0}
	analyse(t, b, LabelOptions{}) // 0/0 must not become NaN
}

func TestRule4_7ReplicasYieldUnlessNamed(t *testing.T) {
	b := shop(7, 4, func(p, _, z int) bool { return p == 2 && z == 1 })
	b.Labels = []string{"path", "version", "pod"}
	checkPlaces(t, analyse(t, b, LabelOptions{}), Explained, "path=/p2 on pod=z1")
	b.Discovered = true
	r := analyse(t, b, LabelOptions{})
	if strings.Contains(placesOf(r), "pod") {
		t.Errorf("located %q", placesOf(r))
	}
	for _, d := range r.Dimensions {
		if d.Label == "pod" && !strings.Contains(d.Note, "replica") {
			t.Errorf("%+v", d)
		}
	}
	for i, leaf := range b.Leaves {
		b.Leaves[i] = []string{leaf[0] + leaf[1] + leaf[2]}
	}
	b.Labels = []string{"pod"}
	if r := analyse(t, b, LabelOptions{}); len(r.Causes) == 0 {
		t.Error("where there is nothing but pods, they are the answer")
	}
}

func TestRule4_16PartialLeavesLowerTheConfidence(t *testing.T) {
	b := shop(8, 4, payOnV2)
	b.Partial = make([]bool, len(b.Leaves))
	for i, leaf := range b.Leaves {
		b.Partial[i] = leaf[0] == "/p2" && leaf[2] != "z0"
	}
	c := analyse(t, b, LabelOptions{}).Causes[0]
	if c.Confidence != Medium || c.Evidence.PartialLeaves != 3 {
		t.Errorf("%s, %s", c.Confidence, asJSON(t, c.Evidence))
	}
}

// Rule 4.15: overlapping values are reported, not silently shared out. Marginals that come from
// leaves add up to the total; others may not.
func TestRule4_15LabelsThatExceedTheTotal(t *testing.T) {
	b := nsdiRevenue()
	b.Total = &Marginal{Values: []string{""}, Numerator: Pieces{Forecast: []float64{80}, Actual: []float64{40}}}
	checkSaid(t, analyse(t, b, LabelOptions{}), "the values of advertiser add up to 25 % more than the total")
	b.Total.Numerator = Pieces{Forecast: []float64{125}, Actual: []float64{70}}
	r := analyse(t, b, LabelOptions{})
	for _, d := range r.Dimensions {
		if !slices.ContainsFunc(d.Elements, func(e Element) bool { return e.Value == "__missing__" && e.Forecast == 25 && e.Actual == 20 }) {
			t.Errorf("%s lacks 25 and 20 of the total: %+v", d.Label, d.Elements)
		}
	}
}

// nsdiRevenue holds tables 2 to 4 of the NSDI'14 paper.
func nsdiRevenue() *Breakdown {
	one := func(label string, values []string, f, a []float64) Marginal {
		return Marginal{Label: label, Values: values, Numerator: Pieces{Forecast: f, Actual: a}}
	}
	return &Breakdown{
		Scale: forecast.Scale{Window: 1},
		Marginals: []Marginal{
			one("data center", []string{"X", "Y"}, []float64{94, 6}, []float64{47, 3}),
			one("advertiser", []string{"A1", "A2", "A3", "A4"}, []float64{50, 20, 20, 10}, []float64{24, 21, 4, 1}),
			one("device", []string{"PC", "Mobile", "Tablet"}, []float64{50, 25, 25}, []float64{49, 1, 0}),
		},
	}
}

// Values from the paper's tables; surprise in bits by equation 7.
func TestPublishedModeMatchesPaper(t *testing.T) {
	r := analyse(t, nsdiRevenue(), LabelOptions{Mode: "nsdi"})
	if len(r.Causes) != 3 {
		t.Fatalf("%d causes", len(r.Causes))
	}
	for k, want := range []struct {
		places   string
		share    float64
		surprise float64
	}{
		{"device=Tablet and Mobile", 0.98, 0.20857221093},
		{"advertiser=A4, A3 and A1", 1.02, 0.040308999102},
		{"data center=X", 0.94, 0},
	} {
		c := r.Causes[k]
		if places(c.Labels) != want.places || math.Abs(c.Share-want.share) > 1e-9 || math.Abs(*c.Evidence.Surprise-want.surprise) > 1e-9 {
			t.Errorf("%d: %s, %v, %v", k, places(c.Labels), c.Share, *c.Evidence.Surprise)
		}
	}
}

func TestHugeValuesAreRefusedByName(t *testing.T) {
	b := shop(9, 4, payOnV2)
	b.Numerator.Actual[5] = 1e200
	r := analyse(t, b, LabelOptions{})
	if r.Verdict != InsufficientEvidence {
		t.Errorf("verdict %s", r.Verdict)
	}
	checkSaid(t, r, "beyond what can be compared")
	checkSaid(t, r, "path=/p0")
}

func TestTooLittleHistoryIsInsufficientEvidence(t *testing.T) {
	b := shop(10, 4, payOnV2)
	b.Numerator.Forecast = nil
	r := analyse(t, b, LabelOptions{})
	if r.Verdict != InsufficientEvidence || len(r.Causes) > 0 {
		t.Errorf("%s, %v", r.Verdict, r.Causes)
	}
	checkSaid(t, r, "not enough history")
}
