// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Limits for candidates that nobody named.
const (
	mostPerKind  = 4
	mostDefaults = 18
)

// candidates returns candidates for an alert that has none named: from the user's catalogue,
// then from exporters with series for the alert. The number per kind is limited, except for the
// KPI's own exporter.
func (i *inquiry) candidates(ctx context.Context, alert Alert, kpi []*parser.VectorSelector, catalogue []config.Known) ([]config.Candidate, []analysis.Warning) {
	out := []config.Candidate{}
	for _, k := range catalogue {
		if k.Parsed.Matches(alert.Labels) && complete(k.Query, alert) {
			c := k.Candidate
			c.Default = true
			out = append(out, c)
		}
	}
	exported, warnings := i.exported(ctx, alert, kpi)
	perKind := map[string]int{}
	for _, c := range exported {
		if (c.Own || perKind[c.Kind] < mostPerKind) && len(out) < mostDefaults+len(catalogue) {
			perKind[c.Kind]++
			out = append(out, c.Candidate)
		}
	}
	return out, warnings
}

// complete says whether an alert has all labels that a template uses.
func complete(query string, alert Alert) bool {
	_, missing, err := expand(query, newAlertData(alert))
	return err == nil && len(missing) == 0
}

// exported returns the candidates of well-known exporters with series for the alert: for the
// nearest identity that has the metric, and for its neighbours. The KPI's own exporter comes
// first, then the alert's subject, then its surroundings.
func (i *inquiry) exported(ctx context.Context, alert Alert, kpi []*parser.VectorSelector) ([]ranked, []analysis.Warning) {
	known, warnings := i.metricsOf(ctx, alert)
	window := rangeFor(alert)
	var out []ranked
	for _, e := range exporters() {
		own := e.measures(kpi)
		for _, q := range e.queries {
			for _, id := range e.found(known, q.metric) {
				if q.overlaps(kpi) && !id.beside() || measuresScraping(kpi) && e.scrapedWith(id) || !own && e.ofAnExporter(known, id) {
					continue
				}
				out = append(out, ranked{config.Candidate{
					Name: q.name, Kind: q.kind, Query: q.text(id.matchers, window), Default: true, From: e.name, Own: own && !id.beside(),
				}, id.distance()})
			}
		}
	}
	slices.SortStableFunc(out, ranked.compare)
	return out, warnings
}

// found returns the identities to query a metric by: the nearest one, and its neighbours'.
func (e exporter) found(known []named, metric string) []identity {
	id, ok := nearest(known, e.by, metric)
	if !ok {
		return nil
	}
	ids := []identity{id}
	for _, beside := range [][2]string{{byNamespace, besideInNamespace}, {byNodeLabel, besideOnNode}} {
		if other, ok := nearest(known, beside[1:], metric); ok && slices.Contains(e.by, beside[0]) && id.distance() == 0 {
			ids = append(ids, other)
		}
	}
	return ids
}

// ranked is a candidate with its distance from the KPI.
type ranked struct {
	config.Candidate
	distance int
}

func (a ranked) compare(b ranked) int {
	switch {
	case a.Own != b.Own && a.Own:
		return -1
	case a.Own != b.Own:
		return 1
	}
	return cmp.Compare(a.distance, b.distance)
}

// measures says whether a KPI belongs to an exporter: its metrics begin with the same word.
func (e exporter) measures(kpi []*parser.VectorSelector) bool {
	word := func(metric string) string { first, _, _ := strings.Cut(metric, "_"); return first }
	return slices.ContainsFunc(kpi, func(s *parser.VectorSelector) bool {
		return slices.ContainsFunc(e.queries, func(q exporterQuery) bool { return word(q.metric) == word(expr.MetricName(s)) })
	})
}

// measuresScraping says whether a KPI measures scraping itself.
func measuresScraping(kpi []*parser.VectorSelector) bool {
	return slices.ContainsFunc(kpi, func(s *parser.VectorSelector) bool { return expr.MetricName(s) == "up" })
}

// scrapedWith says whether series of an exporter, found by an identity, come from scrapes of
// the alert's subject. If those fail, all of its series end, which explains nothing.
func (e exporter) scrapedWith(id identity) bool {
	switch id.name {
	case byHost, byNode, byNodeLabel, byNamespace, besideInNamespace, besideOnNode:
		return false
	case byInstance, byJob:
		return true
	default:
		return e.name != cAdvisor && e.name != kubeStateMetrics
	}
}

// ofAnExporter says whether series of a process, found by an identity, are those of the exporter
// that the alert's metrics come from. Its memory and its collections say nothing of the server
// that it reports on.
func (e exporter) ofAnExporter(known []named, id identity) bool {
	if e.name != goRuntime && e.name != processMetrics || id.name != byInstance && id.name != byJob {
		return false
	}
	return slices.ContainsFunc(known, func(k named) bool { return k.name == id.name && k.exporter() })
}

// exporter says whether the metrics name an exporter that runs apart from what it reports on. That
// of JMX runs inside it.
func (k named) exporter() bool {
	for name := range k.metrics {
		if strings.HasSuffix(string(name), "exporter_build_info") && !strings.HasPrefix(string(name), "jmx_") {
			return true
		}
	}
	return false
}

