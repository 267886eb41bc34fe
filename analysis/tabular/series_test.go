// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func readSeries(t *testing.T, text string) *Series {
	t.Helper()
	s, err := ReadSeries(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadSeries(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name, text string
		want       Series
	}{
		{"numbers", "time,a,b\n1,2,3\n2,4.5,-1e3\n", Series{
			Times: []float64{1, 2}, Columns: []Column{{"a", []float64{2, 4.5}}, {"b", []float64{3, -1000}}},
		}},
		{"missing samples", "time,a\n1,\n2,NaN\n3,nan\n4, 5 \n5,Inf\n6,-inf\n7,1e999\n", Series{
			Times: []float64{1, 2, 3, 4, 5, 6, 7}, Columns: []Column{{"a", []float64{nan, nan, nan, 5, nan, nan, nan}}},
		}},
		{"rows in any order, those of one time as they come", "time,a\n3,30\n1,10\n2,20\n1,11\n", Series{
			Times: []float64{1, 1, 2, 3}, Columns: []Column{{"a", []float64{10, 11, 20, 30}}},
		}},
		{"times as text", "time,a\n2022-08-22T03:54:00Z,1\n2022-08-22T05:54:00.5+02:00,2\n1661140441,3\n", Series{
			Times: []float64{1661140440, 1661140440.5, 1661140441}, Columns: []Column{{"a", []float64{1, 2, 3}}},
		}},
		{"byte order mark, spaces, end of line of Windows", "\ufeff Time , a \r\n1, 2\r\n", Series{
			Times: []float64{1}, Columns: []Column{{"a", []float64{2}}},
		}},
		{"names of Prometheus", "time,\"up{job=\"\"a\"\",pod=\"\"b\"\"}\",up{job=\"a\"}\n1,2,3\n", Series{
			Times: []float64{1}, Columns: []Column{{`up{job="a",pod="b"}`, []float64{2}}, {`up{job="a"}`, []float64{3}}},
		}},
		{"columns twice and without a name", "time,a,,a\n1,2,x,y\n", Series{
			Times: []float64{1}, Columns: []Column{{"a", []float64{2}}},
			Notes: []string{"column 3 has no name and is left out", `column 4 is another "a" and is left out`},
		}},
		{"no rows", "time,a\n", Series{Columns: []Column{{Name: "a"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := readSeries(t, c.text)
			if d := cmp.Diff(&c.want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestInvalidTablesOfSeries(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "the file is empty"},
		{"no column of times", "a,b\n1,2\n", `the first column is "a": it must be`},
		{"a word for a number", "time,a,b\n1,2,3\n2,4,oops\n", `line 3, column "b": "oops" is not a number: leave the cell empty`},
		{"a word for a time", "time,a\nyesterday,2\n", `line 2, column "time": "yesterday" is not a time: write Unix seconds`},
		{"a time that is not a number", "time,a\nNaN,2\n", `"NaN" is not a time`},
		{"no time", "time,a\n,2\n", `"" is not a time`},
		{"too few cells", "time,a,b\n1,2\n", "record on line 2: wrong number of fields"},
		{"too many cells", "time,a\n1,2\n1,2,3\n", "record on line 3: wrong number of fields"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadSeries(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %s", err, c.want)
			}
		})
	}
}

func TestJoinKeepsCommonColumnsInTheOrderOfTime(t *testing.T) {
	a := readSeries(t, "time,x,only,y\n5,50,0,51\n1,10,0,11\n")
	b := readSeries(t, "time,y,x\n3,31,30\n")
	got := Join(a, b)
	want := &Series{
		Times:   []float64{1, 3, 5},
		Columns: []Column{{"x", []float64{10, 30, 50}}, {"y", []float64{11, 31, 51}}},
		Notes:   []string{"1 columns are not in every file and are left out"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if Join(a) != a {
		t.Error("one table is not itself")
	}
}

func FuzzReadSeries(f *testing.F) {
	f.Add("time,a,b\n1,2,3\n2022-08-22T03:54:00Z,,NaN\n0,1,Inf\n")
	f.Add("\ufefftime,\"a,b\",a{b=\"c\"}\r\n1,2,3\r\n")
	f.Add("time\n1\n")
	f.Add("time,a\n1,\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadSeries(strings.NewReader(text))
		if err != nil {
			return
		}
		if !slices.IsSorted(s.Times) {
			t.Errorf("times %v", s.Times)
		}
		names := map[string]bool{}
		for _, c := range s.Columns {
			if len(c.Values) != len(s.Times) || names[c.Name] || c.Name == "" {
				t.Errorf("column %q has %d values in %d rows", c.Name, len(c.Values), len(s.Times))
			}
			names[c.Name] = true
			if slices.ContainsFunc(c.Values, func(v float64) bool { return math.IsInf(v, 0) }) {
				t.Errorf("column %q: %v", c.Name, c.Values)
			}
		}
	})
}
