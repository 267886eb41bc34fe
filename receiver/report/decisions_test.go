// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

// TestALineSaysWhatIsMissing has figures that are zero, empty lists, and lists of one.
func TestALineSaysWhatIsMissing(t *testing.T) {
	unknown := func(in Input) Input { in.Result.Change = nil; return in }
	two := func(in Input) Input { in = among(in); in.Result.Change.Siblings = 1; return in }
	evidence := func(e analysis.Evidence) func(*analysis.Finding) {
		return func(f *analysis.Finding) { f.Evidence = e }
	}
	still := func(of []string) Input {
		in := input(analysis.NoConfidentCause)
		in.Result.Fit = &analysis.Fit{Series: 1, Of: of}
		return in
	}
	steady := with(payV2(), func(f *analysis.Finding) {
		f.Rank, f.Share, f.Labels, f.Evidence.Actual = 2, .1, []map[string]string{{"path": "/b"}}, new(1.1)
	})
	first := with(payV2(), func(f *analysis.Finding) { f.Share, f.Labels = .15, []map[string]string{{"path": "/a"}} })
	without := with(steady, func(f *analysis.Finding) { f.Evidence = analysis.Evidence{} })
	low := with(payV2(), func(f *analysis.Finding) { f.Confidence = analysis.Low })
	rollout := analysis.Finding{Rank: 2, Kind: analysis.KindChange, Confidence: analysis.High, Name: "a", Sentence: "shop was rolled out; v2 has it"}
	for _, c := range []struct {
		in   Input
		want string
	}{
		{unknown(input(analysis.NoConfidentCause)), "No cause found: CheckoutErrors moved, but nothing stands out"},
		{unknown(everywhere(analysis.MixShifted)), "No part changed: the ratio moved because traffic"},
		{two(everywhere(analysis.MovedAlike)), "Not this one alone: both series moved alike"},
		{two(everywhere(analysis.AllStopped)), ", and so have both series;"},
		{among(unlimited(everywhere(analysis.MovedAlike))), "all 20 series moved alike"},
		{loaded(analysis.Load{Factor: 1.04, Moved: 2, Of: 3}), "Load rose everywhere"},
		{still(nil), "but none of 1 series moved"},
		{still([]string{"Redis"}), "but none of 1 series of Redis moved"},
		{input(analysis.Explained, with(payV2(), evidence(analysis.Evidence{OnlyOf: 18, Gone: true}))), "only path=/pay, version=v2 of 18 series is gone"},
		{input(analysis.Explained, with(payV2(), evidence(analysis.Evidence{OnlyOf: 18, Along: 2, Leaves: 2, Gone: true}))), "2 of 18 series are gone"},
		{input(analysis.Explained, with(payV2(), evidence(analysis.Evidence{OnlyOf: 18, Along: 1}))), "only path=/pay, version=v2 of 18 series"},
		{input(analysis.Explained, with(payV2(), func(f *analysis.Finding) { f.Share, f.Evidence = 0, analysis.Evidence{Gone: true} })), "path=/pay, version=v2 stands out"},
		{input(analysis.Explained, with(payV2(), func(f *analysis.Finding) { f.Evidence = analysis.Evidence{Gone: true} })), "path=/pay, version=v2 is gone: 82 % of the rise"},
		{input(analysis.Explained, first, without), "15 % of the rise is path=/a, 10 % path=/b"}, // its destination is unknown
		{input(analysis.Explained, first, steady), "path=/a (1.1/s → 32.2/s) and path=/b (1.1/s → 1.1/s) moved against each other"},
		{input(analysis.Explained, low, rollout), "shop was rolled out; v2 has it"},
	} {
		if got := New(c.in).Line(); !strings.Contains(got, c.want) {
			t.Errorf("%q has no %q", got, c.want)
		}
	}
	if still := StillSeries(&analysis.Fit{}); still != "" {
		t.Errorf("nothing was looked at, and %q", still)
	}
}

// unlimited is about an alert with only a name.
func unlimited(in Input) Input {
	in.Alert.Labels = model.LabelSet{"alertname": "A"}
	return in
}

// TestALabelThatOneOfTwoAlertsHasTellsThemApart names them in either order.
func TestALabelThatOneOfTwoAlertsHasTellsThemApart(t *testing.T) {
	of := func(labels model.LabelSet) Report { return Report{Alert: Alert{Labels: labels}} }
	plain, zoned := of(model.LabelSet{"alertname": "A", "job": "x"}), of(model.LabelSet{"alertname": "A", "job": "x", "zone": "b"})
	for _, pair := range [][]Report{{plain, zoned}, {zoned, plain}} {
		names := kpiNames(pair)
		if a, b := names(0), names(1); len(a)+len(b) != len("A")+len("A{zone=b}") || a == b {
			t.Errorf("%q and %q", a, b)
		}
	}
	if one := otherLabels([]map[string]string{{"job": "x", "zone": "b"}}, model.LabelSet{"job": "y"}); len(one[0]) != 2 {
		t.Errorf("another value of a label is left out: %v", one)
	}
}