// named is an identity of the alert with the metrics that exist for it.
type named struct {
	identity
	metrics map[model.LabelValue]bool
}

// nearest returns the first identity, in the exporter's order of preference, for which a metric
// exists.
func nearest(known []named, by []string, metric string) (identity, bool) {
	for _, name := range by {
		for _, k := range known {
			if k.name == name && k.metrics[model.LabelValue(metric)] {
				return k.identity, true
			}
		}
	}
	return identity{}, false
}

// metricsOf finds the metrics of each identity of the alert. In a storm only shared labels
// count, so that its alerts share queries.
func (i *inquiry) metricsOf(ctx context.Context, alert Alert) ([]named, []analysis.Warning) {
	var found []named
	var warnings []analysis.Warning
	for _, id := range identities(alert) {
		e, _, err := expand("{"+id.among+"}", newAlertData(alert))
		if err != nil {
			continue // some values can't be written in a matcher
		}
		names, err := i.metricNames(ctx, e.String(), alert.evaluated(time.Now()))
		if err != nil {
			warnings = append(warnings, analysis.Warning{Source: "candidates", Text: fmt.Sprintf("which metrics the %s has could not be found: %s", id.name, explain(err))})
			continue
		}
		found = append(found, named{id, names})
	}
	return found, warnings
}

// identifying returns the labels by which candidates are looked up.
func (a Alert) identifying() model.LabelSet {
	if a.Storm {
		return a.Shared
	}
	return a.Own
}

// metricNames returns the names of the metrics that a selector matches. Times are rounded to
// five minutes, so that alerts share the answer.
func (i *inquiry) metricNames(ctx context.Context, selector string, at time.Time) (map[model.LabelValue]bool, error) {
	end := floor(at, recentStep).Add(recentStep)
	start := end.Add(-hourWindow)
	key := fmt.Sprintf("names %d %s", end.Unix(), selector)
	kept, _, err := i.memory.recall(ctx, key, func() (any, int, error) {
		if err := i.admit(); err != nil {
			return nil, 0, err
		}
		names := map[model.LabelValue]bool{}
		err := i.do(ctx, "label_values", func(ctx context.Context) error {
			values, _, _, err := i.api.LabelValues(ctx, model.MetricNameLabel, []string{selector}, start, end)
			for _, v := range values {
				names[v] = true
			}
			return err
		})
		return names, len(names), err
	})
	names, _ := kept.(map[model.LabelValue]bool)
	return names, err
}

// overlaps says whether a query of the table may select series of the KPI, or of its histogram:
// how busy a node is does not explain how idle it is.
func (q exporterQuery) overlaps(kpi []*parser.VectorSelector) bool {
	own := expr.Selectors(expr.MustParse(q.text("", time.Minute)))
	return slices.ContainsFunc(kpi, func(k *parser.VectorSelector) bool {
		return valuesOf(expr.MetricName(k)) == valuesOf(q.metric) && slices.ContainsFunc(own, func(s *parser.VectorSelector) bool {
			return s.Name == q.metric && !disjoint(k, s)
		})
	})
}

// valuesOf maps the buckets and the sum of a histogram to one name: neither explains the other.
// The count may.
func valuesOf(metric string) string {
	return strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_sum")
}

// disjoint says whether an equality matcher rules out that two selectors have common series.
// Metric names are ignored.
func disjoint(a, b *parser.VectorSelector) bool {
	apart := func(a, b *parser.VectorSelector) bool {
		return slices.ContainsFunc(a.LabelMatchers, func(held *labels.Matcher) bool {
			return held.Type == labels.MatchEqual && held.Name != model.MetricNameLabel && slices.ContainsFunc(b.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == held.Name && !m.Matches(held.Value)
			})
		})
	}
	return apart(a, b) || apart(b, a)
}

// rangeFor returns the range for rates: the KPI's, but at least four samples.
func rangeFor(alert Alert) time.Duration {
	window := 5 * time.Minute
	if alert.KPI == nil {
		return window
	}
	if shortest, _ := expr.Ranges(expr.MustParse(alert.KPI.Target)); shortest > 0 {
		window = min(max(shortest, time.Minute), 10*time.Minute)
	}
	return max(window, (4 * alert.KPI.Scrape).Round(time.Minute))
}

// text fills in a query of the table: {} is for the matchers of an identity, [] for the range
// of a rate.
func (q exporterQuery) text(matchers string, window time.Duration) string {
	text := strings.ReplaceAll(q.query, "{}", "{"+matchers+"}")
	text = strings.ReplaceAll(text, ",}", ","+matchers+"}")
	return strings.ReplaceAll(text, "[]", "["+model.Duration(window).String()+"]")
}

// checked returns why a query of the table can't be used; nil if it can.
func (q exporterQuery) checked() error {
	e, err := expr.Parse(q.text(`job="x"`, time.Minute))
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(expr.Selectors(e), func(s *parser.VectorSelector) bool { return s.Name == q.metric }) {
		return fmt.Errorf("%s doesn't select %s", e, q.metric)
	}
	return expr.Evaluable(e)
}
