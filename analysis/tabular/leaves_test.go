// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

func wide(t *testing.T, text string) *LeafTable {
	t.Helper()
	table, err := ReadWide(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWideSeries(t *testing.T) {
	table := wide(t, "path,zone,600,900,1970-01-01T00:20:00Z\n/a,z1,1,,3\n/b,z1,4,5,nan\n")
	if !reflect.DeepEqual(table.Labels, []string{"path", "zone"}) {
		t.Errorf("labels %v", table.Labels)
	}
	checkValues(t, "times", table.Times, []float64{600, 900, 1200})
	checkValues(t, "first leaf", table.Values[0], []float64{1, math.NaN(), 3})
	checkValues(t, "second leaf", table.Values[1], []float64{4, 5, math.NaN()})
}

func TestWideSeriesThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"no times", "path,zone\n/a,z1\n", []string{"no column is a time", "path, zone"}},
		{"no labels", "600,900\n1,2\n", []string{"no label"}},
		{"a label behind", "path,600,zone\n/a,1,z1\n", []string{"column 3", `"zone" is not a time`}},
		{"out of order", "path,900,600\n/a,1,2\n", []string{`column "600" is not after "900"`}},
		{"a word", "path,600\n/a,1\n/b,x\n", []string{"line 3", `column "600"`, `"x" is not a number`}},
		{"negative", "path,600,900\n/a,1,-2\n", []string{"line 2", `column "900"`, "-2 is negative"}},
		{"no rows", "path,600\n", []string{"no rows"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadWide(strings.NewReader(tt.text))
			checkError(t, err, tt.want...)
		})
	}
}

func TestLongRows(t *testing.T) {
	const text = "min,cdn,value,cnt,p2p\n120,7,3,30,1\n60,7,1,20,1\n60,5,,10,0\n120,7,2,5,1\n"
	num, den, err := ReadLong(strings.NewReader(text), LongColumns{Time: "min", Numerator: "value", Denominator: "cnt"})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(num.Labels, []string{"cdn", "p2p"}) || !reflect.DeepEqual(num.Leaves, [][]string{{"7", "1"}, {"5", "0"}}) {
		t.Errorf("%v, %v", num.Labels, num.Leaves)
	}
	checkValues(t, "times", num.Times, []float64{60, 120})
	checkValues(t, "events, added", num.Values[0], []float64{1, 5})
	checkValues(t, "requests, added", den.Values[0], []float64{20, 35})
	checkValues(t, "no row is no sample", den.Values[1], []float64{10, math.NaN()})
	additive, none, err := ReadLong(strings.NewReader(text), LongColumns{Time: "min", Value: "cnt"})
	if err != nil || none != nil || len(additive.Labels) != 3 {
		t.Errorf("%v, %v, %v: a column that is no measure is a label", additive, none, err)
	}
}

func TestLongRowsThatCannotBeRead(t *testing.T) {
	columns := LongColumns{Time: "min", Value: "value"}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"no time", "t,a,value\n1,x,2\n", []string{`no column "min"`, "t, a, value"}},
		{"no value", "min,a\n1,x\n", []string{`no column "value"`}},
		{"no label", "min,value\n1,2\n", []string{"no label"}},
		{"a bad time", "min,a,value\n1,x,2\nnoon,x,2\n", []string{"line 3", `column "min"`, `"noon" is not a time`}},
		{"a word", "min,a,value\n1,x,two\n", []string{"line 2", `column "value"`, `"two" is not a number`}},
		{"negative", "min,a,value\n1,x,-2\n", []string{"line 2", "-2 is negative"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := ReadLong(strings.NewReader(tt.text), columns)
			checkError(t, err, tt.want...)
		})
	}
}

