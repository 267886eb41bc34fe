// SPDX-License-Identifier: Apache-2.0

package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// dimsCase is one incident of a set: a breakdown, and the combinations of label values that caused
// it.
type dimsCase struct {
	name  string
	truth []string
	read  func() (*analysis.Breakdown, error)
}

// dimsCases lists the cases of a directory: snapshots or rows with a labels.csv, or series with a
// faults.csv. The error is fs.ErrNotExist if it has neither.
func dimsCases(dir string) ([]dimsCase, error) {
	if list, err := readList(filepath.Join(dir, "faults.csv")); err == nil {
		return seriesCases(dir, list)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	list, err := readList(filepath.Join(dir, "labels.csv"))
	if err != nil {
		return nil, err
	}
	cases := make([]dimsCase, len(list))
	for i, row := range list {
		file := filepath.Join(dir, row["file"]+".csv.gz")
		cases[i] = dimsCase{name: row["file"], truth: combinations(row["cause"])}
		if row["timestamp"] == "" {
			cases[i].read = func() (*analysis.Breakdown, error) { return readSnapshot(file) }
			continue
		}
		onset, err := strconv.ParseFloat(row["timestamp"], 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		cases[i].read = func() (*analysis.Breakdown, error) { return readRows(file, onset) }
	}
	return cases, nil
}

// readList reads a small CSV as one map for each row.
func readList(file string) ([]map[string]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	list := make([]map[string]string, len(rows)-1)
	for i, row := range rows[1:] {
		list[i] = map[string]string{}
		for k, name := range rows[0] {
			list[i][name] = row[k]
		}
	}
	return list, nil
}

// combinations parses a=1&b=2;c=3 and sorts by name.
func combinations(text string) []string {
	list := strings.Split(text, ";")
	for i := range list {
		pairs := strings.Split(list[i], "&")
		slices.Sort(pairs)
		list[i] = strings.Join(pairs, "&")
	}
	slices.Sort(list)
	return list
}

// open reads a file, decompressed.
func open[T any](file string, read func(io.Reader) (T, error)) (T, error) {
	var none T
	f, err := os.Open(file)
	if err != nil {
		return none, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return none, fmt.Errorf("%s: %w", file, err)
		}
	}
	v, err := read(r)
	if err != nil {
		return none, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

func readSnapshot(file string) (*analysis.Breakdown, error) {
	return open(file, func(r io.Reader) (*analysis.Breakdown, error) { return tabular.ReadSnapshot(r, false) })
}

// readRows reads a ratio of events at the minute of the anomaly and in the four minutes before.
func readRows(file string, onset float64) (*analysis.Breakdown, error) {
	return open(file, func(r io.Reader) (*analysis.Breakdown, error) {
		num, den, err := tabular.ReadLong(r, tabular.LongColumns{Time: "min", Numerator: "value", Denominator: "cnt"})
		if err != nil {
			return nil, err
		}
		w := tabular.Window{Onset: onset, End: onset, BaselineStart: onset - 240, BaselineEnd: onset - 60}
		return tabular.Breakdown(num, den, w, true)
	})
}

// seriesCases returns faults in series that all cases share: one measure, or errors and requests.
func seriesCases(dir string, list []map[string]string) ([]dimsCase, error) {
	file, overlay := "series.csv.gz", ".csv.gz"
	var requests *tabular.LeafTable
	if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
		file, overlay = "errors.csv.gz", ".errors.csv.gz"
		if requests, err = open(filepath.Join(dir, "requests.csv.gz"), tabular.ReadWide); err != nil {
			return nil, err
		}
	}
	cases := make([]dimsCase, len(list))
	for i, row := range list {
		onset, err := strconv.ParseFloat(row["t0"], 64)
		if err != nil {
			return nil, err
		}
		end, err := strconv.ParseFloat(row["t1"], 64)
		if err != nil {
			return nil, err
		}
		cases[i] = dimsCase{name: row["id"], truth: combinations(row["cause"])}
		cases[i].read = func() (*analysis.Breakdown, error) {
			series, err := open(filepath.Join(dir, file), tabular.ReadWide)
			if err != nil {
				return nil, err
			}
			over, err := open(filepath.Join(dir, row["id"]+overlay), tabular.ReadWide)
			if err != nil {
				return nil, err
			}
			w := tabular.Window{Onset: onset, End: end}
			if err := series.Overlay(over, w); err != nil {
				return nil, err
			}
			return tabular.Breakdown(series, requests, w, requests != nil)
		}
	}
	return cases, nil
}
