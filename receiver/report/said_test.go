// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// anyCause draws a cause named by a unique letter, to recognize it in texts.
func anyCause(t *rapid.T, rank int) analysis.Finding {
	letter := string(rune('P' + rank))
	f := analysis.Finding{
		Rank: rank, Name: letter, Share: rapid.SampledFrom([]float64{0, .07, .31, .52, .95, 1.4}).Draw(t, "share"),
		Kind:       rapid.SampledFrom([]string{analysis.KindLabels, analysis.KindSeries, analysis.KindChange}).Draw(t, "kind"),
		Confidence: rapid.SampledFrom([]analysis.Confidence{analysis.High, analysis.Medium, analysis.Low}).Draw(t, "confidence"),
	}
	level := func(name string) *float64 {
		return rapid.SampledFrom([]*float64{nil, new(0.), new(13.), new(17000.)}).Draw(t, name)
	}
	f.Evidence = analysis.Evidence{Gross: rapid.Bool().Draw(t, "gross"), Gone: rapid.Bool().Draw(t, "gone")}
	switch f.Kind {
	case analysis.KindLabels:
		f.Labels = []map[string]string{{letter: "x"}}
		f.Evidence.Forecast, f.Evidence.Actual = level("forecast"), level("actual")
		if rapid.Bool().Draw(t, "beside others") {
			f.Evidence.OnlyOf, f.Evidence.Along = 29, rapid.IntRange(0, 23).Draw(t, "along")
			f.Evidence.Leaves = rapid.IntRange(0, f.Evidence.Along).Draw(t, "leaves")
		}
	case analysis.KindSeries:
		f.Series, f.Evidence.Before, f.Evidence.After = letter, level("before"), level("after")
		f.Evidence.Vanished = rapid.Bool().Draw(t, "vanished")
		f.Evidence.Members = rapid.SampledFrom([][]string{nil, {"m", "n"}}).Draw(t, "members")
	case analysis.KindChange:
		f.Sentence = letter + " was rolled out"
	}
	return f
}

// anyReport draws a report with any verdict.
func anyReport(t *rapid.T) Report {
	in := input(rapid.SampledFrom(Verdicts()).Draw(t, "verdict"))
	for rank := range rapid.IntRange(0, 4).Draw(t, "causes") {
		in.Result.Causes = append(in.Result.Causes, anyCause(t, rank+1))
	}
	in.Result.Everywhere = rapid.SampledFrom([]analysis.Everywhere{"", analysis.MovedAlike, analysis.MixShifted, analysis.AllStopped}).Draw(t, "everywhere")
	in.Result.Fit = rapid.SampledFrom([]*analysis.Fit{nil, {Series: 37}, {Series: 1}, {Series: 37, Moved: 3}}).Draw(t, "fit")
	in.Result.Load = rapid.SampledFrom([]*analysis.Load{nil, {Series: "lb", Factor: 1.9, Moved: 24, Of: 37}, {Factor: .4, Moved: 24, Of: 37}}).Draw(t, "load")
	change := analysis.Change{
		Target: "errors", Forecast: rapid.SampledFrom([]float64{0, 3.1, 4300}).Draw(t, "expected"), Actual: 41, Siblings: rapid.SampledFrom([]int{0, 1, 19}).Draw(t, "siblings"),
	}
	change.Rising, change.Clock = change.Actual > change.Forecast, rapid.IntRange(0, 9).Draw(t, "clock") == 0
	if rapid.IntRange(0, 9).Draw(t, "known") > 0 {
		in.Result.Change = &change
	} else {
		in.Result.Change = nil
	}
	return New(in)
}

// said returns all texts for people.
func said(r Report) []string { return append([]string{r.Line()}, r.CauseLines(5)...) }

// TestAReportThatWasStoredSaysTheSame reads a report back from its JSON.
func TestAReportThatWasStoredSaysTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Report
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(said(r), said(again)) {
			t.Errorf("%q became %q", said(r), said(again))
		}
	})
}

// figures returns the numbers in a text, with what directly follows them.
func figures(text string) []string {
	return regexp.MustCompile(`[×+−]?[0-9][0-9.]*[kMG]?( %)?`).FindAllString(text, -1)
}

