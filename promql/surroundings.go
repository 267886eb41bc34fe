// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// maxFacts bounds the series that provide facts: more are no longer about one thing.
const maxFacts = 20

// objectMetrics are the metrics of kube-state-metrics with labels and annotations of objects, the
// nearest first, and the labels that name one object.
func objectMetrics() []struct {
	metrics []string
	names   []model.LabelName
} {
	return []struct {
		metrics []string
		names   []model.LabelName
	}{
		{[]string{"kube_pod_labels", "kube_pod_annotations"}, []model.LabelName{"namespace", "pod"}},
		{[]string{"kube_deployment_labels", "kube_deployment_annotations"}, []model.LabelName{"namespace", "deployment"}},
		{[]string{"kube_statefulset_labels", "kube_statefulset_annotations"}, []model.LabelName{"namespace", "statefulset"}},
		{[]string{"kube_namespace_labels", "kube_namespace_annotations"}, []model.LabelName{"namespace"}},
	}
}

// ObjectLabels returns what kube-state-metrics exports of the labels and annotations of the
// objects that a label set names, the nearest object first. It sends no query if the set names
// none.
func (f *Fetcher) ObjectLabels(ctx context.Context, set model.LabelSet, at time.Time) ([]model.LabelSet, error) {
	var selectors []string
	order := map[model.LabelValue]int{}
	for i, k := range objectMetrics() {
		var ms []*labels.Matcher
		for _, name := range k.names {
			if v := set[name]; v != "" {
				ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, string(name), string(v)))
			}
		}
		if len(ms) < len(k.names) {
			continue
		}
		if c := set["cluster"]; c != "" { // or empty, if series lack the label
			ms = append(ms, labels.MustNewMatcher(labels.MatchRegexp, "cluster", "|"+quoteRegexp(string(c), "")))
		}
		for _, metric := range k.metrics {
			order[model.LabelValue(metric)] = i
			selectors = append(selectors, (&parser.VectorSelector{Name: metric, LabelMatchers: ms}).String())
		}
	}
	if len(selectors) == 0 {
		return nil, nil
	}
	found, err := f.labelSets(ctx, strings.Join(selectors, " or "), at)
	slices.SortStableFunc(found, func(a, b model.LabelSet) int {
		return cmp.Compare(order[a[model.MetricNameLabel]], order[b[model.MetricNameLabel]])
	})
	return found, err
}

// SeriesLabels returns the labels of the series of a query template. It sends no query if the
// alert lacks a label that the template uses.
func (f *Fetcher) SeriesLabels(ctx context.Context, text string, a Alert, at time.Time) ([]model.LabelSet, error) {
	e, missing, err := expand(text, newAlertData(a))
	if err != nil || len(missing) > 0 {
		return nil, err
	}
	return f.labelSets(ctx, e.String(), at)
}

// labelSets returns the label sets of an instant query, shared for a minute.
func (f *Fetcher) labelSets(ctx context.Context, query string, at time.Time) ([]model.LabelSet, error) {
	at = at.Truncate(time.Minute)
	value, _, err := f.memory.recall(ctx, fmt.Sprintf("labels %d %s", at.Unix(), query), func() (any, int, error) {
		answer := f.request(ctx, Query{Query: query, End: at, Start: at})
		vector, _ := answer.Value.(model.Vector)
		slices.SortFunc(vector, func(a, b *model.Sample) int { return compareMetrics(a.Metric, b.Metric) })
		vector = slices.Clone(vector[:min(len(vector), maxFacts)]) // the same ones, whatever the order of the answer
		return vector, perSeries * len(vector), answer.Err
	})
	if err != nil {
		return nil, errors.New(explain(err))
	}
	vector, _ := value.(model.Vector)
	sets := make([]model.LabelSet, 0, len(vector))
	for _, s := range vector {
		sets = append(sets, model.LabelSet(maps.Clone(s.Metric)))
	}
	slices.SortFunc(sets, func(a, b model.LabelSet) int { return cmp.Compare(a.String(), b.String()) })
	return sets, nil
}

// Exemplar is one exemplar, with its labels and those of its series.
type Exemplar struct {
	Series, Labels model.LabelSet
	At             time.Time
	Value          float64
}

// Exemplars returns the exemplars of the series in a query between two times; none if the
// server stores none.
func (f *Fetcher) Exemplars(ctx context.Context, query string, from, to time.Time) ([]Exemplar, error) {
	from, to = from.Truncate(time.Minute), to.Truncate(time.Minute).Add(time.Minute)
	value, _, err := f.memory.recall(ctx, fmt.Sprintf("exemplars %d %d %s", from.Unix(), to.Unix(), query), func() (any, int, error) {
		var found []v1.ExemplarQueryResult
		err := f.do(ctx, "query_exemplars", func(ctx context.Context) (err error) {
			found, err = f.api.QueryExemplars(ctx, query, from, to)
			return err
		})
		return found, weightOf(found), err
	})
	if err != nil {
		return nil, errors.New(explain(err))
	}
	var all []Exemplar
	for _, r := range value.([]v1.ExemplarQueryResult) {
		for _, e := range r.Exemplars {
			all = append(all, Exemplar{r.SeriesLabels, e.Labels, e.Timestamp.Time(), float64(e.Value)})
		}
	}
	return all, nil
}

// weightOf returns the memory of exemplars, in samples.
func weightOf(found []v1.ExemplarQueryResult) (samples int) {
	for _, r := range found {
		samples += perSeries * (1 + len(r.Exemplars)) // each has labels of its own, like a series
	}
	return samples
}
