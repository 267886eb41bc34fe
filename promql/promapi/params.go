// SPDX-License-Identifier: Apache-2.0

package promapi

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// limitOf parses the parameter limit; 0 is none.
func limitOf(r *http.Request) (int, error) {
	s := r.Form.Get("limit")
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, BadData("invalid parameter \"limit\": %q is not a count", s)
	}
	return n, nil
}

// Time parses a parameter as Unix seconds or RFC 3339. Without a fallback it is required.
func Time(r *http.Request, name string, fallback time.Time) (time.Time, error) {
	s := r.Form.Get(name)
	if s == "" && !fallback.IsZero() {
		return fallback, nil
	}
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, BadData("invalid parameter %q: cannot parse %q to a valid timestamp", name, s)
	}
	return t, nil
}

// duration parses a duration as seconds or in PromQL's syntax.
func duration(r *http.Request, name string) (time.Duration, error) {
	s := r.Form.Get(name)
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, BadData("invalid parameter %q: cannot parse %q to a valid duration", name, s)
	}
	return time.Duration(d), nil
}
