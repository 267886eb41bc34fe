// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis/changes"
)

// rolledOut is a rollout of a service, the given seconds before the onset.
func rolledOut(f Frame, service string, before float64) changes.Change {
	return changes.Change{
		At: f.Onset - before, Title: service + " was rolled out", Labels: map[string]string{"service": service},
		From: "v0", To: "v1", Source: "test",
	}
}

// confidentCauses lists kind and name of the causes whose confidence is not low.
func confidentCauses(r Result) string {
	var list []string
	for _, c := range r.Causes {
		if c.Confidence != Low {
			list = append(list, c.Kind+" "+c.Name)
		}
	}
	return strings.Join(list, "; ")
}

func TestNoChangesLeaveResultAsIs(t *testing.T) {
	f := slowQueue(200, 5)
	f.Labels = map[string]string{"service": "front"}
	want := asJSON(t, Run(f, Options{}))
	f.Changes = []changes.Change{}
	if got := asJSON(t, Run(f, Options{})); got != want {
		t.Errorf("%s\n%s", want, got)
	}
	if strings.Contains(want, "change\":{\"at") || strings.Contains(want, "changes") {
		t.Errorf("nobody has asked for changes: %s", want)
	}
}

// The report says "only" if no other part has a share worth mentioning.
func TestReportSaysOnlyOfNewVersion(t *testing.T) {
	say := func(version string, share float64) string {
		c := changes.Cause{Change: changes.Change{Title: "pay was rolled out", From: "v1", To: "v2"}}
		found := Finding{Share: share, Evidence: Evidence{Places: []Set{{"version": version}}}}
		return sayPart(c, found, Target{Title: "the error ratio"})
	}
	for got, want := range map[string]string{
		say("v2", 1):  "the error ratio changed on version=v2 only",
		say("v2", .8): "80 % of the change of the error ratio is version=v2",
		say("v1", 1):  "100 % of the change of the error ratio is version=v1",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestALabelSetASeriesAndAChangeAreOneCause(t *testing.T) {
	f := slowQueue(200, 5)
	f.Targets[0].Breakdown = shop(1, 3, func(_, v, _ int) bool { return v == 1 })
	if apart := Run(f, Options{}); !strings.Contains(confidentCauses(apart), "labels ") || !strings.Contains(confidentCauses(apart), "series queue|wait") {
		t.Fatalf("without the change there are %s", confidentCauses(apart))
	}
	f.Changes = []changes.Change{rolledOut(f, "queue", 90), rolledOut(f, "cart", 90)}
	r := Run(f, Options{Changes: ChangeOptions{Top: 2}})
	first := r.Causes[0]
	if first.Kind != KindChange || first.Confidence != High || first.Change == nil || first.Labels[0]["service"] != "queue" {
		t.Fatalf("the first cause is %s", asJSON(t, first))
	}
	if first.Series != "queue|wait" || len(first.Evidence.Places) == 0 || first.Evidence.Places[0]["version"] != "v1" || first.Share <= 0 {
		t.Errorf("its pieces of evidence are %s", asJSON(t, first))
	}
	if got := confidentCauses(r); strings.Contains(got, "version") || strings.Contains(got, "queue|wait") {
		t.Errorf("one thing is listed twice: %s", got)
	}
	for _, want := range []string{"queue was rolled out 90 s before (v0 → v1); ", "changed on version=v1 only"} {
		if !strings.Contains(first.Sentence, want) {
			t.Errorf("%q does not say %q", first.Sentence, want)
		}
	}
	var told struct {
		Change struct{ At float64 }
	}
	if err := json.Unmarshal([]byte(asJSON(t, first)), &told); err != nil || told.Change.At != f.Onset-90 {
		t.Errorf("the JSON has %+v, %v", told, err)
	}
	if cart := r.Causes[slices.IndexFunc(r.Causes, func(c Finding) bool { return c.Kind == KindChange && c.Labels[0]["service"] == "cart" })]; cart.Confidence != Low {
		t.Errorf("an innocent release has confidence %s", cart.Confidence)
	}
}

// To know for certain where something broke is not to know what broke it.
func TestChangeIsNoSurerForItsPlace(t *testing.T) {
	change := Finding{Kind: KindChange, Confidence: Medium}
	change.absorb(Finding{Kind: KindLabels, Confidence: High, Share: 1, Labels: []Set{{"instance": "a"}}})
	if change.Confidence != Medium {
		t.Errorf("a label set makes it %s", change.Confidence)
	}
	change.absorb(Finding{Kind: KindSeries, Confidence: High, Series: "queue|wait"})
	if change.Confidence != High || change.Share != 1 || change.Series != "queue|wait" || len(change.Evidence.Places) != 1 {
		t.Errorf("%s", asJSON(t, change))
	}
}

func TestOneOfTheReleasedServices(t *testing.T) {
	f := slowQueue(200, 5)
	for _, service := range []string{"cart", "checkout", "queue"} {
		f.Changes = append(f.Changes, rolledOut(f, service, 60))
	}
	r := Run(f, Options{Changes: ChangeOptions{Top: 3}})
	var order []string
	for _, c := range r.Causes {
		if c.Kind == KindChange {
			order = append(order, c.Labels[0]["service"])
		}
	}
	if len(order) != 3 || order[0] != "queue" || order[1] != "checkout" {
		t.Errorf("of the released services the order is %v", order)
	}
}

func TestReleasedServiceRanksFirst(t *testing.T) {
	f := slowQueue(200, 5)
	services := func(list ...changes.Change) (names []string) {
		f.Changes = list
		for _, c := range Run(f, Options{}).Causes {
			name := c.Evidence.Service
			if c.Kind == KindChange {
				name = c.Labels[0]["service"]
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return names
	}
	if got := services(); got[0] != "queue" {
		t.Fatalf("without changes the order is %v", got)
	}
	if got := services(rolledOut(f, "checkout", 60)); got[0] != "checkout" || got[1] != "queue" {
		t.Errorf("checkout moved as well and was released a minute before; the order is %v", got)
	}
	if got := services(rolledOut(f, "cart", 60)); got[0] != "queue" {
		t.Errorf("cart was released, and did not move; the order is %v", got)
	}
	if got := services(rolledOut(f, "checkout", 6*3600)); got[0] != "queue" {
		t.Errorf("checkout was released six hours before; the order is %v", got)
	}
}

func TestChangeAfterOnsetIsListedSeparately(t *testing.T) {
	f := slowQueue(200, 5)
	f.Changes = []changes.Change{rolledOut(f, "queue", -30)}
	r := Run(f, Options{})
	if slices.ContainsFunc(r.Causes, func(c Finding) bool { return c.Kind == KindChange }) {
		t.Errorf("a remedy is a cause: %s", asJSON(t, r.Causes))
	}
	if r.Changes == nil || r.Changes.Before != 0 || len(r.Changes.Later) != 1 {
		t.Errorf("the changes are %s", asJSON(t, r.Changes))
	}
	f.Changes, f.ChangesSince = nil, f.Times[0]
	if r := Run(f, Options{}); r.Changes == nil || r.Changes.Before != 0 {
		t.Errorf("that none was found is not said: %s", asJSON(t, r.Changes))
	}
}

// A release in a quiet time is never reported with confidence.
func TestReleaseInQuietTimeIsNeverConfident(t *testing.T) {
	for seed := range uint64(20) {
		f := slowQueue(200, 5)
		rng := rand.New(rand.NewPCG(seed, 2))
		for i := range f.Targets[0].Candidates {
			f.Targets[0].Candidates[i].Values = calmValues(rng, len(f.Times))
		}
		f.Targets[0].Values = calmValues(rng, len(f.Times))
		f.Labels = map[string]string{"service": "cart"}
		for _, service := range []string{"cart", "queue", "checkout"} {
			f.Changes = append(f.Changes, rolledOut(f, service, float64(rng.IntN(900))))
		}
		if got := confidentCauses(Run(f, Options{})); got != "" {
			t.Errorf("seed %d: %s", seed, got)
		}
		for i := range f.Targets { // also without any candidates
			f.Targets[i].Candidates = nil
		}
		if got := confidentCauses(Run(f, Options{})); got != "" {
			t.Errorf("seed %d, the KPI alone: %s", seed, got)
		}
	}
}

func calmValues(rng *rand.Rand, n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = 20 + rng.NormFloat64()
	}
	return values
}

// Four services are released at once, which empties the memory of each; the fault in one of
// them is small compared to that.
func TestEffectCommonToAllReleasesIsNoEvidence(t *testing.T) {
	const rows, incident = 200, 8
	rng := rand.New(rand.NewPCG(3, 3))
	f := Frame{Targets: []Target{{Name: "entry|latency"}}}
	onset := rows - incident
	fault := func(i int) float64 {
		if i >= onset {
			return 8
		}
		return 0
	}
	for i := range rows {
		f.Times = append(f.Times, float64(1_700_000_000+step*i))
		f.Targets[0].Values = append(f.Targets[0].Values, 50+2*fault(i)+rng.NormFloat64())
	}
	f.Onset = f.Times[onset]
	for s := range 5 {
		name := fmt.Sprintf("s%d", s)
		var mem, cpu []float64
		for i := range rows {
			m, c := 200+rng.NormFloat64(), 20+rng.NormFloat64()
			if i >= onset-1 {
				m *= 0.6 + 0.005*float64(s)
			}
			if s == 2 {
				c += fault(i)
			}
			mem, cpu = append(mem, m), append(cpu, c)
		}
		f.Targets[0].Candidates = append(f.Targets[0].Candidates,
			Series{Name: name + "|mem", Service: name, Kind: "mem", Values: mem}, Series{Name: name + "|cpu", Service: name, Kind: "cpu", Values: cpu})
	}
	for s := range 5 {
		f.Changes = append(f.Changes, rolledOut(f, fmt.Sprintf("s%d", s), 2*step))
	}
	first := Run(f, Options{}).Causes[0]
	if first.Kind != KindChange || first.Labels[0]["service"] != "s2" {
		t.Errorf("the first cause is %s", asJSON(t, first))
	}
	if before, after, ok := first.Evidence.Moved(); !ok || before < 15 || after > 300 {
		t.Errorf("it is told from %g to %g", before, after)
	}
}

func TestChangeIsReportedOnceForSeveralTargets(t *testing.T) {
	f := slowQueue(200, 5)
	f.Targets = append(f.Targets, f.Targets[0])
	f.Targets[1].Name = "front|latency again"
	f.Changes = []changes.Change{rolledOut(f, "queue", 90)}
	r := Run(f, Options{})
	n := 0
	for _, c := range r.Causes {
		if c.Kind == KindChange {
			n++
		}
	}
	if first := r.Causes[0]; n != 1 || first.Kind != KindChange || len(first.Explains) != 2 || !first.Common {
		t.Errorf("%d changes, the first cause is %s", n, asJSON(t, r.Causes[0]))
	}
}

func TestEveryKindKeepsItsPlace(t *testing.T) {
	var l lists
	for i := range 8 {
		l.what = append(l.what, Finding{Kind: KindChange, Name: fmt.Sprint("c", i), Confidence: High})
	}
	l.where = []Finding{{Kind: KindLabels, Name: "where", Confidence: Medium, Share: 0.5}}
	l.why = []Finding{{Kind: KindSeries, Name: "why", Confidence: Medium, Share: 0.4}}
	var kinds []string
	for _, f := range oneList(l)[:5] {
		kinds = append(kinds, f.Kind)
	}
	for _, kind := range []string{KindChange, KindLabels, KindSeries} {
		if !slices.Contains(kinds, kind) {
			t.Errorf("the first five are %v: there is no %s", kinds, kind)
		}
	}
}
