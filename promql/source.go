package promql

import (
	"errors"
	"net/url"
	"strings"

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
