// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/url"
	"testing"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Any query of a list becomes a usable filter, or a client error.
func FuzzListQuery(f *testing.F) {
	for _, q := range []string{
		"", "limit=0", "limit=99999999999999999999", "match=a", `match=service="checkout"&match=x=~".*"`, "match=%7B%7D", "open=maybe", "judged=true&status=failed", "after=1.a",
		"after=-9223372036854775809.x", "from=1e300&to=x", "q=%00&verdict=explained", "verdict=other", "a=%zz", ";", "from=2026-01-02T03:04:05Z",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		u := &url.URL{Path: "/api/v1/reports", RawQuery: query}
		filter, err := parseReports(u)
		if err != nil {
			var mistake *problem
			if !errors.As(err, &mistake) {
				t.Errorf("%q: %v", query, err)
			}
		} else {
			if filter.Limit < 1 || filter.Limit > maxLimit {
				t.Errorf("%q: limit %d", query, filter.Limit)
			}
			filter.PassReport(report.Report{})
			filter.PassIncident(report.Incident{})
			filter.PassCase(report.Case{})
		}
		_, _ = parseChanges(u)
	})
}
