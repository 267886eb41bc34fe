// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// clean fails on NaN and Inf.
func clean(t interface{ Fatalf(string, ...any) }, r Result) {
	check := func(what string, v ...float64) {
		for _, x := range v {
			if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
				t.Fatalf("%s is %v in %+v", what, x, r)
			}
		}
	}
	check("result", r.KPI, r.Trust)
	for _, c := range r.Causes {
		check("cause", c.Score, c.Long, c.Near, c.Dev, c.Residual, c.Quiet, c.Rho, c.Share, c.Link, c.Kind, c.Plain, c.Relative)
		check("value", math.Abs(c.Before), math.Abs(c.After), float64(c.Began.Earliest), float64(c.Began.At-c.Began.Earliest), float64(c.Began.Latest-c.Began.At))
	}
	for _, s := range r.Services {
		check("service", s.Score, s.Sum, s.Factor, s.Lift, s.Margin)
	}
	for i := 1; i < len(r.Services); i++ {
		if r.Services[i].Score > r.Services[i-1].Score*(1+1e-12) {
			t.Fatalf("services out of order: %+v", r.Services)
		}
	}
}

func warned(r Result, part string) bool {
	return strings.Contains(strings.Join(r.Warnings, "\n"), part)
}

func TestFindsTheSeriesThatJumped(t *testing.T) {
	r := Rank(system(64, 300, 280, 3), Options{})
	clean(t, r)
	first := []int{r.Causes[0].Series, r.Causes[1].Series}
	if first[0]+first[1] != 1 || r.Services[0].Service != 0 {
		t.Errorf("first series %v of service %d, want 0 and 1 of service 0", first, r.Services[0].Service)
	}
	if r.Onset != 280 || r.Confidence() == Low {
		t.Errorf("onset %d, confidence %v, lift %.2f, want 280 and medium or high", r.Onset, r.Confidence(), r.Services[0].Lift)
	}
	c := r.Causes[0]
	if math.Abs(c.Before-50) > 1 || math.Abs(c.After-80) > 2 || c.Began.At != 280 || c.Began.Latest != 280 {
		t.Errorf("from %.1f to %.1f from %v on, want 50, 80, 280", c.Before, c.After, c.Began)
	}
}

// Of two services that moved alike, the one that the KPI comes from ranks first; not if it
// moved far less.
func TestServiceOfKPIWinsTies(t *testing.T) {
	for _, c := range []struct {
		by   float64
		own  int // service of the KPI; -1: none
		want int
	}{{29, -1, 0}, {29, 2, 2}, {29, 0, 0}, {1.5, 2, 0}} {
		in := system(64, 300, 280, 3)
		for j := range in.Series {
			s := &in.Series[j]
			s.Own = s.Service == c.own
			if j == 16 || j == 17 { // of service 2, with the kinds of the first two
				s.Kind = in.Series[j-16].Kind
				for i := in.Onset; i < len(s.Values); i++ {
					s.Values[i] += c.by
				}
			}
		}
		r := Rank(in, Options{})
		clean(t, r)
		if got := r.Services[0].Service; got != c.want {
			t.Errorf("%+v: service %d is first", c, got)
		}
	}
}

func TestQuietSystemIsNoCause(t *testing.T) {
	in := system(64, 300, 280, 3)
	in.Series = in.Series[2:] // those that jumped
	r := Rank(in, Options{})
	if r.Confidence() != Low {
		t.Errorf("confidence %v with lift %.2f, want low", r.Confidence(), r.Services[0].Lift)
	}
}

func TestLateAlertIsDatedBack(t *testing.T) {
	for late := range 6 {
		in := system(64, 300, 280, 3)
		in.Onset += late
		r := Rank(in, Options{})
		if r.Onset != 280 || r.Walked != late {
			t.Errorf("%d late: onset %d after walking %d, want 280", late, r.Onset, r.Walked)
		}
	}
}

func TestKPIThatFollowsIsDatedForward(t *testing.T) {
	in := system(64, 300, 280, 3)
	for i := 280; i < 283; i++ {
		in.KPI.Values[i] -= 50 // it rises three samples after its cause
	}
	if r := Rank(in, Options{}); r.Calm != 3 || r.Onset != 283 {
		t.Errorf("calm %d, onset %d, want 3 and 283", r.Calm, r.Onset)
	}
	in.KPI.Kind = Traffic
	if r := Rank(in, Options{}); r.Calm != 0 || r.Trust != 0 || !warned(r, "demand") {
		t.Errorf("demand KPI: calm %d, trust %v, warnings %q, want none, 0 and a word about demand", r.Calm, r.Trust, r.Warnings)
	}
}

