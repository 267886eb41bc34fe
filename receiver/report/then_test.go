// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

// firing is the report of an alert that began that many minutes from a time.
func firing(name string, n int, minutes float64) *Report {
	labels := model.LabelSet{"alertname": model.LabelValue(name), "n": model.LabelValue(fmt.Sprint(n))}
	start := time.Date(2026, 3, 1, 3, 10, 0, 0, time.UTC).Add(time.Duration(minutes * float64(time.Minute)))
	a := Alert{Labels: labels, Fingerprint: labels.Fingerprint().String(), StartsAt: start}
	return &Report{ID: ID(a.Fingerprint, start), Alert: a, Summary: fmt.Sprint(name, " ", n)}
}

func TestTheAlertsOfATimeAreToldByName(t *testing.T) {
	own := firing("Errors", 0, 0)
	all := map[string]*Report{}
	for _, r := range []*Report{
		own, firing("Errors", 0, 9), // the same alert, again
		firing("Errors", 1, 3), firing("NodeDown", 1, -9), firing("NodeDown", 2, -1), firing("NodeDown", 3, 2),
		firing("Slow", 1, 10), firing("Slow", 2, -10), firing("Late", 1, 10.1), firing("Early", 1, -10.1),
	} {
		all[r.ID] = r
	}
	over := own.Alert.StartsAt.Add(time.Hour)
	down := firing("NodeDown", 1, -9)
	all[down.ID].ResolvedAt = &over
	then := ThenOf(*own, maps.Values(all))
	for i := range then.Alerts {
		then.Alerts[i].Report, then.Alerts[i].At = "", time.Time{}
	}
	want := []Began{
		{Alert: "NodeDown", Alerts: 3, Firing: 2, Summary: "NodeDown 2"},
		{Alert: "Errors", Alerts: 1, Firing: 1, Summary: "Errors 1"},
		{Alert: "Slow", Alerts: 2, Firing: 2, Summary: then.Alerts[2].Summary}, // both are equally near
	}
	if diff := cmp.Diff(want, then.Alerts); diff != "" || then.More != 0 {
		t.Error(then.More, diff)
	}
	for i := range 20 {
		r := firing(fmt.Sprintf("Other%02d", i), i, 5)
		all[r.ID] = r
	}
	if then = ThenOf(*own, maps.Values(all)); len(then.Alerts) != thenNames || then.More != 23-thenNames {
		t.Errorf("%d names and %d more", len(then.Alerts), then.More)
	}
	if then = ThenOf(*own, slices.Values([]*Report{own})); then != nil {
		t.Errorf("an alert alone has %v", then)
	}
}
