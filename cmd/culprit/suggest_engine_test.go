// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	kpi "github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
)

// This checks suggest against the rule from outside: Prometheus' engine evaluates both, on series
// made for the rule's selectors, at many times, knowing only the printed JSON.
func TestWhatIsSuggestedHoldsWhereTheAlertFires(t *testing.T) {
	files, err := filepath.Glob("../../promql/expr/testdata/rules/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var list []kpi.Suggestion
	args := append([]string{"suggest", "--format", "json", "../../promql/expr/testdata/idioms/rules.yaml"}, files...)
	culprit(t, args...).into(t, &list)
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, 50_000_000)
	var sum tally
	for i, s := range list {
		if s.Error == "" {
			sum.add(t, engine, s, uint64(i))
		}
	}
	t.Logf("%+v", sum)
	if sum.rules < 500 || sum.wrong > 0 || sum.fired < sum.rules*3/5 || sum.quotients < 2000 {
		t.Errorf("%+v", sum)
	}
}

type tally struct {
	rules     int // that could be evaluated
	fired     int // of them fired at least once
	plain     int // fired and were quiet exactly where "target operator threshold" holds
	wrong     int
	quotients int // that were compared
}

func (sum *tally) add(t *testing.T, engine *promql.Engine, s kpi.Suggestion, seed uint64) {
	expr, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(s.Expr)
	if err != nil {
		t.Fatalf("%s: %v", s.Expr, err)
	}
	a := answers{t: t, engine: engine, plan: newSeriesPlan(expr, seed)}
	a.storage = promqltest.LoadedStorage(t, a.plan.script)
	fires, err := a.ask(s.Expr)
	if err != nil {
		return // such as a join of ambiguous series
	}
	sum.rules++
	crosses, err := a.ask(s.Target + " " + s.Operator + " " + s.Threshold)
	if err != nil {
		t.Errorf("%s: %s %s %s: %v", s.Alert, s.Target, s.Operator, s.Threshold, err)
	}
	holds, err := a.ask(s.Condition)
	if err != nil {
		t.Errorf("%s: %s: %v", s.Alert, s.Condition, err)
	}
	if len(fires) > 0 {
		sum.fired++
	}
	alone := sameKeys(fires, crosses)
	if alone {
		sum.plain++
	}
	if !countsAll(s) && (!sameKeys(fires, holds) || !alone && !hasGuards(expr)) {
		sum.wrong++
		t.Errorf("%s: %s\n fires for %d, %s %s %s holds for %d, and %s for %d",
			s.Alert, s.Expr, len(fires), s.Target, s.Operator, s.Threshold, len(crosses), s.Condition, len(holds))
	}
	sum.quotients += a.divide(s)
}

func sameKeys(a, b map[string]float64) bool {
	return maps.EqualFunc(a, b, func(float64, float64) bool { return true })
}

// countsAll reports whether s is one number for all series.
func countsAll(s kpi.Suggestion) bool {
	return s.Kind == expr.KindPresence && s.Operator == ">"
}

// hasGuards reports whether a rule has more than one comparison.
func hasGuards(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		b, ok := n.(*parser.BinaryExpr)
		found = found || ok && (b.Op.IsSetOperator() || b.Op.IsComparisonOperator() && b != e)
		return nil
	})
	return found
}

// answers evaluates PromQL on the series of a plan.
type answers struct {
	t       *testing.T
	engine  *promql.Engine
	plan    seriesPlan
	storage storage.Queryable
}

// ask returns the values by time and labels.
func (a answers) ask(text string) (map[string]float64, error) {
	q, err := a.engine.NewRangeQuery(a.t.Context(), a.storage, nil, text, a.plan.first, a.plan.last, a.plan.every)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	m, err := q.Exec(a.t.Context()).Matrix()
	if err != nil {
		return nil, err
	}
	found := map[string]float64{}
	for _, s := range m {
		ls := labels.NewBuilder(s.Metric).Del(model.MetricNameLabel).Labels()
		for _, p := range s.Floats {
			found[fmt.Sprintf("%d %s", p.T, ls)] = p.F
		}
	}
	return found, nil
}

