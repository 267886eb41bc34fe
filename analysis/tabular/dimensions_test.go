// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

const additive = `real,predict,path,version
10,11,/a,v1
,4,/a,v2
7,,/b,v1
1,1,/b,v2
`

func checkError(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func checkValues(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 && !(math.IsNaN(got[i]) && math.IsNaN(want[i])) {
			t.Errorf("%s: %v, want %v", what, got, want)
			return
		}
	}
}

func TestSnapshotOfAnAdditiveMeasure(t *testing.T) {
	b, err := ReadSnapshot(strings.NewReader(additive), true)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"/a", "v1"}, {"/a", "v2"}, {"/b", "v1"}, {"/b", "v2"}}; !reflect.DeepEqual(b.Leaves, want) {
		t.Errorf("leaves %v", b.Leaves)
	}
	if !reflect.DeepEqual(b.Labels, []string{"path", "version"}) || !b.Count || b.Denominator != nil {
		t.Errorf("%+v", b)
	}
	checkValues(t, "actual", b.Numerator.Actual, []float64{10, 0, 7, 1})
	checkValues(t, "forecast", b.Numerator.Forecast, []float64{11, 4, 0, 1})
}

func TestSnapshotOfARatio(t *testing.T) {
	b, err := ReadSnapshot(strings.NewReader("\ufeffpath,numerator_real,denominator_real,numerator_predict,denominator_predict\n/a,50,500,10,100\n/b,6,600,10,1000\n"), false)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, "numerator", b.Numerator.Actual, []float64{50, 6})
	checkValues(t, "denominator", b.Denominator.Forecast, []float64{100, 1000})
}

func TestRowsOfOneLeafAreAdded(t *testing.T) {
	b, err := ReadSnapshot(strings.NewReader("path,real,predict\n/a,1,2\n/b,5,5\n/a,3,NaN\n"), false)
	if err != nil {
		t.Fatal(err)
	}
	checkValues(t, "actual", b.Numerator.Actual, []float64{4, 5})
	checkValues(t, "forecast", b.Numerator.Forecast, []float64{2, 5})
}

func TestLeavesAreNotMixedUp(t *testing.T) {
	b, err := ReadSnapshot(strings.NewReader("x,y,real,predict\na,bc,1,1\nab,c,2,2\n,abc,3,3\n"), false)
	if err != nil || len(b.Leaves) != 3 {
		t.Errorf("%v, %v", b, err)
	}
}

func TestRoundingBelowZeroIsAccepted(t *testing.T) {
	if _, err := ReadSnapshot(strings.NewReader("path,real,predict\n/a,1000,1\n/b,-1e-7,1\n"), false); err != nil {
		t.Error(err)
	}
}

func TestSnapshotsThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"the file is empty", "hint"}},
		{"no rows", "path,real,predict\n", []string{"no rows below the header"}},
		{"no label", "real,predict\n1,2\n", []string{"no label", "real, predict"}},
		{"no forecast", "path,real\n/a,1\n", []string{`no column "predict"`, "path, real"}},
		{"half a ratio", "path,numerator_real,numerator_predict\n/a,1,1\n", []string{`no column "denominator_real"`}},
		{"both kinds", "path,real,predict,numerator_real\n/a,1,1,1\n", []string{"additive", "ratio"}},
		{"a word", "path,real,predict\n/a,1,1\n/b,many,1\n", []string{"line 3", `column "real"`, `"many" is not a number`}},
		{"a comma too many", "path,real,predict\n/a,1,1,1\n", []string{"line 2"}},
		{"infinite", "path,real,predict\n/a,1,1\n/b,+Inf,4\n", []string{"line 3", `column "real"`, "+Inf is not a number from 0 up", "hint"}},
		{"beyond numbers", "path,real,predict\n/a,1,1\n/b,1e999,4\n", []string{"line 3", "1e999 is not a number from 0 up"}},
		{"negative", "path,real,predict\n/a,1,1\n/b,2,-4\n/c,2,-3\n", []string{"line 3", `column "predict"`, "-4 is negative", "hint"}},
		{"no name", "path,,real,predict\n/a,x,1,1\n", []string{"column 2 has no name"}},
		{"twice", "path,path,real,predict\n/a,x,1,1\n", []string{`column 2 is another "path"`}},
		{"no denominator", "path,numerator_real,numerator_predict,denominator_real,denominator_predict\n/a,3,1,0,9\n/b,2,1,,9\n", []string{"denominator_real adds up to 0", "numerator_real adds up to 5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadSnapshot(strings.NewReader(tt.text), false)
			checkError(t, err, tt.want...)
		})
	}
}

