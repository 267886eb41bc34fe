// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
)

// ofServer is a report that names one place, by the answers of a Prometheus.
func ofServer(server, place string) Report {
	at := time.Unix(1_700_000_000, 0).UTC()
	return Report{
		ID: server + place, Status: Complete, Prometheus: server, Onset: at, Plan: Plan{End: at.Add(5 * time.Minute)},
		Result: analysis.Result{Verdict: analysis.Explained, Causes: []analysis.Finding{{
			Rank: 1, Kind: analysis.KindLabels, Confidence: analysis.High, Share: 1, Labels: []map[string]string{{"path": place}},
		}}},
	}
}

// TestEqualNamesOnTwoServersAreTwoThings: in keys, which join incidents and find what
// was seen before, and in the causes of an incident.
func TestEqualNamesOnTwoServersAreTwoThings(t *testing.T) {
	eu, us := ofServer("eu", "/pay"), ofServer("us", "/pay")
	for _, key := range KeysOf(eu).All() {
		for _, other := range append(KeysOf(us).All(), KeysOf(ofServer("", "/pay")).All()...) {
			if key == other {
				t.Errorf("a key of two servers: %s", key)
			}
		}
	}
	if a, b := KeysOf(eu).All(), KeysOf(ofServer("eu", "/pay")).All(); strings.Join(a, " ") != strings.Join(b, " ") || len(a) != 2 {
		t.Errorf("%v, %v", a, b)
	}
	for n, reports := range map[int][]Report{2: {eu, us}, 1: {eu, ofServer("eu", "/pay")}} {
		if causes := mergeCauses(reports); len(causes) != n {
			t.Errorf("%d causes: %+v", len(causes), causes)
		}
	}
}

// TestWhatBeganElsewhereIsNotShown: beside an alert of one server are those of this one.
func TestWhatBeganElsewhereIsNotShown(t *testing.T) {
	var all []*Report
	for i, server := range []string{"eu", "eu", "us", ""} {
		r := firing("Errors", i, 0)
		r.Prometheus = server
		all = append(all, r)
	}
	for i, others := range []int{1, 1, 0, 0} {
		n := 0
		if then := ThenOf(*all[i], slices.Values(all)); then != nil {
			n = then.Alerts[0].Alerts
		}
		if n != others {
			t.Errorf("beside an alert of %q: %d, want %d", all[i].Prometheus, n, others)
		}
	}
}

// TestALookAtAnotherServerReplacesTheReport unless it brought nothing.
func TestALookAtAnotherServerReplacesTheReport(t *testing.T) {
	eu, us := ofServer("eu", "/pay"), ofServer("us", "/cart")
	us.Result.Causes[0].Confidence = analysis.Low // of which a look at the same server would say that the earlier stands
	if r, replaced := Later(eu, us); !replaced || r.Prometheus != "us" || len(r.Result.Warnings) > 0 {
		t.Errorf("%v %+v", replaced, r)
	}
	us.Prometheus = "eu"
	if _, replaced := Later(eu, us); replaced {
		t.Error("a look at the same server with less evidence takes the place")
	}
	failed := Report{Status: Failed, Prometheus: "us"}
	if r, replaced := Later(eu, failed); replaced || r.Prometheus != "eu" {
		t.Errorf("%v %+v", replaced, r)
	}
}
