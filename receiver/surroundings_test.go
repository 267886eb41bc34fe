// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// ownedShop is the broken shop in a namespace whose team is known, with a trace of
// a request that failed and of one that did not.
func ownedShop(ctx context.Context, db storage.Appendable) error {
	if err := brokenShop(ctx, db); err != nil {
		return err
	}
	app, now := db.Appender(ctx), time.Now()
	for _, set := range []labels.Labels{
		labels.FromStrings("__name__", "kube_namespace_labels", "namespace", "shop", "label_team", "checkout"),
		labels.FromStrings("__name__", "service_info", "service", "shop", "tier", "gold"),
	} {
		for at := now.Add(-5 * time.Minute); at.Before(now); at = at.Add(time.Minute) {
			if _, err := app.Append(0, set, at.UnixMilli(), 1); err != nil {
				return err
			}
		}
	}
	for _, path := range []string{"/pay", "/cart"} {
		set := labels.FromStrings("__name__", "errors_total", "service", "shop", "path", path, "version", "v2")
		e := exemplar.Exemplar{Labels: labels.FromStrings("trace_id", "trace of "+path), Value: 1, Ts: now.Add(-30 * time.Second).UnixMilli(), HasTs: true}
		if _, err := app.AppendExemplar(0, set, e); err != nil {
			return err
		}
	}
	return app.Commit()
}

// Whose an alert is, its logs, and the traces of what was found are in its report.
func TestAReportSaysWhoseItIsAndWhereNext(t *testing.T) {
	p, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{History: ownedShop})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	file := filepath.Join(t.TempDir(), "culprit.yml")
	text := "prometheus: {url: '" + p.URL() + "'}\n" + `
context:
  facts: [{name: tier, query: 'service_info{service="{{ .Labels.service }}"}', labels: [tier]}]
  links: [{name: Logs, url: 'https://logs.example.org/?q={{ selector "path" "service" }}&from={{ .From.UnixMilli }}'}, {name: Pod, url: 'https://x.example.org/{{ .Labels.pod }}'}]
  traces: {url: 'https://traces.example.org/trace/{{ .TraceID }}'}
` + testRules
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := promql.NewFetcher(cfg.Prometheus, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	set := model.LabelSet{"alertname": "ErrorsHigh", "service": "shop", "namespace": "shop"}
	alert := report.Alert{Labels: set, Annotations: model.LabelSet{"repository": "javascript:alert(1)"}, StartsAt: now.Add(-time.Minute), Fingerprint: set.Fingerprint().String()}
	r := explain.Report(t.Context(), f, explain.QuestionOf(cfg, find.Subject{Alert: alert, Now: now}))

	var facts []string
	for _, f := range r.Context.Facts {
		facts = append(facts, f.Name+"="+f.Value+" from "+f.From)
	}
	for _, want := range []string{"tier=gold from service_info", "team=checkout from kube_namespace_labels", "repository=javascript:alert(1) from annotation"} {
		if !slices.Contains(facts, want) {
			t.Errorf("%q is not among %q; warnings %v", want, facts, r.Result.Warnings)
		}
	}
	if len(r.Context.Links) != 1 || !strings.HasPrefix(r.Context.Links[0].URL, "https://logs.example.org/?q=path%3D%22%2Fpay%22%2C%20service%3D%22shop%22&from=") {
		t.Errorf("%v of %s", r.Context.Links, r.Summary)
	}
	if got := r.Context.Exemplars; len(got) != 1 || got[0].TraceID != "trace of /pay" || got[0].URL != "https://traces.example.org/trace/trace%20of%20%2Fpay" {
		t.Errorf("%+v", got)
	}
}
