// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
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

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// ownedShop is the broken shop in a namespace with a known team, with the traces of a failed
// request and a successful one.
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

// A report names the owner of its alert, its logs, and traces of what was found.
func TestAReportHasItsContext(t *testing.T) {
	p, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{History: ownedShop})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	cfg := configOf(t, p.URL(), `
context:
  facts: [{name: tier, query: 'service_info{service="{{ .Labels.service }}"}', labels: [tier]}]
  links: [{name: Logs, url: 'https://logs.example.org/?q={{ selector "path" "service" }}&from={{ .From.UnixMilli }}'}, {name: Pod, url: 'https://x.example.org/{{ .Labels.pod }}'}]
  traces: {url: 'https://traces.example.org/trace/{{ .TraceID }}'}
`)
	f, err := promql.NewFetcher(cfg.Prometheus[0], nil)
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

// deaf is a Prometheus that answers nothing, but records the questions.
type deaf struct{ asked []string }

func (*deaf) Locate(_ context.Context, a promql.Alert) (promql.Alert, []analysis.Warning) {
	a.Onset = a.StartsAt
	return a, nil
}

func (*deaf) Complete(_ context.Context, rule config.Rule, a promql.Alert, _ []config.Known) (config.Rule, promql.Alert, []analysis.Warning) {
	return rule, a, nil
}

func (*deaf) Fetch(context.Context, promql.Plan) (promql.Fetched, error) {
	return promql.Fetched{}, errors.New("connection refused")
}

func (d *deaf) HeldFor(context.Context, model.LabelSet) (time.Duration, bool) {
	d.asked = append(d.asked, "rules")
	return 0, false
}

func (d *deaf) ObjectLabels(context.Context, model.LabelSet, time.Time) ([]model.LabelSet, error) {
	d.asked = append(d.asked, "objects")
	return nil, errors.New("connection refused")
}

func (d *deaf) SeriesLabels(context.Context, string, promql.Alert, time.Time) ([]model.LabelSet, error) {
	d.asked = append(d.asked, "series")
	return nil, errors.New("connection refused")
}

func (d *deaf) Exemplars(context.Context, string, time.Time, time.Time) ([]promql.Exemplar, error) {
	d.asked = append(d.asked, "exemplars")
	return nil, errors.New("connection refused")
}

// A Prometheus that does not answer is not queried for context as well, because somebody who was
// paged is waiting.
func TestNoContextIsQueriedFromAPrometheusThatDoesNotAnswer(t *testing.T) {
	cfg := configOf(t, "http://127.0.0.1:1", `
context:
  facts: [{name: tier, query: 'service_info{service="{{ .Labels.service }}"}', labels: [tier]}]
  links: [{name: Logs, url: 'https://logs.example.org/?q={{ .Labels.service }}'}]
  traces: {url: 'https://traces.example.org/trace/{{ .TraceID }}'}
`)
	set := model.LabelSet{"alertname": "ErrorsHigh", "service": "shop", "namespace": "shop"}
	alert := report.Alert{Labels: set, Annotations: model.LabelSet{"repository": "shop"}, StartsAt: time.Now(), Fingerprint: set.Fingerprint().String()}
	server := &deaf{}
	r := explain.Report(t.Context(), server, explain.QuestionOf(cfg, find.Subject{Alert: alert, Now: time.Now()}))
	if r.Status != report.Failed || len(server.asked) > 0 || len(r.Result.Warnings) != 1 {
		t.Errorf("%s: it is asked for %v; %v", r.Status, server.asked, r.Result.Warnings)
	}
	if len(r.Context.Facts) != 1 || len(r.Context.Links) != 1 {
		t.Errorf("what the alert itself tells is %+v", r.Context)
	}
}

// configOf is the tests' configuration with a server and more.
func configOf(t *testing.T, server, more string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "culprit.yml")
	if err := os.WriteFile(file, []byte("prometheus: {url: '"+server+"'}\n"+more+testRules), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}
