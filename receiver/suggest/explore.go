package suggest

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/find"
)

// Asker answers questions about what there is.
type Asker interface {
	// Query returns the value of a query at a time.
	Query(ctx context.Context, query string, at time.Time, opts ...v1.Option) (model.Value, v1.Warnings, v1.Infos, error)
	// Series returns the label sets of the series that one of the selectors
	// selects.
	Series(ctx context.Context, selectors []string, start, end time.Time, opts ...v1.Option) ([]model.LabelSet, v1.Warnings, v1.Infos, error)
}

// Completer finds the candidates of an alert.
type Completer interface {
	// Complete adds to a rule without candidates those that have series for the
	// alert.
	Complete(ctx context.Context, rule config.Rule, alert promql.Alert, catalogue []config.Known) (config.Rule, promql.Alert, []analysis.Warning)
}

// Explorer asks a Prometheus what there is for a KPI.
type Explorer struct {
	API       Asker
	Completer Completer // nil: no candidates are looked for
	Catalogue []config.Known
	Now       time.Time
}

// Label is a label in which the series of a KPI differ.
type Label struct {
	Name   string
	Values int
}

const (
	lookBack   = time.Hour
	mostSeries = 5_000 // looked at for one KPI
	mostValues = 200   // of a label to break down by
	mostLabels = 8     // to break down by: every combination of them is searched
)

// Explore asks what there is for an entry, and notes it there.
func (e Explorer) Explore(ctx context.Context, entry *Entry) {
	if entry.Error != "" {
		return
	}
	entry.Asked = true
	var err error
	if entry.Found, entry.Series, err = e.Labels(ctx, entry.Suggestion); err != nil {
		entry.Doubt = err.Error()
		return
	}
	if e.Completer != nil && entry.Series > 0 {
		entry.Candidates = e.Candidates(ctx, entry.Suggestion)
	}
}

// Candidates returns the queries that have series for an alert such as the KPI
// would make now: with the labels of one of its series and those of its rule.
// There are none where the KPI has no value now, as nobody knows then which
// labels the alert would have.
func (e Explorer) Candidates(ctx context.Context, s Suggestion) []config.Candidate {
	value, _, _, err := e.API.Query(ctx, s.Target, e.Now, v1.WithLimit(1))
	vector, _ := value.(model.Vector)
	if err != nil || len(vector) == 0 {
		return nil
	}
	own := model.LabelSet(vector[0].Metric).Clone()
	delete(own, model.MetricNameLabel)
	own = own.Merge(s.Labels).Merge(model.LabelSet{model.AlertNameLabel: model.LabelValue(s.Alert)})
	alert := promql.Alert{Labels: own, Own: own, StartsAt: e.Now, Onset: e.Now, GeneratorURL: "?g0.expr=" + url.QueryEscape(s.Expr)}
	rule, _, _ := e.Completer.Complete(ctx, config.Rule{}, alert, e.Catalogue)
	return rule.Candidates
}

// Labels returns the labels in which the series of a KPI differ, those with the
// fewest values first, and how many series there are. A KPI that is a ratio is
// seen by its denominator: an error that never happened has no series.
func (e Explorer) Labels(ctx context.Context, s Suggestion) (found []Label, series int, err error) {
	selectors := selectorsOf(cmp.Or(s.Denominator, s.Target))
	if len(selectors) == 0 {
		return nil, 0, nil
	}
	sets, _, _, err := e.API.Series(ctx, selectors, e.Now.Add(-lookBack), e.Now, v1.WithLimit(mostSeries))
	if err != nil {
		return nil, 0, err
	}
	found = varying(sets)
	if s.Denominator != "" {
		found = slices.DeleteFunc(found, func(l Label) bool {
			return !slices.Equal(matchersOn(s.Numerator, l.Name), matchersOn(s.Denominator, l.Name))
		})
	}
	return found, len(sets), nil
}

// matchersOn returns the matchers of PromQL on a label. Where the sides of a
// ratio differ in them, the label is what makes the event, and no place where it
// happens: the share of code=500 by code is one or nothing.
func matchersOn(query, label string) []string {
	expr, err := find.QueryParser().ParseExpr(query)
	if err != nil {
		return nil
	}
	var texts []string
	for _, ms := range parser.ExtractSelectors(expr) {
		for _, m := range ms {
			if m.Name == label {
				texts = append(texts, m.String())
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// varying counts the values of each label that has several; a label that is
// missing has one more.
func varying(sets []model.LabelSet) []Label {
	values, there := map[model.LabelName]map[model.LabelValue]bool{}, map[model.LabelName]int{}
	for _, set := range sets {
		for name, v := range set {
			if values[name] == nil {
				values[name] = map[model.LabelValue]bool{}
			}
			values[name][v] = true
			there[name]++
		}
	}
	var found []Label
	for name, vs := range values {
		n := len(vs)
		if there[name] < len(sets) {
			n++
		}
		if n > 1 && name != model.MetricNameLabel && name != "le" {
			found = append(found, Label{string(name), n})
		}
	}
	slices.SortFunc(found, func(a, b Label) int {
		return cmp.Or(cmp.Compare(a.Values, b.Values), cmp.Compare(a.Name, b.Name))
	})
	return found
}

// selectorsOf returns the selectors of PromQL, each once.
func selectorsOf(query string) []string {
	expr, err := find.QueryParser().ParseExpr(query)
	if err != nil {
		return nil
	}
	var texts []string
	for _, path := range parser.ExtractSelectors(expr) {
		texts = append(texts, selectorText(path))
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func selectorText(ms []*labels.Matcher) string {
	s := parser.VectorSelector{LabelMatchers: ms}
	return s.String()
}
