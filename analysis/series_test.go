// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis/words"
)

const step = 60

// slowQueue is an incident: queue waits longer, which slows down checkout and then front, whose
// latency is the KPI; the other series only wander.
func slowQueue(rows, incident int) Frame {
	rng := rand.New(rand.NewPCG(7, 7))
	f := Frame{
		Topology: [][2]string{{"front", "checkout"}, {"checkout", "queue"}, {"front", "cart"}, {"cart", "nobody"}},
	}
	onset := rows - incident
	late := func(i, delay int, by float64) float64 {
		if i >= onset+delay {
			return by
		}
		return 0
	}
	columns := map[string]func(i int) float64{
		"queue|wait":       func(i int) float64 { return 5 + late(i, 0, 40) },
		"checkout|latency": func(i int) float64 { return 20 + late(i, 1, 40) },
		"front|latency":    func(i int) float64 { return 50 + late(i, 1, 40) },
		"cart|cpu":         func(int) float64 { return 30 },
		"cart|mem":         func(int) float64 { return 200 },
		"queue|cpu":        func(int) float64 { return 10 },
	}
	values := map[string][]float64{}
	for i := range rows {
		f.Times = append(f.Times, float64(1_700_000_000+step*i))
		for _, name := range sorted(columns) {
			values[name] = append(values[name], columns[name](i)+rng.NormFloat64())
		}
	}
	f.Onset = f.Times[onset]
	kpi := Target{Name: "front|latency", Values: values["front|latency"]}
	for _, name := range sorted(columns) {
		if name != kpi.Name {
			service, _, _ := strings.Cut(name, "|")
			kpi.Candidates = append(kpi.Candidates, Series{Name: name, Service: service, Values: values[name]})
		}
	}
	f.Targets = []Target{kpi}
	return f
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%v in %+v", err, v)
	}
	return string(b)
}

func warned(r Result, text string) bool {
	return slices.ContainsFunc(r.Warnings, func(w Warning) bool { return strings.Contains(w.Text, text) })
}

func TestFirstSeriesToMoveRanksFirst(t *testing.T) {
	r := Run(slowQueue(200, 5), Options{})
	if r.Verdict != Explained || len(r.Causes) != 5 || r.Causes[0].Series != "queue|wait" || r.Causes[0].Confidence == Low {
		t.Fatalf("verdict %s, causes %s", r.Verdict, asJSON(t, r.Causes))
	}
	first := r.Causes[0]
	for _, key := range []string{"deviation", "association", "coefficient", "phi", "psi", "relevance", "selected", "members", "before", "after", "service"} {
		if text := asJSON(t, first.Evidence); !strings.Contains(text, `"`+key+`":`) {
			t.Errorf("the evidence has no %s: %s", key, text)
		}
	}
	if !strings.Contains(first.Sentence, "rose ×") || first.Rank != 1 || first.Name != first.Series || first.Explains[0] != "front|latency" {
		t.Errorf("first cause %s", asJSON(t, first))
	}
	if last := r.Causes[4]; last.Confidence != Low {
		t.Errorf("a series that did not move has confidence %s", last.Confidence)
	}
	if r.Fit == nil || r.Fit.Series != 5 || r.Fit.Moved < 2 || r.Fit.Moved > 3 {
		t.Errorf("fit %+v, want 5 looked at of which 2 moved", r.Fit)
	}
	if c := r.Change; c == nil || !c.Rising || math.Abs(c.Actual-c.Forecast-40) > 5 {
		t.Errorf("change %+v", r.Change)
	}
}

func TestTheOrderOfColumnsDoesNotMatter(t *testing.T) {
	f := slowQueue(120, 5)
	for _, opt := range []Options{{}, {Series: SeriesOptions{Method: "balance"}}} {
		want := asJSON(t, Run(f, opt))
		for seed := range uint64(5) {
			g := f
			g.Targets = slices.Clone(f.Targets)
			g.Targets[0].Candidates = slices.Clone(f.Targets[0].Candidates)
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(g.Targets[0].Candidates), func(i, j int) {
				c := g.Targets[0].Candidates
				c[i], c[j] = c[j], c[i]
			})
			if d := cmp.Diff(want, asJSON(t, Run(g, opt))); d != "" {
				t.Fatalf("method %q, order %d (-want +got):\n%s", opt.Series.Method, seed, d)
			}
		}
	}
}

