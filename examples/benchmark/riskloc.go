// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/benchmark/riskloc"
)

// riskLoc measures RiskLoc, the best peer on tables with little noise, reimplemented here from its
// paper, on the sets that come with a forecast.
func riskLoc(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("riskloc wants one folder: that of the data sets")
	}
	fmt.Fprintln(out, "| data set | cases | precision | recall | F1 | exact | AC@1 | AC@3 | ms |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	for _, set := range []string{"b0", "s1d", "s", "l", "h600k"} {
		cases, err := dimsCases(filepath.Join(args[0], set))
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(out, "| %s | – | | | | | | | |\n", set)
			continue
		}
		if err != nil {
			return err
		}
		if err := riskLocRow(set, cases, out); err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
	}
	return nil
}

func riskLocRow(set string, cases []dimsCase, out io.Writer) error {
	var score setScore
	var spent time.Duration
	for _, c := range cases {
		b, err := c.read()
		if err != nil {
			return err
		}
		codes, values := encoded(b)
		cards := make([]int, len(values))
		for d := range values {
			cards[d] = len(values[d])
		}
		start := time.Now()
		found, err := riskloc.Locate(codes, cards, b.Numerator.Forecast, b.Numerator.Actual, riskloc.Options{})
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		spent += time.Since(start)
		score.add(spelled(found, b.Labels, values), c.truth)
	}
	fmt.Fprintf(out, "| %s | %s | %.2f |\n", set, score.cells(), spent.Seconds()*1000/float64(len(cases)))
	return nil
}

// encoded returns the leaves of a table as numbers: label → leaf → value, and the values by number.
func encoded(b *analysis.Breakdown) (codes [][]int32, values [][]string) {
	for d := range b.Labels {
		column, code := make([]int32, len(b.Leaves)), map[string]int32{}
		var names []string
		for i, leaf := range b.Leaves {
			c, known := code[leaf[d]]
			if !known {
				c = int32(len(names))
				code[leaf[d]] = c
				names = append(names, leaf[d])
			}
			column[i] = c
		}
		codes, values = append(codes, column), append(values, names)
	}
	return codes, values
}

// spelled returns causes with the labels and values of the data.
func spelled(causes []riskloc.Cause, labels []string, values [][]string) []string {
	list := make([]string, len(causes))
	for k, c := range causes {
		var pairs []string
		for j, d := range c.Dims {
			pairs = append(pairs, labels[d]+"="+values[d][c.Codes[j]])
		}
		slices.Sort(pairs)
		list[k] = strings.Join(pairs, "&")
	}
	return list
}
