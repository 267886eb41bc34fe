// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/promql"
)

// surrounded is a Prometheus with objects of two namespaces, and a histogram with exemplars in
// two series.
func surrounded(t *testing.T, at time.Time) *promql.Fetcher {
	t.Helper()
	p, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{History: func(ctx context.Context, db storage.Appendable) error {
		app := db.Appender(ctx)
		for _, set := range []labels.Labels{
			labels.FromStrings("__name__", "kube_namespace_labels", "namespace", "shop", "label_team", "platform"),
			labels.FromStrings("__name__", "kube_pod_labels", "namespace", "shop", "pod", "pay-1", "label_team", "payments"),
			labels.FromStrings("__name__", "kube_pod_labels", "namespace", "other", "pod", "pay-1", "label_team", "others"),
			labels.FromStrings("__name__", "service_info", "service", "pay", "owner", "ann"),
		} {
			if _, err := app.Append(0, set, at.UnixMilli(), 1); err != nil {
				return err
			}
		}
		for i, version := range []string{"v1", "v2"} {
			ref, err := app.Append(0, labels.FromStrings("__name__", "requests_total", "version", version), at.UnixMilli(), 1)
			if err != nil {
				return err
			}
			e := exemplar.Exemplar{Labels: labels.FromStrings("trace_id", "trace-of-"+version), Value: float64(i), Ts: at.UnixMilli(), HasTs: true}
			if _, err := app.AppendExemplar(ref, labels.FromStrings("__name__", "requests_total", "version", version), e); err != nil {
				return err
			}
		}
		return app.Commit()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	var conf config.Prometheus
	if err := yaml.Unmarshal([]byte("url: "+p.URL()), &conf); err != nil {
		t.Fatal(err)
	}
	f, err := promql.NewFetcher(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSurroundingsAreQueried(t *testing.T) {
	at := time.Now().Truncate(time.Minute)
	f := surrounded(t, at)
	objects, err := f.ObjectLabels(t.Context(), model.LabelSet{"namespace": "shop", "pod": "pay-1"}, at)
	if err != nil || len(objects) != 2 || objects[0]["label_team"] != "payments" || objects[1]["label_team"] != "platform" {
		t.Errorf("%v, %v", objects, err)
	}
	if objects, err = f.ObjectLabels(t.Context(), model.LabelSet{"pod": "pay-1"}, at); err != nil || len(objects) != 0 {
		t.Errorf("without a namespace: %v, %v", objects, err)
	}
	if objects, err = f.ObjectLabels(t.Context(), model.LabelSet{"namespace": `shop"} or {x="`}, at); err != nil || len(objects) != 0 {
		t.Errorf("a hostile namespace: %v, %v", objects, err)
	}
	const text = `service_info{service="{{ .Labels.service }}"}`
	sets, err := f.SeriesLabels(t.Context(), text, promql.Alert{Labels: model.LabelSet{"service": "pay"}}, at)
	if err != nil || len(sets) != 1 || sets[0]["owner"] != "ann" {
		t.Errorf("%v, %v", sets, err)
	}
	if sets, err = f.SeriesLabels(t.Context(), text, promql.Alert{}, at); err != nil || len(sets) != 0 {
		t.Errorf("without the label: %v, %v", sets, err)
	}
	all, err := f.Exemplars(t.Context(), `sum(rate(requests_total[1m]))`, at.Add(-time.Minute), at)
	if err != nil || len(all) != 2 || all[0].Series["version"] != "v1" || all[1].Labels["trace_id"] != "trace-of-v2" || all[1].Value != 1 || !all[1].At.Equal(at) {
		t.Errorf("%v, %v", all, err)
	}
}