// TestBadData covers input that no incident should have and real ones do. The result must be
// valid JSON and say what is wrong.
func TestBadData(t *testing.T) {
	nan := math.NaN()
	fill := func(v float64) func([]float64) {
		return func(x []float64) {
			for i := range x {
				x[i] = v
			}
		}
	}
	for _, c := range []struct {
		name    string
		frame   Frame
		verdict Verdict
		says    string
	}{
		{"three samples of history", slowQueue(8, 5), InsufficientEvidence, "2 quiet samples before an incident"},
		{"one sample of history", slowQueue(6, 5), InsufficientEvidence, "no baseline"},
		{"no history", slowQueue(5, 5), InsufficientEvidence, "there is no sample before the onset"},
		{"no incident", onset(slowQueue(60, 5), 1e12), InsufficientEvidence, "there is no sample at or after the onset"},
		{"nothing at all", onset(cut(slowQueue(60, 5), 0), 5), InsufficientEvidence, "there is no sample"},
		{"one sample in the incident", slowQueue(60, 1), Explained, "the KPI hardly moved"},
		{"a KPI that does not move", kpi(slowQueue(200, 5), fill(50)), NoConfidentCause, "the KPI hardly moved"},
		{"a KPI without samples", kpi(slowQueue(200, 5), fill(nan)), InsufficientEvidence, "the KPI has no sample before"},
		{"a KPI without samples in the incident", kpi(slowQueue(200, 5), func(x []float64) { fill(nan)(x[195:]) }), InsufficientEvidence, "the KPI has no sample in the incident"},
		{"constant series", series(slowQueue(200, 5), fill(3)), NoConfidentCause, ""},
		{"empty series", series(slowQueue(200, 5), fill(nan)), InsufficientEvidence, "no candidate has enough data"},
		{"infinite series", series(slowQueue(200, 5), fill(math.Inf(1))), InsufficientEvidence, "no candidate has enough data"},
		{"huge series", series(slowQueue(200, 5), func(x []float64) { x[198] = math.MaxFloat64; x[3] = -math.MaxFloat64 }), "", ""},
		{"series that begin in the incident", series(slowQueue(200, 5), func(x []float64) { fill(nan)(x[:195]) }), InsufficientEvidence, "left out"},
		{"a KPI of huge values", kpi(slowQueue(200, 5), func(x []float64) { fill(math.MaxFloat64)(x[195:]) }), "", ""},
	} {
		for _, method := range []string{"rank", "balance"} {
			t.Run(c.name+", "+method, func(t *testing.T) {
				r := Run(c.frame, Options{Series: SeriesOptions{Method: method}})
				text := asJSON(t, r)
				if strings.Contains(text, "defect") {
					t.Errorf("it broke: %s", text)
				}
				if method == "balance" || c.verdict == "" {
					return
				}
				if r.Verdict != c.verdict || c.says != "" && !warned(r, c.says) {
					t.Errorf("verdict %s, want %s and a warning with %q: %s", r.Verdict, c.verdict, c.says, text)
				}
			})
		}
	}
}

func onset(f Frame, at float64) Frame { f.Onset = at; return f }

func cut(f Frame, rows int) Frame {
	f.Times = f.Times[:rows]
	return change(f, func(x []float64) []float64 { return x[:rows] }, true, true)
}

func kpi(f Frame, with func([]float64)) Frame {
	return change(f, func(x []float64) []float64 { with(x); return x }, true, false)
}

func series(f Frame, with func([]float64)) Frame {
	return change(f, func(x []float64) []float64 { with(x); return x }, false, true)
}

// change replaces the values in copies of the KPI, the candidates, or both.
func change(f Frame, with func([]float64) []float64, target, candidates bool) Frame {
	t := f.Targets[0]
	if target {
		t.Values = with(slices.Clone(t.Values))
	}
	t.Candidates = slices.Clone(t.Candidates)
	for i := range t.Candidates {
		if candidates {
			t.Candidates[i].Values = with(slices.Clone(t.Candidates[i].Values))
		}
	}
	f.Targets = []Target{t}
	return f
}

// If the KPI doesn't move, no candidate is a confident cause, however far it moves.
func TestUnmovedKPIHasNoConfidentCause(t *testing.T) {
	moves := slowQueue(200, 5)
	if confidentCauses(Run(moves, Options{})) == "" {
		t.Fatal("the series is not found where the KPI moves")
	}
	for name, still := range map[string]Frame{
		"constant": kpi(moves, func(x []float64) { copy(x, slices.Repeat([]float64{.01}, len(x))) }),
		"noise": kpi(moves, func(x []float64) {
			for i := range x {
				x[i] = .01 + 1e-6*float64(i%3)
			}
		}),
	} {
		still.Targets[0].Unit = words.Ratio
		if r := Run(still, Options{}); confidentCauses(r) != "" {
			t.Errorf("%s: %s", name, asJSON(t, r.Causes))
		}
	}
}

