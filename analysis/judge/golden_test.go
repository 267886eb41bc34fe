// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// golden is a table and the result of the reference: a program in Python with the same
// likelihood that sums in another order and represents sets as masks.
type golden struct {
	Name             string
	Codes            [][]int32
	Cards            []int
	Forecast, Actual []float64
	Count            bool
	Least            float64

	Cost, Kappa, Background float64
	Alike                   bool
	Sets                    []struct {
		Dims                      []int
		Codes, Leaves             []int32
		Ratio, Gain, Gap, R2, Bar float64
	}
}

func TestAgainstTheReference(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var tables []golden
	if err := json.Unmarshal(data, &tables); err != nil {
		t.Fatal(err)
	}
	for _, g := range tables {
		t.Run(g.Name, func(t *testing.T) {
			table, err := New(g.Codes, g.Cards, g.Forecast, g.Actual, Options{Count: g.Count})
			if err != nil {
				t.Fatal(err)
			}
			g.compare(t, table.Judge(table.Search(g.Least)))
		})
	}
}

func (g *golden) compare(t *testing.T, m Model) {
	t.Helper()
	equal(t, "cost", m.Cost, g.Cost)
	equal(t, "κ", m.Noise.Kappa, g.Kappa)
	equal(t, "background", m.Background, g.Background)
	if m.Alike != g.Alike {
		t.Errorf("alike: %v, want %v", m.Alike, g.Alike)
	}
	if len(m.Sets) != len(g.Sets) {
		t.Fatalf("%d sets, want %d: %+v", len(m.Sets), len(g.Sets), m.Sets)
	}
	for k, want := range g.Sets {
		s := m.Sets[k]
		if !slices.Equal(s.Dims, want.Dims) || !slices.Equal(s.Codes, want.Codes) || !slices.Equal(s.Leaves, want.Leaves) {
			t.Errorf("set %d: %v=%v of leaves %v, want %v=%v of %v", k, s.Dims, s.Codes, s.Leaves, want.Dims, want.Codes, want.Leaves)
		}
		equal(t, "ratio", s.Ratio, want.Ratio)
		equal(t, "gain", s.Gain, want.Gain)
		equal(t, "gap", s.Gap, want.Gap)
		equal(t, "R²", s.R2, want.R2)
		equal(t, "bar", s.Bar, want.Bar)
	}
}

func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-8*max(1, math.Abs(want)) {
		t.Errorf("%s: %.12g, want %.12g", what, got, want)
	}
}
