// SPDX-License-Identifier: Apache-2.0

package expressions

import "testing"

// open lists alerts without the right answer yet, and how they are rated. Remove an entry once it
// is answered.
var open = map[string]Class{}

func TestWhatAPersonWouldAnswer(t *testing.T) {
	for _, a := range Corpus() {
		t.Run(a.Kind+"/"+a.Name, func(t *testing.T) {
			want, known := open[a.Name]
			if !known {
				want = Right
			}
			o, err := a.Ask(t.Context(), a.Expr)
			if err != nil {
				t.Fatal(err)
			}
			if o.Class != want {
				t.Errorf("%s, want %s: %s\nsaid: %s\nof:   %s", o.Class, want, o.Why, o.Line, a.Expr)
			}
		})
	}
}

func TestNamesAreNotTakenTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Corpus() {
		if seen[a.Name] {
			t.Errorf("%q is the name of two alerts", a.Name)
		}
		seen[a.Name] = true
	}
	if len(seen) < 60 {
		t.Errorf("%d alerts", len(seen))
	}
}

func TestVariantsAreOtherWords(t *testing.T) {
	got := Variants(`sum(a) > 5`)
	want := []string{`sum(a) > 5`, `(sum(a) > 5)`, `(sum(a) > 5) and (sum(a) > 5)`, `5 < (sum(a))`, `100 * (sum(a)) > 100 * 5`}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	if got := Variants(`a > b`); len(got) != 3 {
		t.Errorf("%q", got)
	}
}
