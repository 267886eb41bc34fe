// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"

	"github.com/culprit-dev/culprit/promql/expr"
)

// inBucket holds the terms of a quantile to the bucket whose bound is nearest to
// the threshold, in proportion; few histograms have one right there. reason says
// why there is none.
func (i *inquiry) inBucket(ctx context.Context, p parts) (held parts, reason string) {
	if p.Bucket == 0 {
		return p, ""
	}
	a := i.query(ctx, Query{
		Role: RoleBreakdown, Name: p.Target + ": buckets", End: p.grid.end,
		Query: expr.Buckets(p.Denominator[0]),
	})
	if a.Err != nil {
		return p, "its buckets could not be read: " + explain(a.Err)
	}
	text, bound := expr.NearestBucket(a.Value, p.Bucket)
	if text == "" {
		return p, "the histogram has no buckets now"
	}
	if bound != p.Bucket {
		p.StandsFor = fmt.Sprintf("a quantile has no parts, and there is no bucket at %g; the share of events beyond %g is used instead", p.Bucket, bound)
	}
	p.Numerator = expr.HoldToBucket(p.Numerator, text)
	return p, ""
}