// TestAnIncidentSaysHowManyItsFirstCauseExplains merges alerts of which some have it.
func TestAnIncidentSaysHowManyItsFirstCauseExplains(t *testing.T) {
	report := func(id string, causes ...analysis.Finding) Report {
		r := New(input(analysis.Explained, causes...))
		r.ID = id
		return r
	}
	other := with(dbConnections(), func(f *analysis.Finding) { f.Name, f.Series, f.Share = "other", "other", .1 })
	for want, reports := range map[string][]Report{
		"; the first explains all of them": {report("a", payV2()), report("b", payV2())},
		"; the first explains 2 of them":   {report("a", payV2()), report("b", payV2()), report("c", other)},
		"; the first explains 1 of them":   {report("a", payV2()), report("b", other)},
	} {
		i := Open("group", start, "").Merge(reports, start)
		if !strings.HasSuffix(i.Line(), want) {
			t.Errorf("%q has no %q", i.Line(), want)
		}
	}
}

// TestTheMoreConfidentFindingOfACauseIsKept merges two, in either order.
func TestTheMoreConfidentFindingOfACauseIsKept(t *testing.T) {
	high, medium := payV2(), with(payV2(), func(f *analysis.Finding) { f.Confidence, f.Share = analysis.Medium, .9 })
	more := with(payV2(), func(f *analysis.Finding) { f.Share, f.Sentence = .99, "more of it" })
	for _, c := range [][3]analysis.Finding{{high, medium, high}, {medium, high, high}, {high, more, more}, {more, high, more}} {
		a, b := New(input(analysis.Explained, c[0])), New(input(analysis.Explained, c[1]))
		a.ID, b.ID = "a", "b"
		got := Open("group", start, "").Merge([]Report{a, b}, start).Causes[0]
		if got.Confidence != c[2].Confidence || got.Sentence != c[2].Sentence {
			t.Errorf("%v and %v become %v", c[0], c[1], got)
		}
	}
}

// TestALookWithoutEvidenceIsNeverWorthMore has two that found nothing, and looks that
// disagree by a label that one has not.
func TestALookWithoutEvidenceIsNeverWorthMore(t *testing.T) {
	if _, replaced := Later(lookAt(2, Failed, analysis.InsufficientEvidence), lookAt(3, Failed, analysis.InsufficientEvidence)); !replaced {
		t.Error("of two looks without evidence the first stands")
	}
	pay := set(analysis.High, map[string]string{"path": ""})
	zone := set(analysis.High, map[string]string{"zone": "a"})
	if _, replaced := Later(lookAt(2, Complete, analysis.Explained, pay), lookAt(3, Complete, analysis.Explained, zone)); replaced {
		t.Error("a label that is not there is as one that is empty")
	}
	partial := func(minutes int, f analysis.Finding) Report { return lookAt(minutes, Partial, analysis.Explained, f) }
	if _, replaced := Later(partial(2, set(analysis.High, map[string]string{"path": "/a"})), partial(4, zone)); !replaced {
		t.Error("of two partial looks that of twice the time is not worth more")
	}
	r := Report{Status: Failed, Result: analysis.Result{Warnings: []analysis.Warning{{Source: sourceLater, Text: "another"}, {Source: "history", Text: "why"}}}}
	if got := r.Line(); got != "No answer: why" {
		t.Errorf("a footnote is the reason: %q", got)
	}
}

// TestAnIncidentEndsWithItsLastAlert resolves alerts at different times.
func TestAnIncidentEndsWithItsLastAlert(t *testing.T) {
	early, late := New(input(analysis.Explained, payV2())), New(input(analysis.Explained, payV2()))
	early.ResolvedAt, late.ResolvedAt = new(start.Add(time.Minute)), new(start.Add(time.Hour))
	for _, reports := range [][]Report{{early, late}, {late, early}} {
		if i := Open("group", start, "").Merge(reports, start.Add(2*time.Hour)); i.ResolvedAt == nil || !i.ResolvedAt.Equal(*late.ResolvedAt) {
			t.Errorf("ended at %v", i.ResolvedAt)
		}
	}
}
