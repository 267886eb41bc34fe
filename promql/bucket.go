// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"

	"github.com/culprit-dev/culprit/promql/expr"
)

// findBucket holds the terms of a quantile to the bucket whose bound is nearest
// to the threshold, in proportion; few histograms have one right there.
func (i *inquiry) findBucket(ctx context.Context, s *shape) {
	b := &s.b
	if b.bucket == 0 {
		return
	}
	a := i.query(ctx, Query{
		Role: RoleBreakdown, Name: b.Target + ": buckets", End: b.grid.end,
		Query: expr.Buckets(b.Denominator[0]),
	})
	if a.Err != nil {
		s.reason = "its buckets could not be read: " + explain(a.Err)
		return
	}
	text, bound := expr.NearestBucket(a.Value, b.bucket)
	if text == "" {
		s.reason = "the histogram has no buckets now"
		return
	}
	if bound != b.bucket {
		s.b.standsFor = fmt.Sprintf("a quantile has no parts, and there is no bucket at %g; the share of events beyond %g is looked at", b.bucket, bound)
	}
	b.Numerator = expr.HoldToBucket(b.Numerator, text)
}