// divide compares the quotient of the sides with the target, where both have the same labels.
func (a answers) divide(s kpi.Suggestion) (compared int) {
	if s.Kind != expr.KindRatio && s.Kind != expr.KindMean || s.Numerator == "" {
		return 0
	}
	target, err := a.ask(s.Target)
	if err != nil {
		a.t.Fatal(err)
	}
	quotient, err := a.ask(s.Numerator + " / " + s.Denominator)
	if err != nil {
		return 0 // a join, which the sides alone don't show
	}
	for key, q := range quotient {
		v, ok := target[key]
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(q) || math.IsInf(q, 0) {
			continue
		}
		compared++
		if math.Abs(q-v) > 0.01*math.Max(math.Abs(q), math.Abs(v))+1e-9 {
			a.t.Errorf("%s: %s is %v, and %s / %s is %v", s.Alert, s.Target, v, s.Numerator, s.Denominator, q)
			return compared
		}
	}
	return compared
}

// seriesPlan is the data for a rule: two entities for each selector, with values that change every
// few minutes, around the numbers in the rule.
type seriesPlan struct {
	script      string
	first, last time.Time
	every       time.Duration
}

const scrape = time.Minute

func newSeriesPlan(e parser.Expr, seed uint64) seriesPlan {
	rng := rand.New(rand.NewPCG(seed, 11))
	names, equal, values := vocabulary(e)
	back := min(30*time.Hour, lookback(e))
	steps := 200 + int(back/scrape)
	var b strings.Builder
	fmt.Fprintf(&b, "load %s\n", scrape)
	seen := map[string]bool{}
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for entity := range 2 {
			ls := labelsFor(s, names, equal, entity)
			if text := ls.String(); !seen[text] && ls.Get(model.MetricNameLabel) != "" {
				seen[text] = true
				b.WriteString(text + written(rng, values, steps, counted(path)) + "\n")
			}
		}
		return nil
	})
	first := time.Unix(0, 0).Add(back + 10*time.Minute)
	return seriesPlan{b.String(), first, time.Unix(0, 0).Add(time.Duration(steps) * scrape), 90 * time.Second}
}

// vocabulary returns the labels that a rule names, those that it wants to have a value, and numbers
// around its own.
func vocabulary(e parser.Expr) (names []string, equal map[string]string, values []float64) {
	equal, values = map[string]string{}, []float64{0, 1, 2, 10}
	names = []string{"instance", "job"}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.NumberLiteral:
			values = append(values, n.Val/2, n.Val, n.Val*1.5, n.Val*100, n.Val/100)
		case *parser.AggregateExpr:
			names = append(names, n.Grouping...)
		case *parser.BinaryExpr:
			if m := n.VectorMatching; m != nil {
				names = append(append(names, m.MatchingLabels...), m.Include...)
			}
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				if m.Type == labels.MatchEqual && m.Name != model.MetricNameLabel {
					equal[m.Name] = m.Value
				}
			}
		}
		return nil
	})
	return names, equal, values
}

func labelsFor(s *parser.VectorSelector, names []string, equal map[string]string, entity int) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, name := range names {
		b.Set(name, fmt.Sprintf("%s%d", name, entity))
	}
	for name, v := range equal {
		b.Set(name, v)
	}
	for _, m := range s.LabelMatchers {
		if m.Matches(b.Get(m.Name)) {
			continue
		}
		for _, v := range append([]string{m.Value, "x", ""}, strings.FieldsFunc(m.Value, func(r rune) bool { return strings.ContainsRune("|()^$.*+?", r) })...) {
			if m.Matches(v) {
				b.Set(m.Name, v)
				break
			}
		}
	}
	return b.Labels()
}

// counted reports whether a selector's series are counters.
func counted(path []parser.Node) bool {
	return slices.ContainsFunc(path, func(n parser.Node) bool {
		c, ok := n.(*parser.Call)
		return ok && slices.Contains([]string{"rate", "irate", "increase"}, c.Func.Name)
	})
}

func lookback(e parser.Expr) (longest time.Duration) {
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.MatrixSelector:
			longest = max(longest, n.Range)
		case *parser.SubqueryExpr:
			longest = max(longest, 2*n.Range)
		case *parser.VectorSelector:
			longest = max(longest, 2*n.OriginalOffset)
		}
		return nil
	})
	return longest
}

// written returns samples: one of the values for some minutes, then another one or none.
func written(rng *rand.Rand, values []float64, steps int, counter bool) string {
	var b strings.Builder
	sum := 0.0
	for i := 0; i < steps; {
		v, missing := values[rng.IntN(len(values))], rng.IntN(12) == 0
		for range 5 + rng.IntN(20) {
			i++
			switch sum += math.Abs(v); {
			case missing:
				b.WriteString(" _")
			case counter:
				fmt.Fprintf(&b, " %g", sum)
			default:
				fmt.Fprintf(&b, " %g", v)
			}
		}
	}
	return b.String()
}
