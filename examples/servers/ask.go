// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// patience limits the wait for an alert and its report.
const patience = 4 * time.Minute

func build(ctx context.Context, dir string) (string, error) { return lab.BuildCulprit(ctx, dir) }

// get decodes a server's JSON answer.
func get[T any](ctx context.Context, address string) (v T, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return v, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return v, errors.Join(err, fmt.Errorf("%s: %s: %.200s", address, resp.Status, body))
	}
	return v, json.Unmarshal(body, &v)
}

// firstReport waits for a culprit's first report on an alert that began after since, and stores it
// in a file.
func (f *field) firstReport(ctx context.Context, x fault, culprit string, since time.Time) (report.Report, error) {
	var none report.Report
	var last error
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		list, err := get[[]report.Report](ctx, f.url(culprit)+"/api/v1/reports?"+url.Values{"alertname": {x.alert}, "limit": {"50"}}.Encode())
		last = err                            // it may be starting
		for i := len(list) - 1; i >= 0; i-- { // the oldest last
			if r := list[i]; r.CreatedAt.After(since) && f.has(x, r.Alert.Labels) {
				return f.whole(ctx, culprit, x.name, r.ID)
			}
		}
		if err := sleep(ctx, time.Second); err != nil {
			return none, err
		}
	}
	return none, errors.Join(fmt.Errorf("no report of %s within %s", x.alert, patience), last)
}

// has reports whether labels are those of a fault's alert.
func (f *field) has(x fault, labels model.LabelSet) bool {
	for name, value := range x.of {
		if string(labels[model.LabelName(name)]) != strings.Replace(value, ofDir, f.dir, 1) {
			return false
		}
	}
	return true
}

// whole returns a complete report, and stores it.
func (f *field) whole(ctx context.Context, culprit, name, id string) (r report.Report, err error) {
	raw, err := get[json.RawMessage](ctx, f.url(culprit)+"/api/v1/reports/"+url.PathEscape(id))
	if err != nil {
		return r, err
	}
	file := fmt.Sprintf("%s-%s-%s.json", time.Now().Format("150405"), name, culprit)
	return r, errors.Join(json.Unmarshal(raw, &r), os.WriteFile(filepath.Join(f.dir, "reports", file), raw, 0o644))
}

// over waits until the alert of a fault no longer fires.
func (f *field) over(ctx context.Context, x fault) error {
	type answer struct {
		Data struct {
			Result model.Vector `json:"result"`
		} `json:"data"`
	}
	query := url.Values{"query": {fmt.Sprintf("ALERTS{alertname=%q}", x.alert)}}
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		a, err := get[answer](ctx, f.url("prometheus")+"/api/v1/query?"+query.Encode())
		if err != nil {
			return err
		}
		fires := false
		for _, s := range a.Data.Result {
			fires = fires || f.has(x, model.LabelSet(s.Metric))
		}
		if !fires {
			return nil
		}
		if err := sleep(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s still fires %s after its cause was mended", x.alert, patience)
}