func TestUnitsDoNotMatter(t *testing.T) {
	in := system(40, 200, 180, 5)
	want := Rank(in, Options{})
	for j := range in.Series {
		for i := range in.Series[j].Values {
			in.Series[j].Values[i] *= 1024
		}
	}
	got := Rank(in, Options{})
	for i := range want.Causes {
		if got.Causes[i].Series != want.Causes[i].Series {
			t.Fatalf("place %d: series %d in other units, %d before", i, got.Causes[i].Series, want.Causes[i].Series)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	in := system(64, 300, 280, 9)
	if a, b := Rank(in, Options{}), Rank(in, Options{}); !reflect.DeepEqual(a, b) {
		t.Error("two runs differ")
	}
}

func TestInputIsNotChanged(t *testing.T) {
	in, same := system(16, 100, 90, 2), system(16, 100, 90, 2)
	Rank(in, Options{})
	if !reflect.DeepEqual(in, same) {
		t.Error("input changed")
	}
}

// TestBadInput: there is always an answer, which says what is wrong with the data.
func TestBadInput(t *testing.T) {
	nan := math.NaN()
	all := func(v float64) func(*Input) {
		return func(in *Input) {
			for j := range in.Series {
				for i := range in.Series[j].Values {
					in.Series[j].Values[i] = v
				}
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*Input)
		warns  string
	}{
		"no candidates":        {func(in *Input) { in.Series = nil }, "no candidate"},
		"all NaN":              {all(nan), "no candidate"},
		"constant":             {all(7), ""},
		"zero":                 {all(0), ""},
		"infinite":             {all(math.Inf(1)), "no candidate"},
		"largest float":        {all(math.MaxFloat64), ""},
		"smallest float":       {all(math.SmallestNonzeroFloat64), ""},
		"no history":           {func(in *Input) { in.Onset = 0 }, "no baseline"},
		"three samples":        {func(in *Input) { in.Onset = 3 }, "2 quiet samples"},
		"no incident":          {func(in *Input) { in.Onset = 100 }, "no samples at or after"},
		"one incident row":     {func(in *Input) { in.Onset = 99 }, ""},
		"KPI constant":         {func(in *Input) { in.KPI.Values = make([]float64, 100) }, "hardly moved"},
		"KPI missing":          {func(in *Input) { clear(in.KPI.Values[copy(in.KPI.Values, []float64{nan, nan}):]) }, "hardly moved"},
		"duplicates":           {func(in *Input) { in.Series[1], in.Series[2] = in.Series[0], in.Series[0] }, ""},
		"duplicates of KPI":    {func(in *Input) { in.Series[1].Values = in.KPI.Values }, ""},
		"calls itself":         {func(in *Input) { in.Calls = [][2]int{{0, 0}, {0, 1}, {1, 0}} }, ""},
		"calls nobody we know": {func(in *Input) { in.Calls = [][2]int{{0, 77}, {77, 1}} }, ""},
		"huge and tiny": {func(in *Input) {
			for i := range in.Series[0].Values {
				in.Series[0].Values[i] *= 1e300
				in.Series[1].Values[i] *= 1e-300
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := system(24, 100, 90, 4)
			c.change(&in)
			r := Rank(in, Options{})
			clean(t, r)
			if c.warns != "" && !warned(r, c.warns) {
				t.Errorf("warnings %q, want one about %q", r.Warnings, c.warns)
			}
		})
	}
}

func TestConstantSeriesHaveNoEvidence(t *testing.T) {
	in := system(24, 100, 90, 4)
	for j := range in.Series {
		in.Series[j].Values = make([]float64, 100)
	}
	if r := Rank(in, Options{}); r.Causes[0].Score != 0 || r.Confidence() == High {
		t.Errorf("score %v, confidence %v of series that never moved", r.Causes[0].Score, r.Confidence())
	}
}

func TestSeriesWithoutHistoryIsLeftOut(t *testing.T) {
	in := system(24, 100, 90, 4)
	for i := range 60 {
		in.Series[5].Values[i] = math.NaN()
	}
	r := Rank(in, Options{})
	if len(r.Causes) != 23 || len(r.Skipped) != 1 || r.Skipped[0] != 5 || !warned(r, "1 of 24 series left out") {
		t.Errorf("%d causes, warnings %q", len(r.Causes), r.Warnings)
	}
}

func TestPanicsOnShapes(t *testing.T) {
	for name, in := range map[string]Input{
		"lengths": {KPI: Series{Values: make([]float64, 5)}, Series: []Series{{Values: make([]float64, 4)}}},
		"onset":   {KPI: Series{Values: make([]float64, 5)}, Onset: 6},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			Rank(in, Options{})
		})
	}
}

// The order of candidates only decides ties: shuffled ones have the same scores.
func TestOrderOfSeriesDoesNotMatter(t *testing.T) {
	in := system(40, 200, 190, 6)
	want := map[int]float64{}
	for _, c := range Rank(in, Options{NoResidual: true}).Causes {
		want[c.Series] = c.Score
	}
	perm := rand.New(rand.NewPCG(1, 2)).Perm(len(in.Series))
	shuffled := in
	shuffled.Series = make([]Series, len(perm))
	for i, j := range perm {
		shuffled.Series[i] = in.Series[j]
	}
	for _, c := range Rank(shuffled, Options{NoResidual: true}).Causes {
		if w := want[perm[c.Series]]; math.Abs(c.Score-w) > 1e-9*(1+w) {
			t.Errorf("series %d scores %v when shuffled, %v before", perm[c.Series], c.Score, w)
		}
	}
}

// TestAnyInput draws shapes, gaps and levels.
func TestAnyInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(0, 40).Draw(t, "rows")
		in := Input{Onset: rapid.IntRange(0, rows).Draw(t, "onset")}
		value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(-1)}))
		draw := func(name string) Series {
			return Series{
				Values:  rapid.SliceOfN(value, rows, rows).Draw(t, name),
				Service: rapid.IntRange(0, 3).Draw(t, "service"), Kind: Metric(rapid.IntRange(0, int(Other)).Draw(t, "kind")),
			}
		}
		in.KPI = draw("kpi")
		for range rapid.IntRange(0, 6).Draw(t, "series") {
			in.Series = append(in.Series, draw("series"))
		}
		in.Calls = [][2]int{{0, 1}, {1, 2}, {2, 0}}
		clean(t, Rank(in, Options{}))
	})
}

