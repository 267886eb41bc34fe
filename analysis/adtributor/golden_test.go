// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"math"
	"slices"
	"testing"
)

// The values of this file are tables of the NSDI'14 paper (2–4 and 6–8), of
// Sun et al., "HotSpot" (IEEE Access 2018), tables V and VII, and small cases
// computed from equations 4–8 with an independent program in Python.

type wantElement struct {
	id       int32
	ep, bits float64
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > tol {
		t.Errorf("%s: got %.12g, want %.12g", what, got, want)
	}
}

func checkElements(t *testing.T, table Table, want []wantElement, tol float64) {
	t.Helper()
	for _, w := range want {
		i := slices.IndexFunc(table.Elements, func(e Element) bool { return e.ID == w.id })
		if i < 0 {
			t.Fatalf("element %d is not in the table", w.id)
		}
		near(t, "EP", table.Elements[i].EP, w.ep, tol)
		near(t, "surprise", table.Elements[i].Surprise, w.bits, tol)
	}
}

func checkSet(t *testing.T, s Set, dim int, elements []int32, ep, bits, tol float64) {
	t.Helper()
	if s.Dimension != dim || !slices.Equal(s.Elements, elements) {
		t.Errorf("set is %d%v, want %d%v", s.Dimension, s.Elements, dim, elements)
	}
	near(t, "EP of the set", s.EP, ep, tol)
	near(t, "surprise of the set", s.Surprise, bits, tol)
}

