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

// How many candidates an alert without named ones gets.
const (
	mostPerKind  = 4
	mostDefaults = 18
)

// candidates are those to look at where nobody has named any: of the user's
// catalogue, then of the exporters that have series for the alert. Of a kind only
// so many are asked, but for the exporter that the KPI is of.
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

// complete says whether an alert has all labels that a template names.
func complete(query string, alert Alert) bool {
	_, missing, err := expand(query, newAlertData(alert))
	return err == nil && len(missing) == 0
}

// exported are the candidates of well-known exporters that have series for the
// alert: each for the nearest of its identities that has its metric, and for what
// is beside that. Those of the exporter that the KPI is of come first, then those
// of what the alert is about, then those of what is around it.
func (i *inquiry) exported(ctx context.Context, alert Alert, kpi []*parser.VectorSelector) ([]ranked, []analysis.Warning) {
	known, warnings := i.metricsOf(ctx, alert)
	window := rangeFor(alert)
	var out []ranked
	for _, e := range exporters() {
		own := e.measures(kpi)
		for _, q := range e.queries {
			for _, id := range e.found(known, q.metric) {
				if q.overlaps(kpi) && !id.beside() || scrapesOf(kpi) && e.scrapedWith(id) {
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

// found are the identities by which a metric of an exporter is looked for: the
// nearest one, and those of what is beside that.
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

// ranked is a candidate and how much it has to do with the KPI.
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

// measures says whether a KPI is of an exporter: its metrics begin with the same
// word.
func (e exporter) measures(kpi []*parser.VectorSelector) bool {
	word := func(metric string) string { first, _, _ := strings.Cut(metric, "_"); return first }
	return slices.ContainsFunc(kpi, func(s *parser.VectorSelector) bool {
		return slices.ContainsFunc(e.queries, func(q exporterQuery) bool { return word(q.metric) == word(expr.MetricName(s)) })
	})
}

// scrapesOf says whether a KPI measures the scraping itself.
func scrapesOf(kpi []*parser.VectorSelector) bool {
	return slices.ContainsFunc(kpi, func(s *parser.VectorSelector) bool { return expr.MetricName(s) == "up" })
}

// scrapedWith says whether the series of an exporter, found by an identity of an
// alert, come from the scrapes of what the alert is about. When these end, all
// of them end, which explains nothing.
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

// named are the metrics that exist for one identity of an alert.
type named struct {
	identity
	metrics map[model.LabelValue]bool
}

// nearest returns the first identity, in the order that an exporter prefers,
// for which a metric exists.
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

// metricsOf asks which metrics exist for each identity of the alert. In a storm
// only labels count that all its alerts have, so that they ask the same.
func (i *inquiry) metricsOf(ctx context.Context, alert Alert) ([]named, []analysis.Warning) {
	var found []named
	var warnings []analysis.Warning
	for _, id := range identities(alert) {
		e, _, err := expand("{"+id.among+"}", newAlertData(alert))
		if err != nil {
			continue // a value that no matcher can hold
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

// identifying are the labels of an alert by which candidates are looked for.
func (a Alert) identifying() model.LabelSet {
	if a.Storm {
		return a.Shared
	}
	return a.Own
}

// metricNames asks for the names of the metrics that a selector selects. The
// times are whole five minutes, so that alerts share the answer.
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

// overlaps says whether a query of the table may have series of its metric that
// are among those of the KPI, or of the histogram whose buckets the KPI is made
// of. What a node does while it isn't idle explains how idle it is.
func (q exporterQuery) overlaps(kpi []*parser.VectorSelector) bool {
	own := expr.Selectors(expr.MustParse(q.text("", time.Minute)))
	return slices.ContainsFunc(kpi, func(k *parser.VectorSelector) bool {
		return valuesOf(expr.MetricName(k)) == valuesOf(q.metric) && slices.ContainsFunc(own, func(s *parser.VectorSelector) bool {
			return s.Name == q.metric && !disjoint(k, s)
		})
	})
}

// valuesOf is one name for all that a histogram says of its values, which are no
// news beside each other; how many there were is news.
func valuesOf(metric string) string {
	return strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_sum")
}

// disjoint says whether two selectors have no series in common, as far as one
// of them holds a label to a value; of the names of their metrics nothing is asked.
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

// rangeFor is the range of a rate: that of the KPI, and at least four samples.
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

// text is a query of the table with its holes filled in: {} is where the
// matchers of an identity go, [] the range of a rate.
func (q exporterQuery) text(matchers string, window time.Duration) string {
	text := strings.ReplaceAll(q.query, "{}", "{"+matchers+"}")
	text = strings.ReplaceAll(text, ",}", ","+matchers+"}")
	return strings.ReplaceAll(text, "[]", "["+model.Duration(window).String()+"]")
}

// checked says why a query of the table can't be used; nil if it can.
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
