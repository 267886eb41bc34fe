// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func bytesOf(t *testing.T, r Result) []byte {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// permuted is the same breakdown with its rows and labels reordered.
func permuted(b *Breakdown, rows, labels []int) *Breakdown {
	out := *b
	out.Labels = arrange(b.Labels, labels)
	out.Leaves = make([][]string, len(rows))
	for to, from := range rows {
		out.Leaves[to] = arrange(b.Leaves[from], labels)
	}
	out.Numerator = arranged(b.Numerator, rows)
	out.Partial = arrange(b.Partial, rows)
	return &out
}

func TestOrderOfRowsAndLabelsDoesNotChangeAByte(t *testing.T) {
	for seed := range uint64(10) {
		b := shop(seed, 1.7, payOnV2)
		want := bytesOf(t, analyse(t, b, LabelOptions{}))
		rng := rand.New(rand.NewPCG(seed, 2))
		other := permuted(b, rng.Perm(len(b.Leaves)), rng.Perm(3))
		if got := bytesOf(t, analyse(t, other, LabelOptions{})); !bytes.Equal(got, want) {
			t.Errorf("seed %d:\n%s\n%s", seed, got, want)
		}
	}
}

func TestOrderOfMarginalsDoesNotChangeAByte(t *testing.T) {
	b := nsdiRevenue()
	want := bytesOf(t, analyse(t, b, LabelOptions{}))
	slices.Reverse(b.Marginals)
	for i := range b.Marginals {
		m := &b.Marginals[i]
		slices.Reverse(m.Values)
		slices.Reverse(m.Numerator.Forecast)
		slices.Reverse(m.Numerator.Actual)
	}
	if got := bytesOf(t, analyse(t, b, LabelOptions{})); !bytes.Equal(got, want) {
		t.Errorf("%s\n%s", got, want)
	}
}

func TestNamesDoNotChangeTheVerdict(t *testing.T) {
	for seed := range uint64(10) {
		b := shop(seed, 3, payOnV2)
		for _, leaf := range b.Leaves {
			leaf[0], leaf[1], leaf[2] = "z"+leaf[2], string('z'-leaf[0][2]+'0'), leaf[1] // sorts differently, by value and by label
		}
		b.Labels = []string{"m", "a", "k"}
		checkPlaces(t, analyse(t, b, LabelOptions{}), Explained, fmt.Sprintf("a=%c on k=v1", 'z'-2))
	}
}

func TestScaleDoesNotChangeTheVerdict(t *testing.T) {
	b := shop(11, 3, payOnV2)
	want := analyse(t, b, LabelOptions{})
	for _, by := range []float64{1e-6, 1e6} {
		scaled := *b
		scaled.Numerator.Actual, scaled.Numerator.Forecast = slices.Clone(b.Numerator.Actual), slices.Clone(b.Numerator.Forecast)
		for i := range scaled.Leaves {
			scaled.Numerator.Actual[i] *= by
			scaled.Numerator.Forecast[i] *= by
		}
		got := analyse(t, &scaled, LabelOptions{})
		checkPlaces(t, got, want.Verdict, placesOf(want))
		if math.Abs(got.Causes[0].Share-want.Causes[0].Share) > 1e-9 || math.Abs(got.Change.Actual-by*want.Change.Actual) > 1e-9*got.Change.Actual {
			t.Errorf("×%g: %+v", by, got.Causes[0])
		}
	}
}

func TestMeaninglessLabelDoesNotChangeTheVerdict(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 3))
		for name, value := range map[string]func() string{
			"constant": func() string { return "eu" },
			"random":   func() string { return fmt.Sprint(rng.IntN(5)) },
		} {
			b := shop(seed, 3, payOnV2)
			b.Labels = append(b.Labels, "extra")
			for i := range b.Leaves {
				b.Leaves[i] = append(b.Leaves[i], value())
			}
			r := analyse(t, b, LabelOptions{})
			if r.Verdict != Explained || placesOf(r) != "path=/p2 on version=v1" {
				t.Errorf("seed %d, %s: %s, %q", seed, name, r.Verdict, placesOf(r))
			}
		}
	}
}

func TestWorkersDoNotChangeAByte(t *testing.T) {
	b := shop(12, 1.5, payOnV2)
	procs := runtime.GOMAXPROCS(1)
	one := bytesOf(t, analyse(t, b, LabelOptions{}))
	runtime.GOMAXPROCS(8)
	eight := bytesOf(t, analyse(t, b, LabelOptions{}))
	runtime.GOMAXPROCS(procs)
	if !bytes.Equal(one, eight) {
		t.Errorf("%s\n%s", one, eight)
	}
}

func FuzzResultsHaveNoNaN(f *testing.F) {
	f.Add(uint64(1), 0.0, 1e300, -3.0, uint8(0))
	f.Add(uint64(2), math.NaN(), 0.0, math.Inf(1), uint8(9))
	f.Add(uint64(3), 1e99, 1e-99, 7.0, uint8(27))
	modes := []string{"auto", "nsdi", "complete", "grescan"}
	f.Fuzz(func(t *testing.T, seed uint64, a, v, d float64, how uint8) {
		b := shop(seed, 2, payOnV2)
		b.Numerator.Actual[1], b.Numerator.Forecast[7] = a, v
		if how&64 != 0 {
			b.Denominator = &Pieces{Actual: slices.Clone(b.Numerator.Forecast), Forecast: slices.Clone(b.Numerator.Forecast)}
			b.Denominator.Actual[3] = d
		}
		analyse(t, b, LabelOptions{Mode: modes[how%4], Count: how&8 != 0, Deep: how&16 != 0})
	})
}

// The thresholds are options: a set that explains two thirds is rejected if more is required.
func TestTheThresholdsOfSingleLabelsCanBeSet(t *testing.T) {
	b := &Breakdown{
		Labels: []string{"path"}, Leaves: [][]string{{"/a"}, {"/b"}, {"/c"}},
		Numerator: Pieces{Forecast: []float64{100, 100, 100}, Actual: []float64{170, 115, 100}},
	}
	for _, c := range []struct {
		options LabelOptions
		want    string
	}{
		{LabelOptions{Mode: "nsdi"}, "path=/a"},
		{LabelOptions{Mode: "nsdi", TEP: 0.9}, "path=/a and /b"},
		{LabelOptions{Mode: "nsdi", TEP: 0.9, TEEP: 0.5}, ""},
	} {
		r := analyse(t, b, c.options)
		var got []string
		for _, cause := range r.Causes {
			got = append(got, places(cause.Labels))
		}
		if strings.Join(got, " | ") != c.want {
			t.Errorf("%+v: %q, want %q", c.options, got, c.want)
		}
	}
}
