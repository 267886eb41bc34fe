// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"testing"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// hasty cancels as soon as it has its answer.
type hasty struct {
	v1.API
	giveUp context.CancelFunc
}

func (h hasty) Alerts(context.Context) (v1.AlertsResult, error) {
	h.giveUp()
	return v1.AlertsResult{Alerts: []v1.Alert{{Labels: model.LabelSet{"alertname": "A"}, State: v1.AlertStateFiring}}}, nil
}

// If the deadline passes just as the list arrives, the alert isn't over.
func TestAListThatCameInTimeCounts(t *testing.T) {
	var u config.URL
	if err := u.UnmarshalText([]byte("http://prometheus")); err != nil {
		t.Fatal(err)
	}
	f, err := NewFetcher(config.Prometheus{URL: &u}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.ruler = hasty{giveUp: cancel}
	list, err := f.listAlerts(ctx)
	if err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
}
