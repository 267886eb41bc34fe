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

// mostTold is how many series tell facts: more are no longer about one thing.
const mostTold = 20

// keptPlaces are the metrics of kube-state-metrics that hold labels and annotations
// of objects, the nearest first, with the labels that name one object.
func keptPlaces() []struct {
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

// ObjectLabels returns what kube-state-metrics exports of labels and annotations of
// the objects that a set of labels names, the nearest object first. Where it is not
// known which there are, nothing is asked.
func (f *Fetcher) ObjectLabels(ctx context.Context, set model.LabelSet, at time.Time) ([]model.LabelSet, error) {
	var selectors []string
	order := map[model.LabelValue]int{}
	for i, k := range keptPlaces() {
		var ms []*labels.Matcher
		for _, name := range k.names {
			if v := set[name]; v != "" {
				ms = append(ms, labels.MustNewMatcher(labels.MatchEqual, string(name), string(v)))
			}
		}
		if len(ms) < len(k.names) {
			continue
		}
		if c := set["cluster"]; c != "" { // empty where series have no such label
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
	found, err := f.told(ctx, strings.Join(selectors, " or "), at)
	slices.SortStableFunc(found, func(a, b model.LabelSet) int {
		return cmp.Compare(order[a[model.MetricNameLabel]], order[b[model.MetricNameLabel]])
	})
	return found, err
}

// SeriesLabels returns the labels of the series of a template, as that of a
// candidate. Nothing is asked if the alert lacks a label that it names.
func (f *Fetcher) SeriesLabels(ctx context.Context, text string, a Alert, at time.Time) ([]model.LabelSet, error) {
	e, missing, err := expand(text, newAlertData(a))
	if err != nil || len(missing) > 0 {
		return nil, err
	}
	return f.told(ctx, e.String(), at)
}

// told asks for series at a time, and shares the answer with whoever asks the same
// within the minute.
func (f *Fetcher) told(ctx context.Context, query string, at time.Time) ([]model.LabelSet, error) {
	at = at.Truncate(time.Minute)
	value, _, err := f.memory.recall(ctx, fmt.Sprintf("labels %d %s", at.Unix(), query), func() (any, int, error) {
		answer := f.request(ctx, Query{Query: query, End: at, Start: at})
		vector, _ := answer.Value.(model.Vector)
		slices.SortFunc(vector, func(a, b *model.Sample) int { return compareMetrics(a.Metric, b.Metric) })
		vector = slices.Clone(vector[:min(len(vector), mostTold)]) // the same ones, in whatever order they came
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

// Exemplar is one sample with the labels of its exemplar, and of its series.
type Exemplar struct {
	Series, Labels model.LabelSet
	At             time.Time
	Value          float64
}

// Exemplars returns the exemplars of the series in a query between two times. A
// server that keeps none has none.
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

// weightOf says how many samples take as much room as some exemplars.
func weightOf(found []v1.ExemplarQueryResult) (samples int) {
	for _, r := range found {
		samples += perSeries * (1 + len(r.Exemplars)) // each has labels of its own, as a series has
	}
	return samples
}
