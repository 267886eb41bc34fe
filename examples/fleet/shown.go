// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/common/model"
)

// Shown is an alert according to Alertmanager.
type Shown struct {
	Fingerprint string
	Labels      model.LabelSet
	Annotations map[string]string
	StartsAt    time.Time
}

// Shown lists all firing alerts.
func (f *Field) Shown(ctx context.Context) (alerts []Shown, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.Alertmanager.URL()+"/api/v2/alerts", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return alerts, json.NewDecoder(resp.Body).Decode(&alerts)
}
