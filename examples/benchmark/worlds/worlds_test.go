// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis"
)

// one returns the first world of each family and level.
func one(seed uint64) []World {
	var list []World
	for _, f := range Families() {
		for _, level := range []Level{Table, Series, Rules, Candidates} {
			if f.Count[level] > 0 {
				list = append(list, f.world(seed, level, 0))
			}
		}
	}
	return list
}

// A world of each family at each of its levels: culprit is right, or silent.
func TestNoAnswerIsConfidentlyWrong(t *testing.T) {
	t.Parallel()
	for _, w := range one(101) {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			r, err := w.Ask(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s := w.Score(r); s.Class == Wrong {
				t.Errorf("%s: true is %s; it says %s %s, %+v", s.Why, w.Truth, r.Verdict, r.Everywhere, r.Causes)
			}
		})
	}
}

func TestASeedMakesTheSameWorlds(t *testing.T) {
	t.Parallel()
	files := func(seed uint64) []map[string]string {
		var all []map[string]string
		for _, w := range one(seed) {
			f, err := w.Files()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
		}
		return all
	}
	first := files(1)
	if diff := cmp.Diff(first, files(1)); diff != "" {
		t.Errorf("the same seed: %s", diff)
	}
	for i, other := range files(2) {
		if cmp.Equal(first[i], other) {
			t.Errorf("%s is the same with another seed", one(1)[i].Name)
		}
	}
}

// perfect is the perfect answer.
func perfect(w World) analysis.Result {
	t := w.Truth
	r := analysis.Result{Verdict: t.Verdict, Everywhere: t.Everywhere}
	if t.Verdict == "" {
		r.Verdict = analysis.Explained
	}
	r.Change = &analysis.Change{Forecast: t.Usual, Actual: t.Now, Rising: !t.Falling}
	for _, set := range t.Sets {
		r.Causes = append(r.Causes, analysis.Finding{Kind: analysis.KindLabels, Labels: []map[string]string{set}, Confidence: analysis.High})
	}
	if len(t.Series) > 0 {
		r.Causes = append(r.Causes, analysis.Finding{Kind: analysis.KindSeries, Series: t.Series[0], Confidence: analysis.High})
	}
	return r
}

// said replaces the causes of an answer by others with a confidence.
func said(r analysis.Result, c analysis.Confidence, causes ...analysis.Finding) analysis.Result {
	r.Causes = slices.Clone(causes)
	for i := range r.Causes {
		r.Causes[i].Confidence = c
	}
	return r
}

func TestTheScorerKnowsTheTruthFromAllElse(t *testing.T) {
	t.Parallel()
	false1 := analysis.Finding{Kind: analysis.KindLabels, Name: "false", Labels: []map[string]string{{"nobody": "has this"}}}
	for _, w := range one(1) {
		right := perfect(w)
		silent := said(right, analysis.Low)
		silent.Verdict, silent.Everywhere = analysis.NoConfidentCause, ""
		for _, tt := range []struct {
			name   string
			answer analysis.Result
			want   []Class
		}{
			{"the truth", right, []Class{Right}},
			{"the truth as a guess", said(right, analysis.Low, right.Causes...), []Class{Good, Right}},
			{"a false cause", said(right, analysis.High, false1), []Class{Wrong}},
			{"a false cause before the truth", said(right, analysis.Medium, append([]analysis.Finding{false1}, right.Causes...)...), []Class{Wrong}},
			{"a false guess", said(silent, analysis.Low, false1), []Class{Honest, Right}},
			{"nothing", silent, []Class{Honest, Right}},
		} {
			s := w.Score(tt.answer)
			if !slices.Contains(tt.want, s.Class) {
				t.Errorf("%s: %s is %s (%s), want one of %v", w.Name, tt.name, s.Class, s.Why, tt.want)
			}
		}
		if len(w.Truth.Sets) > 0 {
			w.refuses(t, right)
		}
	}
}

// refuses checks that verdicts that can't be true where a place moved are rated wrong.
func (w World) refuses(t *testing.T, right analysis.Result) {
	t.Helper()
	for _, v := range []analysis.Verdict{analysis.External, analysis.NoChange} {
		r := said(right, analysis.High)
		r.Verdict, r.Everywhere = v, analysis.MovedAlike
		if s := w.Score(r); s.Class != Wrong {
			t.Errorf("%s: the verdict %s is %s", w.Name, v, s.Class)
		}
	}
	if w.Truth.Still {
		return
	}
	turned := right
	turned.Change = &analysis.Change{Forecast: w.Truth.Now, Actual: w.Truth.Usual, Rising: w.Truth.Falling}
	if s := w.Score(turned); s.Class != Wrong || s.Expected {
		t.Errorf("%s: a change the other way round is %s, its expected value right: %v", w.Name, s.Class, s.Expected)
	}
	if s := w.Score(right); s.Compared && !s.Expected {
		t.Errorf("%s: the true expected value is not right", w.Name)
	}
}

func TestWiderAndNarrowerSetsAreNear(t *testing.T) {
	t.Parallel()
	s := &scene{labels: []string{"a", "b"}, leaves: []leaf{
		{values: []string{"1", "x"}}, {values: []string{"1", "y"}}, {values: []string{"2", "x"}}, {values: []string{"2", "y"}},
	}}
	w := World{scene: s, Truth: Truth{Sets: []map[string]string{{"a": "1"}}}}
	for _, tt := range []struct {
		union []map[string]string
		want  fit
	}{
		{[]map[string]string{{"a": "1"}}, exact},
		{[]map[string]string{{"a": "1", "b": "x"}, {"a": "1", "b": "y"}}, exact}, // the same leaves
		{[]map[string]string{{"a": "1", "b": "x"}}, near},
		{[]map[string]string{{"a": "2"}}, none},
		{[]map[string]string{{"a": "1"}, {"a": "2"}}, none},
		{[]map[string]string{{"b": "x"}}, none},
	} {
		if got, _ := w.fitSets(tt.union); got != tt.want {
			t.Errorf("%v fits as %d, want %d", tt.union, got, tt.want)
		}
	}
	s.alert.own = map[string]string{"a": "1"}
	w.Truth.Sets = []map[string]string{{"a": "1", "b": "x"}}
	if got, _ := w.fitSets([]map[string]string{{"b": "x"}}); got != exact {
		t.Errorf("without the alert's own label it fits as %d", got)
	}
}