// TestTwins checks that copies of a series are one finding within a service, and separate
// findings across services.
func TestTwins(t *testing.T) {
	f := slowQueue(200, 5)
	cause := f.Targets[0].Candidates[slices.IndexFunc(f.Targets[0].Candidates, func(s Series) bool { return s.Name == "queue|wait" })]
	for _, c := range []struct {
		name, service string
		members       []string
	}{
		{"queue|wait_copy", "queue", []string{"queue|wait_copy"}},
		{"other|wait", "other", []string{}},
	} {
		g := f
		twin := cause
		twin.Name, twin.Service = c.name, c.service
		g.Targets = []Target{f.Targets[0]}
		g.Targets[0].Candidates = append(slices.Clone(f.Targets[0].Candidates), twin)
		r := Run(g, Options{})
		listed := slices.ContainsFunc(r.Causes, func(f Finding) bool { return f.Series == c.name })
		at := slices.IndexFunc(r.Causes, func(f Finding) bool { return f.Series == "queue|wait" })
		if at < 0 || listed != (len(c.members) == 0) || cmp.Diff(c.members, r.Causes[at].Evidence.Members) != "" {
			t.Errorf("%s: listed %v, causes %s", c.name, listed, asJSON(t, r.Causes))
		}
	}
}

func TestTopLimitsTheList(t *testing.T) {
	for _, top := range []int{1, 3, 100} {
		r := Run(slowQueue(120, 5), Options{Series: SeriesOptions{Top: top}})
		if want := min(top, 5); len(r.Causes) != want {
			t.Errorf("%d causes for --top %d", len(r.Causes), top)
		}
	}
}

func TestRowsAfterTheEndAreIgnored(t *testing.T) {
	f := slowQueue(200, 5)
	f.End = f.Times[199]
	want := asJSON(t, Run(f, Options{}))
	g := f
	g.Times = append(slices.Clone(f.Times), f.End+step)
	g = change(g, func(x []float64) []float64 { return append(x, 1e6) }, true, true)
	if d := cmp.Diff(want, asJSON(t, Run(g, Options{}))); d != "" {
		t.Errorf("-without +with:\n%s", d)
	}
}

func TestKindFromTheNameOfTheMetricAlone(t *testing.T) {
	for _, c := range []struct{ given, name, want string }{
		{"", "error-tracker|container_cpu_usage", "cpu"},
		{"", `go_memstats_alloc_bytes{pod="network-gateway"}`, "mem"},
		{"", "cart|requests_total", "traffic"},
		{"io", "cart|requests_total", "io"},
		{"nonsense", "cart|requests_total", "traffic"},
	} {
		if got := (Series{Name: c.name, Kind: c.given}).kind().String(); got != c.want {
			t.Errorf("%q of kind %q is %s, want %s", c.name, c.given, got, c.want)
		}
	}
}

func TestSeveralKPIsAreOneIncident(t *testing.T) {
	f := slowQueue(200, 5)
	second := f.Targets[0]
	second.Name = "checkout|latency"
	second.Values = second.Candidates[slices.IndexFunc(second.Candidates, func(s Series) bool { return s.Name == "checkout|latency" })].Values
	for i := range f.Targets {
		f.Targets[i].Candidates = slices.DeleteFunc(slices.Clone(f.Targets[i].Candidates), func(s Series) bool { return s.Name == second.Name })
	}
	second.Candidates = f.Targets[0].Candidates
	f.Targets = append(f.Targets, second)
	r := Run(f, Options{})
	if r.Causes[0].Series != "queue|wait" || !r.Causes[0].Common || fmt.Sprint(r.Causes[0].Explains) != "[front|latency checkout|latency]" {
		t.Errorf("first cause %s", asJSON(t, r.Causes[0]))
	}
	seen := map[string]bool{}
	for i, c := range r.Causes {
		if seen[c.Series] || c.Rank != i+1 {
			t.Errorf("cause %d: %s at %d", i, c.Series, c.Rank)
		}
		seen[c.Series] = true
	}
}

func BenchmarkRun(b *testing.B) {
	for _, n := range []int{200, 600} {
		b.Run(fmt.Sprintf("%d series of 600 rows", n), func(b *testing.B) {
			f := many(n, 600)
			b.ReportAllocs()
			for b.Loop() {
				Run(f, Options{})
			}
		})
	}
}