func TestOverlayReplacesTheIncident(t *testing.T) {
	table := wide(t, "path,zone,600,900,1200\n/a,z1,1,2,3\n/b,z1,4,5,6\n")
	over := wide(t, "zone,path,600,1200\nz1,/a,99,30\nz2,/c,99,7\n")
	if err := table.Overlay(over, Window{Onset: 900, End: 1200}); err != nil {
		t.Fatal(err)
	}
	checkValues(t, "replaced in the incident only", table.Values[0], []float64{1, 2, 30})
	checkValues(t, "left alone", table.Values[1], []float64{4, 5, 6})
	checkValues(t, "added", table.Values[2], []float64{math.NaN(), math.NaN(), 7})
	if !reflect.DeepEqual(table.Leaves[2], []string{"/c", "z2"}) {
		t.Errorf("%v: in the order of the table's labels", table.Leaves[2])
	}
	checkError(t, table.Overlay(wide(t, "path,zone,1000\n/a,z1,1\n"), Window{Onset: 900}), "column 1000", "lacks")
	checkError(t, table.Overlay(wide(t, "path,900\n/a,1\n"), Window{Onset: 900}), "different labels", "path, zone")
}

// history has rows of 5 minutes; before the onset of the last two rows each leaf is constant.
func history(t *testing.T, rows int, leaves ...string) *LeafTable {
	t.Helper()
	var text strings.Builder
	text.WriteString("path")
	for i := range rows {
		fmt.Fprintf(&text, ",%d", 300*(i+1))
	}
	for _, leaf := range leaves {
		name, cells, _ := strings.Cut(leaf, ":")
		before, incident, _ := strings.Cut(cells, "|")
		text.WriteString("\n" + name + strings.Repeat(","+before, rows-2) + "," + incident)
	}
	return wide(t, text.String()+"\n")
}

func TestForecastFromTheSeriesThemselves(t *testing.T) {
	table := history(t, 30, "/a:10|10,10", "/b:20|80,100", "/c:5|5,")
	w := Window{Onset: 29 * 300}
	b, err := Breakdown(table, nil, w, false)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, "means of the incident, no sample being 0", b.Numerator.Actual, []float64{10, 90, 2.5})
	if b.Scale.Window != 1 || b.Scale.Hour != 12 || b.Event != 0 {
		t.Errorf("%+v, %v", b.Scale, b.Event)
	}
	r := analysed(t, b)
	if len(r.Causes) != 1 || r.Causes[0].Labels[0]["path"] != "/b" || r.Change.Forecast != 35 {
		t.Errorf("%+v, %+v", r.Causes, r.Change)
	}
	if b, err = Breakdown(table, nil, w, true); err != nil || b.Scale.Window != 2 || b.Event != 1 {
		t.Errorf("counts are those of two rows of 5 minutes: %+v, %v, %v", b.Scale, b.Event, err)
	}
}

func TestAnEmptyColumnIsAMissingStep(t *testing.T) {
	table := history(t, 30, "/a:10|,12", "/b:20|,100")
	b, err := Breakdown(table, nil, Window{Onset: 29 * 300}, false)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, "mean of the row that is there", b.Numerator.Actual, []float64{12, 100})
}

func TestZeroErrorsAreNoMissingStep(t *testing.T) {
	errs, requests := history(t, 30, "/a:|,", "/b:|8,"), history(t, 30, "/a:100|100,100", "/b:100|100,100", "/c:7|7,7")
	b, err := Breakdown(errs, requests, Window{Onset: 29 * 300}, true)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, "errors", b.Numerator.Actual, []float64{0, 4, 0})
	checkValues(t, "requests", b.Denominator.Actual, []float64{100, 100, 7})
	if r := analysed(t, b); len(r.Causes) != 1 || r.Causes[0].Labels[0]["path"] != "/b" {
		t.Errorf("%+v", r)
	}
}

func TestChosenBaselineIncludesBothEnds(t *testing.T) {
	table := wide(t, "path,60,120,180,240,300\n/a,100,1,3,100,9\n/b,100,5,,100,9\n")
	w := Window{Onset: 300, BaselineStart: 120, BaselineEnd: 180}
	b, err := Breakdown(table, nil, w, false)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, "an additive measure without a sample is 0", b.Numerator.Baseline, []float64{2, 2.5})
	if b, err = Breakdown(table, table, w, false); err != nil {
		t.Fatal(err)
	}
	checkValues(t, "a ratio is that of the times at which the leaf is there", b.Denominator.Baseline, []float64{2, 5})
	if got := analysed(t, b).Forecast; got != "mean of the chosen baseline" {
		t.Errorf("forecast: %s", got)
	}
}

