// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"

	"github.com/prometheus/prometheus/promql/parser"
)

// Variants returns an expression and equivalent ones: what fires at the same times for the same
// series has the same answer.
func Variants(expr string) []string {
	list := []string{expr}
	e, err := parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(expr)
	if err != nil {
		return list
	}
	list = append(list, "("+expr+")", fmt.Sprintf("(%s) and (%s)", expr, expr))
	c, ok := e.(*parser.BinaryExpr)
	if !ok || !c.Op.IsComparisonOperator() || c.ReturnBool {
		return list
	}
	if _, isNumber := c.RHS.(*parser.NumberLiteral); !isNumber {
		return list // the left side is what is returned: the operands can't be swapped
	}
	flipped := map[parser.ItemType]string{parser.GTR: "<", parser.GTE: "<=", parser.LSS: ">", parser.LTE: ">=", parser.EQLC: "==", parser.NEQ: "!="}
	return append(list,
		fmt.Sprintf("%s %s (%s)", c.RHS, flipped[c.Op], c.LHS),
		fmt.Sprintf("100 * (%s) %s 100 * %s", c.LHS, c.Op, c.RHS),
	)
}