// FuzzRank decodes bytes to floats, 12 rows a series.
func FuzzRank(f *testing.F) {
	f.Add(make([]byte, 12*8*3), 9)
	f.Fuzz(func(t *testing.T, data []byte, onset int) {
		const rows = 12
		in := Input{Onset: min(max(onset, 0), rows)}
		for len(data) >= rows*8 {
			s := Series{Values: make([]float64, rows), Service: len(in.Series) % 3, Kind: Metric(len(in.Series) % 9)}
			for i := range s.Values {
				s.Values[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[i*8:]))
			}
			in.Series, data = append(in.Series, s), data[rows*8:]
		}
		if len(in.Series) == 0 {
			return
		}
		in.KPI, in.Series = in.Series[0], in.Series[1:]
		clean(t, Rank(in, Options{}))
	})
}

// A cause often moves some samples before the KPI, and an alert may fire early or late: neither
// makes the move part of the baseline.
func TestCauseMayLeadAndOnsetMayBeEarly(t *testing.T) {
	const rows, told = 72, 60
	for lead := range 5 {
		for late := range 4 {
			r := rand.New(rand.NewPCG(1, 2))
			kpi, cause, other := make([]float64, rows), make([]float64, rows), make([]float64, rows)
			for i := range rows {
				kpi[i], cause[i], other[i] = 1+.1*r.NormFloat64(), 13+2*r.NormFloat64(), 100+r.NormFloat64()
				if i >= told+late {
					kpi[i] += 40
				}
				if i >= told+late-lead {
					cause[i] = 140
				}
			}
			got := Rank(Input{
				KPI: Series{Values: kpi, Kind: Error}, Onset: told,
				Series: []Series{{Values: other, Service: 1}, {Values: cause, Service: 2}},
			}, Options{})
			if got.Causes[0].Series != 1 || got.Services[0].Confidence != High {
				t.Errorf("%d rows before a KPI that moved %d after the onset: %+v is first, %v", lead, late, got.Causes[0].Evidence, got.Services[0].Confidence)
			}
		}
	}
}