// figuresOf returns the figures that a report may mention: each number of its result in each unit,
// each before and after as a move, and counts.
func figuresOf(r Report) map[string]bool {
	var numbers []float64
	moves := [][2]float64{}
	for _, f := range r.Result.Causes {
		numbers = append(numbers, min(f.Share, 1), float64(f.Evidence.OnlyOf), float64(f.Evidence.Leaves), float64(f.Evidence.Along-f.Evidence.Leaves), float64(len(f.Evidence.Members)))
		if before, after, ok := f.Evidence.Moved(); ok {
			numbers, moves = append(numbers, before, after), append(moves, [2]float64{before, after})
		}
	}
	if c := r.Result.Change; c != nil {
		numbers = append(numbers, c.Forecast, c.Actual, c.Others, float64(c.Siblings), float64(c.Siblings+1))
	}
	if f := r.Result.Fit; f != nil {
		numbers = append(numbers, float64(f.Series))
	}
	if l := r.Result.Load; l != nil {
		numbers, moves = append(numbers, float64(l.Moved), float64(l.Of)), append(moves, [2]float64{1, l.Factor})
	}
	all := map[string]bool{}
	add := func(text string) {
		for _, figure := range figures(text) {
			all[figure], all[strings.TrimLeft(figure, "+−")] = true, true
		}
	}
	for _, v := range numbers {
		for _, u := range []words.Unit{r.Unit(), r.PartUnit(), ""} {
			add(u.Format(v))
		}
		add(words.Percent(v))
	}
	for _, m := range moves {
		add(words.Move(m[0], m[1]))
		add(words.Factor(m[0], m[1]))
	}
	for n := range r.Result.Causes { // and that many more
		add(fmt.Sprint(n))
	}
	return all
}

// ranked matches the rank before a line.
var ranked = regexp.MustCompile(`^[1-5]\. `)

// TestNoSentenceHasAFigureThatTheReportHasNot checks each figure in the texts.
func TestNoSentenceHasAFigureThatTheReportHasNot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		has := figuresOf(r)
		for _, text := range said(r) {
			for _, figure := range figures(ranked.ReplaceAllString(text, "")) {
				if !has[figure] {
					t.Errorf("%q of %q is no figure of the report", figure, text)
				}
			}
		}
	})
}

// TestWhatIsNotConfidentIsNeverSaidAsACause looks for names of causes: one of low confidence must
// be marked as a guess, and only without another answer; one of medium must be "likely".
func TestWhatIsNotConfidentIsNeverSaidAsACause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		for i, f := range r.Result.Causes {
			for _, text := range said(r) {
				before, _, found := strings.Cut(text, string(rune('P'+f.Rank)))
				guess := strings.HasSuffix(before, "; a guess: ") || before == "A guess: "
				switch {
				case !found:
				case f.Confidence == analysis.Low && !(guess && i == 0 && r.Result.Verdict == analysis.NoConfidentCause):
					t.Errorf("a guess is said as %q", text)
				case f.Confidence != analysis.Low && guess:
					t.Errorf("a confident cause is a guess in %q", text)
				case f.Confidence == analysis.Medium && !strings.Contains(text, "likely ") && !strings.Contains(text, "medium confidence"):
					t.Errorf("a likely cause is certain in %q", text)
				}
			}
		}
	})
}

// TestTheLinesOfCausesAreInTheirOrder names each confident cause once, by rank.
func TestTheLinesOfCausesAreInTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		var want []string
		for _, f := range r.Result.Causes {
			if Confident(f) {
				want = append(want, fmt.Sprintf("%d. %c", len(want)+1, 'P'+f.Rank))
			}
		}
		lines := r.CauseLines(5)
		if len(want) == 0 && len(lines) <= 1 {
			return // a guess at most
		}
		for i, line := range lines {
			if len(lines) != len(want) || !strings.HasPrefix(line, want[i]) {
				t.Fatalf("%q, want %q", lines, want)
			}
		}
		if n := rapid.IntRange(0, 5).Draw(t, "lines"); !slices.Equal(r.CauseLines(n), lines[:min(n, len(lines))]) {
			t.Errorf("%d lines are %q", n, r.CauseLines(n))
		}
	})
}

// TestACauseThatNobodyTrustsChangesNoAnswer adds a guess behind confident causes.
func TestACauseThatNobodyTrustsChangesNoAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		if !slices.ContainsFunc(r.Result.Causes, Confident) {
			return
		}
		before := said(r)
		guess := anyCause(t, len(r.Result.Causes)+1)
		guess.Confidence = analysis.Low
		r.Result.Causes = append(slices.Clone(r.Result.Causes), guess)
		if after := said(r); !slices.Equal(before, after) {
			t.Errorf("%q became %q", before, after)
		}
	})
}

// TestAnIncidentOfOneAlertSaysWhatItsReportSays merges a single report.
func TestAnIncidentOfOneAlertSaysWhatItsReportSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyReport(t)
		i := Open("group", start, "").Merge([]Report{r}, start)
		if i.Line() != r.Line() || len(i.CauseLines(5)) != len(r.CauseLines(5)) {
			t.Errorf("the incident says %q and %q, the report %q and %q", i.Line(), i.CauseLines(5), r.Line(), r.CauseLines(5))
		}
	})
}

// TestTheOrderOfReportsMakesNoIncident merges reports in any order.
func TestTheOrderOfReportsMakesNoIncident(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reports := []Report{anyReport(t), anyReport(t), anyReport(t)}
		for k := range reports {
			reports[k].ID, reports[k].Alert.Labels = fmt.Sprint(k), model.LabelSet{"alertname": "A", "n": model.LabelValue(fmt.Sprint(k))}
		}
		a := Open("group", start, "").Merge(reports, start)
		b := Open("group", start, "").Merge(rapid.Permutation(reports).Draw(t, "order"), start)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%+v\n%+v", a, b)
		}
	})
}