func TestRule4_16GapsInDenseLeavesArePartial(t *testing.T) {
	table := history(t, 40, "/a:10|10,", "/b:10|10,10", "/sparse:10|10,")
	for i := range 15 {
		table.Values[2][2*i] = math.NaN()
	}
	b, err := Breakdown(table, nil, Window{Onset: 39 * 300}, false)
	if err != nil || !reflect.DeepEqual(b.Partial, []bool{true, false, false}) {
		t.Errorf("partial %v, %v", b.Partial, err)
	}
}

func TestWindowsThatHoldNothing(t *testing.T) {
	table := wide(t, "path,60,120,180\n/a,1,1,\n/b,1,1,\n")
	for _, tt := range []struct {
		name string
		w    Window
		want []string
	}{
		{"after the file", Window{Onset: 500}, []string{"no samples in the incident", "from 60 to 180"}},
		{"an empty column", Window{Onset: 180, End: 180}, []string{"no samples in the incident, from 180 to 180"}},
		{"end first", Window{Onset: 120, End: 60}, []string{"ends at 60, before its onset at 120"}},
		{"baseline before the file", Window{Onset: 120, BaselineStart: 1, BaselineEnd: 2}, []string{"no samples in the baseline, from 1 to 2"}},
		{"baseline turned round", Window{Onset: 120, BaselineStart: 60, BaselineEnd: 6}, []string{"before its start"}},
		{"baseline in the incident", Window{Onset: 120, BaselineStart: 60, BaselineEnd: 120}, []string{"in the incident", "inclusive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Breakdown(table, nil, tt.w, false)
			checkError(t, err, tt.want...)
		})
	}
	_, err := Breakdown(table, wide(t, "zone,60\nz,1\n"), Window{Onset: 60}, false)
	checkError(t, err, "different labels", "path", "zone")
}

func FuzzReadWide(f *testing.F) {
	f.Add("path,60,120,180,240,300,360,420\n/a,1,1,2,3,1,2,9\n/b,,,,1,,2,\n", "path,420\n/a,7\n", 360.0, 0.0, 0.0, false)
	f.Add("path,60,120\n/a,1,1\n", "path,60,120\n/a,0,\n/b,4,4\n", 120.0, 60.0, 60.0, true)
	f.Fuzz(func(t *testing.T, text, other string, onset, from, to float64, ratio bool) {
		table, err := ReadWide(strings.NewReader(text))
		if err != nil {
			return
		}
		var den *LeafTable
		second, err := ReadWide(strings.NewReader(other))
		w := Window{Onset: onset, BaselineStart: from, BaselineEnd: to}
		switch {
		case err == nil && ratio:
			den = second
		case err == nil:
			_ = table.Overlay(second, w)
		}
		if b, err := Breakdown(table, den, w, ratio); err == nil {
			analysed(t, b)
		}
	})
}

func FuzzReadLong(f *testing.F) {
	f.Add("min,cdn,value,cnt\n60,7,1,20\n60,5,,10\n120,7,2,5\n", 120.0, 60.0)
	f.Fuzz(func(t *testing.T, text string, onset, before float64) {
		num, den, err := ReadLong(strings.NewReader(text), LongColumns{Time: "min", Numerator: "value", Denominator: "cnt"})
		if err != nil {
			return
		}
		if b, err := Breakdown(num, den, Window{Onset: onset, BaselineStart: before, BaselineEnd: before}, true); err == nil {
			analysed(t, b)
		}
	})
}

func BenchmarkReadSnapshot(b *testing.B) {
	var text strings.Builder
	text.WriteString("a,b,c,d,real,predict\n")
	for i := range 21_600 {
		fmt.Fprintf(&text, "a%d,b%d,c%d,d%d,%d,%d\n", i/3600, i/100%36, i/10%10, i%10, i, i+1)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadSnapshot(strings.NewReader(text.String()), false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnalyse(b *testing.B) {
	var text strings.Builder
	text.WriteString("a,b,c,d,real,predict\n")
	for i := range 21_600 {
		real := i%977 + 20
		if i/100%36 == 7 && i%10 == 2 {
			real *= 3
		}
		fmt.Fprintf(&text, "a%d,b%d,c%d,d%d,%d,%d\n", i/3600, i/100%36, i/10%10, i%10, real, i%977+20+i%3)
	}
	read, err := ReadSnapshot(strings.NewReader(text.String()), false)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		analysis.Run(Frame("measure", read), analysis.Options{})
	}
}
