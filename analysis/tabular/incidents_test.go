// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"compress/gzip"
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// stalls reads an incident as its operators would: the minute of the anomaly compared with the
// four before it.
func stalls(t *testing.T, name string, minute float64) *analysis.Breakdown {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "rs", name+".csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	num, den, err := ReadLong(z, LongColumns{Time: "min", Numerator: "value", Denominator: "cnt"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Breakdown(num, den, Window{Onset: minute, End: minute, BaselineStart: minute - 240, BaselineEnd: minute - 60}, true)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// combination formats labels as the operators did.
func combination(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+labels[name])
	}
	return strings.Join(pairs, "&")
}

// Real incidents with causes that people found. Published methods reach an F1 of .03 to .43 on
// the whole set.
func TestRealIncidentsAreLocated(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "rs", "labels.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var right, found, known float64
	for _, row := range rows[1:] {
		minute, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		truth := strings.Split(row[2], ";")
		known += float64(len(truth))
		var got []string
		for _, c := range analysed(t, stalls(t, row[0], minute)).Causes {
			for _, labels := range c.Labels {
				got = append(got, combination(labels))
				found++
				if slices.Contains(truth, combination(labels)) {
					right++
				}
			}
		}
		t.Logf("%s: %v, truth %v", row[0], got, truth)
	}
	if f1 := 2 * right / (found + known); f1 < 0.88 {
		t.Errorf("F1 %.3f over %d incidents", f1, len(rows)-1)
	}
}
