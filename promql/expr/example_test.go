// SPDX-License-Identifier: Apache-2.0

package expr_test

import (
	"fmt"

	"github.com/culprit-dev/culprit/promql/expr"
)

func ExampleDerive() {
	d, err := expr.Derive(`sum by (job) (rate(errors_total[5m])) / sum by (job) (rate(requests_total[5m])) > 0.05
		and on (job) sum by (job) (rate(requests_total[5m])) > 1`)
	if err != nil {
		panic(err)
	}
	target := expr.MustParse(d.Target)
	m, err := d.Apart(target)
	if err != nil {
		panic(err)
	}
	fmt.Println(d.Kind, d.Operator, d.Threshold)
	fmt.Println(expr.Unit(d.Target))
	fmt.Println(expr.Title(target, nil))
	fmt.Println(m.Numerator[0].By([]string{"path"}))
	fmt.Println(m.Denominator[0].By([]string{"path"}))
	fmt.Println(d.Guards[0].Join, d.Guards[0].Expr)
	// Output:
	// ratio > 0.05
	// ratio
	// errors_total / requests_total
	// sum by (path) (rate(errors_total[5m]))
	// sum by (path) (rate(requests_total[5m]))
	// and on (job) (sum by (job) (rate(requests_total[5m])) > 1)
}
