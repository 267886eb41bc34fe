// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseTime parses Unix seconds or RFC 3339, and returns Unix seconds.
func ParseTime(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return v, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time: write Unix seconds, or RFC 3339 as in 2022-08-22T03:54:00Z", text)
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
}

// parseValue parses a number; an empty cell, NaN and infinity are missing samples, returned as
// NaN.
func parseValue(text string) (float64, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number: leave the cell empty where there is no sample", text)
	}
	if math.IsInf(v, 0) {
		return math.NaN(), nil
	}
	return v, nil
}

// place names the position of a cell.
func place(line int, column string) string {
	return fmt.Sprintf("line %d, column %q", line, column)
}
