// SPDX-License-Identifier: Apache-2.0

package find

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

// InAlertmanager finds the alert that matches in the first peer that answers; if there are several,
// the earliest. Alertmanager doesn't know its onset.
func InAlertmanager(ctx context.Context, peers []*alertmanager.Client, ms labels.Matchers, now time.Time) (Subject, error) {
	var filter alertmanager.Filter
	for _, m := range ms {
		filter.Matchers = append(filter.Matchers, m.String())
	}
	var errs []error
	for _, p := range peers {
		alerts, err := p.Alerts(ctx, filter)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		var found []Alert
		for _, a := range alerts {
			found = append(found, received(a))
		}
		sortAlerts(found)
		s, err := first(found, now, "none that fits is in "+p.Address())
		s.Onset = time.Time{}
		return s, err
	}
	return Subject{}, fmt.Errorf("no Alertmanager answers: %w", errors.Join(errs...))
}

func received(a alertmanager.Alert) Alert {
	return Alert{
		Alert: report.Alert{
			Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt, EndsAt: a.EndsAt,
			GeneratorURL: a.GeneratorURL, Fingerprint: a.Fingerprint,
		},
		Onset: a.StartsAt,
	}
}