func TestMarginals(t *testing.T) {
	b, err := ReadMarginals(strings.NewReader("label,value,real,predict\ndc,X,47,94\n,,50,100\ndc,Y,3,6\ndev,,1,2\n"), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Marginals) != 2 || !reflect.DeepEqual(b.Marginals[0].Values, []string{"X", "Y"}) || !reflect.DeepEqual(b.Marginals[1].Values, []string{""}) {
		t.Fatalf("%+v", b.Marginals)
	}
	checkValues(t, "actual", b.Marginals[0].Numerator.Actual, []float64{47, 3})
	checkValues(t, "total", b.Total.Numerator.Forecast, []float64{100})
}

func TestMarginalsThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"no value", "label,real,predict\na,1,1\n", []string{`no column "value"`}},
		{"no measure", "label,value,real\na,x,1\n", []string{`no column "predict"`}},
		{"twice", "label,value,real,predict\na,x,1,1\na,y,1,1\na,x,1,1\n", []string{"line 4", `label "a" has the value "x" twice`}},
		{"two totals", "label,value,real,predict\n,,1,1\na,y,1,1\n,all,1,1\n", []string{"line 4", "another total"}},
		{"total alone", "label,value,real,predict\n,,1,1\n", []string{"no label"}},
		{"negative", "label,value,real,predict\na,x,1,1\na,y,-9,1\n", []string{"line 3", "-9 is negative"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadMarginals(strings.NewReader(tt.text), false)
			checkError(t, err, tt.want...)
		})
	}
}

// analysed runs the analysis of the input, and fails on NaN, which JSON can't express.
func analysed(t *testing.T, b *analysis.Breakdown) analysis.Result {
	t.Helper()
	r := analysis.Run(Frame("measure", b), analysis.Options{})
	if _, err := json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func FuzzReadSnapshot(f *testing.F) {
	f.Add(additive, false)
	f.Add("path,numerator_real,numerator_predict,denominator_real,denominator_predict\n/a,3,1,0,9\n/b,2,1,,9\n/c,0,0,7,\n", true)
	f.Add("a,real,predict\n\"x\"\"y\",1e300,2e300\n\"\n\",inf,nan\n", false)
	f.Fuzz(func(t *testing.T, text string, count bool) {
		if b, err := ReadSnapshot(strings.NewReader(text), count); err == nil {
			analysed(t, b)
		}
	})
}

func FuzzReadMarginals(f *testing.F) {
	f.Add("label,value,real,predict\ndc,X,47,94\n,,50,100\ndc,Y,3,6\n")
	f.Fuzz(func(t *testing.T, text string) {
		if b, err := ReadMarginals(strings.NewReader(text), true); err == nil {
			analysed(t, b)
		}
	})
}

// A single negative amount, such as the -3 in the series of the article that introduced the
// method, is an error in the data that doesn't prevent an answer.
func TestAFewValuesBelowZeroCountAsZero(t *testing.T) {
	table, err := ReadWide(strings.NewReader("region,0,300,600,900\nbj,40,50,-3,40\nsh,30,30,30,30\n"))
	if err != nil {
		t.Fatal(err)
	}
	if table.Values[0][2] != 0 || len(table.Doubts) != 1 || !strings.Contains(table.Doubts[0], `line 2, column "600": -3 is negative and counts as 0`) {
		t.Errorf("%v, %q", table.Values, table.Doubts)
	}
	b, err := ReadSnapshot(strings.NewReader("path,real,predict\n/a,50,40\n/b,30,30\n/c,-1e-13,5\n"), false)
	if err != nil || len(b.Doubts) != 0 || b.Numerator.Actual[2] != 0 {
		t.Errorf("rounding: %+v, %v", b, err)
	}
}
