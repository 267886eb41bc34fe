package promql

import (
	"errors"
	"net/url"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// errNoExpression says that an alert doesn't carry its expression.
var errNoExpression = errors.New("the alert's generatorURL holds no expression; hint: give the rule a target.query")

// derive returns the expression of an alert. The address is read, never asked:
// it comes from whoever posted the alert.
func derive(generatorURL string) (parser.Expr, error) {
	text, err := expressionOf(generatorURL)
	if err != nil {
		return nil, err
	}
	expr, err := parse(text)
	if err != nil {
		return nil, err
	}
	return expr, evaluable(expr)
}

// measured strips a comparison and guards, and nothing else.
func measured(e parser.Expr) parser.Expr {
	e = unparen(e)
	if b, ok := e.(*parser.BinaryExpr); ok && guard(b) {
		return measured(b.LHS)
	}
	return e
}

// expressionOf finds g0.expr in the query of an address, or in its fragment
// (where vmui has it).
func expressionOf(generatorURL string) (string, error) {
	u, err := url.Parse(generatorURL)
	if err != nil {
		return "", errNoExpression
	}
	if text := u.Query().Get("g0.expr"); text != "" {
		return text, nil
	}
	_, query, _ := strings.Cut(u.EscapedFragment(), "?")
	values, err := url.ParseQuery(query)
	if err != nil || values.Get("g0.expr") == "" {
		return "", errNoExpression
	}
	return values.Get("g0.expr"), nil
}

// scope adds matchers for the labels that an aggregation groups by and the
// alert has to all selectors inside of it: these labels reach the result
// unchanged, so the alert's series is the one with these values.
func scope(e parser.Expr, own model.LabelSet) {
	switch e := e.(type) {
	case *parser.ParenExpr:
		scope(e.Expr, own)
	case *parser.UnaryExpr:
		scope(e.Expr, own)
	case *parser.BinaryExpr:
		scope(e.LHS, own)
		scope(e.RHS, own)
	case *parser.Call:
		if !relabels(e) {
			for _, arg := range e.Args {
				scope(arg, own)
			}
		}
	case *parser.AggregateExpr:
		scopeAggregate(e, own)
	}
}

func scopeAggregate(e *parser.AggregateExpr, own model.LabelSet) {
	if e.Without || containsRelabelling(e) {
		return
	}
	for _, s := range vectorSelectors(e.Expr) {
		for _, name := range e.Grouping {
			v, ok := own[model.LabelName(name)]
			if !ok || name == "le" || hasMatcher(s, name, string(v)) {
				continue
			}
			s.LabelMatchers = append(s.LabelMatchers, &labels.Matcher{Type: labels.MatchEqual, Name: name, Value: string(v)})
		}
	}
}

func hasMatcher(s *parser.VectorSelector, name, v string) bool {
	for _, m := range s.LabelMatchers {
		if m.Type == labels.MatchEqual && m.Name == name && m.Value == v {
			return true
		}
	}
	return false
}

func relabels(c *parser.Call) bool {
	return c.Func.Name == "label_replace" || c.Func.Name == "label_join"
}

// containsRelabelling says whether a label in e's result may be another one in
// its selectors: renamed, or brought in from another series.
func containsRelabelling(e parser.Expr) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.Call:
			found = found || relabels(n) || n.Func.Name == "info"
		case *parser.BinaryExpr:
			found = found || n.VectorMatching != nil && len(n.VectorMatching.Include) > 0
		}
		return nil
	})
	return found
}