func explain(t *testing.T, dims []Dimension, opt Options) Result {
	t.Helper()
	r, err := Explain(dims, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkFinite(t, r)
	return r
}

func revenueDims() []Dimension {
	return []Dimension{
		{Forecast: []float64{94, 6}, Actual: []float64{47, 3}},
		{Forecast: []float64{50, 20, 20, 10}, Actual: []float64{24, 21, 4, 1}},
		{Forecast: []float64{50, 25, 25}, Actual: []float64{49, 1, 0}},
	}
}

func TestPaperTables2To4Revenue(t *testing.T) {
	for _, opt := range []Options{{Mode: NSDI}, {Mode: NSDI, SetShare: 0.9}, {}} {
		r := explain(t, revenueDims(), opt)
		near(t, "forecast", r.Forecast, 100, 0)
		near(t, "actual", r.Actual, 50, 0)
		checkElements(t, r.Tables[0], []wantElement{{0, .94, 0}, {1, .06, 0}}, 1e-9)
		checkElements(t, r.Tables[1], []wantElement{
			{0, .52, .000147224000}, {1, -.02, .028778612052}, {2, .32, .019163120401}, {3, .18, .020998654701},
		}, 1e-9)
		checkElements(t, r.Tables[2], []wantElement{
			{0, .02, .057176380495}, {1, .48, .083572210930}, {2, .50, .125},
		}, 1e-9)
		for i, bits := range []float64{0, .069087611154, .265748591424} {
			near(t, "surprise of the dimension", r.Tables[i].Surprise, bits, 1e-9)
		}
		if len(r.Sets) != 3 {
			t.Fatalf("%d sets, want 3", len(r.Sets))
		}
		checkSet(t, r.Sets[0], 2, []int32{2, 1}, .98, .20857221093, 1e-9)
		checkSet(t, r.Sets[1], 1, []int32{3, 2, 0}, 1.02, .040308999102, 1e-9)
		checkSet(t, r.Sets[2], 0, []int32{0}, .94, 0, 1e-9)
	}
}

func costPerClick() []Dimension {
	return []Dimension{{
		Forecast: []float64{50, 0, 40, 10}, Actual: []float64{10, 0, 70, 10},
		ForecastDen: []float64{100, 200, 100, 100}, ActualDen: []float64{20, 360, 100, 100},
	}}
}

func TestPaperTables6To8CostPerClick(t *testing.T) {
	for _, mode := range []Mode{NSDI, Complete} {
		r := explain(t, costPerClick(), Options{Mode: mode})
		near(t, "forecast", r.Forecast, .2, 1e-15)
		near(t, "actual", r.Actual, .1551724138, 1e-9)
		checkElements(t, r.Tables[0], []wantElement{
			{0, 1.2523719165, .143155372473},
			{1, 1.0626185958, .017346821634},
			{2, -1.3149905123, .045224034737},
			{3, 0, .000948702249},
		}, 1e-9)
		if r.Tables[0].Exact {
			t.Error("the sum of equation 8 is -0.0456 of a change of -0.0448: stable")
		}
	}
	r := explain(t, costPerClick(), Options{Mode: NSDI})
	checkSet(t, r.Sets[0], 0, []int32{0}, 1.2523719165, .143155372473, 1e-9)
}

func TestPaperTables6To8PartsAlone(t *testing.T) {
	cpc := costPerClick()[0]
	revenue := explain(t, []Dimension{{Forecast: cpc.Forecast, Actual: cpc.Actual}}, Options{Mode: NSDI})
	checkElements(t, revenue.Tables[0], []wantElement{
		{0, 4, .066919070626 / math.Ln2},
		{1, 0, 0},
		{2, -3, .030835588285 / math.Ln2},
		{3, 0, .000146266402 / math.Ln2},
	}, 1e-9)
	clicks := explain(t, []Dimension{{Forecast: cpc.ForecastDen, Actual: cpc.ActualDen}}, Options{Mode: NSDI})
	checkElements(t, clicks.Tables[0], []wantElement{
		{0, -1, .032308672186 / math.Ln2},
		{1, 2, .012023900508 / math.Ln2},
		{2, 0, .000511323886 / math.Ln2},
		{3, 0, .000511323886 / math.Ln2},
	}, 1e-9)
}

// Leaves are province × provider: Beijing, Shanghai, Guangdong × Mobile, Unicom.
func TestHotSpotTables(t *testing.T) {
	f := []float64{20, 15, 10, 10, 25, 20}
	view := func(v []float64) []Dimension {
		province := Dimension{Forecast: make([]float64, 3), Actual: make([]float64, 3)}
		provider := Dimension{Forecast: make([]float64, 2), Actual: make([]float64, 2)}
		for i := range f {
			province.Forecast[i%3] += f[i]
			province.Actual[i%3] += v[i]
			provider.Forecast[i/3] += f[i]
			provider.Actual[i/3] += v[i]
		}
		return []Dimension{province, provider}
	}
	five := explain(t, view([]float64{14, 9, 10, 7, 15, 20}), Options{Mode: NSDI})
	checkSet(t, five.Sets[0], 0, []int32{1, 0}, 1, .003461408, 1e-9)
	checkSet(t, five.Sets[1], 1, []int32{0, 1}, 1, .00007302, 1e-8)
	checkElements(t, five.Tables[0], []wantElement{{2, 0, .005170152}}, 1e-9)

	// The true cause is (Fujian, Mobile) and (Jiangsu, Unicom): out of reach
	// for any single label.
	seven := explain(t, view([]float64{5, 15, 10, 10, 13, 20}), Options{Mode: NSDI})
	if s := seven.Sets[0]; s.Dimension != 0 || len(s.Elements) != 2 {
		t.Errorf("set is %+v", s)
	}
	near(t, "EP", seven.Sets[0].EP, 1, 1e-12)
}

// The two cases of a well-known article, without its random noise.
func TestRegionAndAPI(t *testing.T) {
	up := []Dimension{
		{Forecast: []float64{2.5, 2.5, 2.5}, Actual: []float64{2.5, 2.5, 385. / 3}},
		{Forecast: []float64{2.5, 5}, Actual: []float64{80. / 3, 320. / 3}},
	}
	down := make([]Dimension, len(up))
	for i, d := range up {
		down[i] = Dimension{Forecast: d.Actual, Actual: d.Forecast}
	}
	for _, dims := range [][]Dimension{up, down} {
		r := explain(t, dims, Options{Mode: NSDI})
		checkElements(t, r.Tables[0], []wantElement{{2, 1, .114976181}, {0, 0, .123217912}, {1, 0, .123217912}}, 1e-9)
		checkElements(t, r.Tables[1], []wantElement{{0, .192053, .012150933}, {1, .807947, .004377845}}, 1e-6)
		checkSet(t, r.Sets[0], 0, []int32{2}, 1, .114976181, 1e-9)
		checkSet(t, r.Sets[1], 1, []int32{0, 1}, 1, .016528777, 1e-8)
	}
	r := explain(t, up, Options{})
	if r.Sets[0].Uniform || !r.Sets[1].Uniform {
		t.Error("api is the whole of its dimension: uniform; region is not")
	}
}

func TestMixShiftGolden(t *testing.T) {
	r := explain(t, []Dimension{{
		Forecast: []float64{10, 10}, Actual: []float64{50, 6},
		ForecastDen: []float64{100, 1000}, ActualDen: []float64{500, 600},
	}}, Options{})
	near(t, "forecast", r.Forecast, 2./110, 1e-12)
	near(t, "actual", r.Actual, .0509090909, 1e-9)
	checkElements(t, r.Tables[0], []wantElement{{0, .823529412, .135960700}, {1, .176470588, .132620837}}, 1e-9)
	for _, e := range r.Tables[0].Elements {
		near(t, "rate effect", e.Rate, 0, 1e-12)
		near(t, "mix effect", e.Mix, []float64{.909090909, .090909091}[e.ID], 1e-9)
	}
	nsdi := explain(t, []Dimension{{
		Forecast: []float64{10, 10}, Actual: []float64{50, 6},
		ForecastDen: []float64{100, 1000}, ActualDen: []float64{500, 600},
	}}, Options{Mode: NSDI})
	if len(nsdi.Sets) != 1 || !slices.Equal(nsdi.Sets[0].Elements, []int32{0}) {
		t.Errorf("published sets: %+v", nsdi.Sets)
	}
}

func TestExactSplitGolden(t *testing.T) {
	r := explain(t, costPerClick(), Options{})
	rate := []float64{0, 0, -1.153846154, 0}
	mix := []float64{1.107692308, .984615385, .123076923, -.061538462}
	var sum float64
	for _, e := range r.Tables[0].Elements {
		near(t, "rate effect", e.Rate, rate[e.ID], 1e-9)
		near(t, "mix effect", e.Mix, mix[e.ID], 1e-9)
		sum += e.Rate + e.Mix
	}
	near(t, "sum of the effects", sum, 1, 1e-12)
}