// many is an incident with n series, a tenth of which move.
func many(n, rows int) Frame {
	rng := rand.New(rand.NewPCG(1, 2))
	f := Frame{}
	t := Target{Name: "kpi|latency"}
	for i := range rows {
		f.Times = append(f.Times, float64(step*(i+1)))
	}
	load := make([]float64, rows)
	for i := range load {
		load[i] = rng.NormFloat64()
	}
	column := func(moves float64) []float64 {
		x := make([]float64, rows)
		for i := range x {
			x[i] = 100 + load[i] + rng.NormFloat64()
			if i >= rows-20 {
				x[i] += moves
			}
		}
		return x
	}
	f.Onset, t.Values = f.Times[rows-20], column(20)
	for j := range n {
		moves := 0.0
		if j%10 == 0 {
			moves = 30 * rng.Float64()
		}
		t.Candidates = append(t.Candidates, Series{Name: fmt.Sprintf("s%03d|m%d", j/8, j), Service: fmt.Sprintf("s%03d", j/8), Values: column(moves)})
	}
	f.Targets = []Target{t}
	return f
}

func TestBaselineIsAsLongAsMostSeries(t *testing.T) {
	f := slowQueue(200, 20)
	for i := range f.Targets[0].Candidates {
		for row := range 100 { // as if Prometheus had started at row 100
			f.Targets[0].Candidates[i].Values[row] = math.NaN()
		}
	}
	r := Run(f, Options{})
	if len(r.Causes) == 0 || r.Causes[0].Name != "queue|wait" {
		t.Errorf("%v", r.Causes)
	}
	checkSaid(t, r, "most series are at most 80 min old: the baseline is no longer than that")

	f = slowQueue(200, 20)
	for row := range 120 { // one much younger than the rest is left out
		f.Targets[0].Candidates[0].Values[row] = math.NaN()
	}
	checkSaid(t, Run(f, Options{}), "1 of 5 series left out: more than 60 % of their baseline or all of the incident is missing")
}

// Nobody knows what is usual of series that are a few minutes old.
func TestYoungSeriesAreNoConfidentCause(t *testing.T) {
	for step, old := range map[float64]bool{14: false, 16: true} { // 19 and 21 minutes
		f := slowQueue(200, 20)
		for i := range f.Times {
			f.Times[i] = f.Times[0] + step*float64(i)
		}
		f.Onset = f.Times[180]
		for i := range f.Targets[0].Candidates {
			for row := range 100 {
				f.Targets[0].Candidates[i].Values[row] = math.NaN()
			}
		}
		r := Run(f, Options{})
		if got := confidentCauses(r); (got != "") != old || len(r.Causes) == 0 || r.Causes[0].Name != "queue|wait" {
			t.Errorf("rows of %v s: confident %q of %s", step, got, asJSON(t, r.Causes))
		}
	}
}

func TestConstantSeriesIsNotListed(t *testing.T) {
	f := slowQueue(200, 20)
	f.Targets[0].Candidates[0].Values = slices.Repeat([]float64{1}, 200)
	f.Targets[0].Candidates[0].Values[7] = math.NaN()
	r := Run(f, Options{})
	for _, c := range r.Causes {
		if c.Name == f.Targets[0].Candidates[0].Name {
			t.Errorf("%s", c.Sentence)
		}
	}
	if len(r.Causes) != 4 {
		t.Errorf("%d causes of 5 series", len(r.Causes))
	}
}

// After a rollout most series are minutes old; the older ones still count.
func TestOldSeriesStillCountAfterRollout(t *testing.T) {
	f := slowQueue(200, 20)
	for i, s := range f.Targets[0].Candidates {
		for row := range 175 {
			if s.Name != "queue|wait" {
				f.Targets[0].Candidates[i].Values[row] = math.NaN()
			}
		}
	}
	r := Run(f, Options{})
	if len(r.Causes) == 0 || r.Causes[0].Name != "queue|wait" || r.Fit == nil || r.Fit.Moved != 1 {
		t.Errorf("%v %v", r.Causes, r.Warnings)
	}
}

// A series that vanished and came back unchanged is no confident cause of an alert that still
// fires; one that stays away is.
func TestVanishedSeriesThatCameBackIsNoConfidentCause(t *testing.T) {
	for away, sure := range map[int]bool{5: false, 18: true} {
		f := slowQueue(200, 20)
		for _, s := range f.Targets[0].Candidates {
			if s.Service == "queue" {
				copy(s.Values, slices.Repeat([]float64{27_660_288}, len(s.Values)))
			} else {
				copy(s.Values[180:], s.Values[:20]) // the others don't move
			}
			if s.Name == "queue|wait" {
				copy(s.Values[182:], make([]float64, away))
			}
		}
		r := Run(f, Options{})
		at := slices.IndexFunc(r.Causes, func(f Finding) bool { return f.Name == "queue|wait" })
		if at < 0 || (r.Causes[at].Confidence != Low) != sure {
			t.Errorf("%d samples: %s", away, asJSON(t, r.Causes))
		}
	}
}
