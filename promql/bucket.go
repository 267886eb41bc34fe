// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/promql/expr"
)

// inBucket restricts the terms of a quantile to the bucket whose bound is nearest to the
// threshold, by ratio; few histograms have one exactly there. reason says why there is none.
//
// A series without that bucket would count as slow entirely. So if series have different
// buckets, each is restricted to its own nearest one. Buckets that did not exist before the
// incident can't be compared.
func (i *inquiry) inBucket(ctx context.Context, p parts) (held parts, reason string) {
	if p.Bucket == 0 {
		return p, ""
	}
	h := histogram{inquiry: i, parts: p}
	chosen, reason := h.choose(ctx)
	if reason != "" {
		return p, reason
	}
	if len(chosen) > 1 || chosen[0].At != p.Bucket {
		p.StandsFor = fmt.Sprintf("a quantile has no parts, and there is no bucket at %g; the share of events beyond %s is used instead", p.Bucket, orList(chosen))
	}
	p.Numerator = expr.HoldToBuckets(p.Numerator, chosen)
	return p, ""
}

// orList lists the bounds of buckets.
func orList(bounds []expr.Bound) string {
	texts := make([]string, len(bounds))
	for i, b := range bounds {
		texts[i] = fmt.Sprintf("%g", b.At)
	}
	return strings.Join(texts, " or ")
}

// histogram searches the nearest buckets.
type histogram struct {
	inquiry     *inquiry
	parts       parts
	now, before []expr.Bound // before is empty if the histogram did not exist then
}

const mostLayouts = 4 // bucket layouts in one histogram

// choose finds buckets such that each series has exactly one of them, now and before the
// incident.
func (h *histogram) choose(ctx context.Context) (chosen []expr.Bound, reason string) {
	var err error
	if h.now, err = h.bounds(ctx, h.parts.grid.end, nil); err == nil {
		h.before, err = h.bounds(ctx, h.parts.grid.before, nil)
	}
	if err != nil {
		return nil, "its buckets could not be read: " + explain(err)
	}
	if finiteBounds(h.now) == 0 {
		return nil, "the histogram has no buckets now"
	}
	left := h.now
	for range mostLayouts {
		next, ok := expr.Nearest(slices.DeleteFunc(slices.Clone(left), h.unfit), h.parts.Bucket)
		if !ok {
			break
		}
		if chosen = append(chosen, next); h.covers(chosen, h.now) {
			break
		}
		if left, err = h.bounds(ctx, h.parts.grid.end, chosen); err != nil {
			return nil, "its buckets could not be read: " + explain(err)
		}
	}
	if h.covers(chosen, h.now) && h.covers(chosen, h.before) {
		return chosen, ""
	}
	everywhere := slices.DeleteFunc(slices.Clone(h.now), func(b expr.Bound) bool {
		one := []expr.Bound{b}
		return math.IsInf(b.At, 1) || !h.covers(one, h.now) || !h.covers(one, h.before)
	})
	if common, ok := expr.Nearest(everywhere, h.parts.Bucket); ok {
		return []expr.Bound{common}, ""
	}
	return nil, "its series have different buckets, or had others before the incident, so that their shares can't be compared"
}

// unfit excludes +Inf, buckets that some series have beside a chosen one, and buckets that did
// not exist before.
func (h *histogram) unfit(b expr.Bound) bool {
	return math.IsInf(b.At, 1) || b.Series != series(h.now, b.At) || len(h.before) > 0 && series(h.before, b.At) == 0
}

// covers says whether each series has one of the buckets.
func (h *histogram) covers(chosen, of []expr.Bound) bool {
	sum := 0
	for _, b := range chosen {
		sum += series(of, b.At)
	}
	return sum == series(of, math.Inf(1))
}

// series returns how many series have a bucket.
func series(of []expr.Bound, at float64) int {
	for _, b := range of {
		if b.At == at {
			return b.Series
		}
	}
	return 0
}

// finiteBounds counts the buckets other than +Inf.
func finiteBounds(of []expr.Bound) int {
	n := 0
	for _, b := range of {
		if !math.IsInf(b.At, 1) {
			n++
		}
	}
	return n
}

// bounds returns the buckets at a time, of the series that have none of the given ones.
func (h *histogram) bounds(ctx context.Context, at time.Time, without []expr.Bound) ([]expr.Bound, error) {
	a := h.inquiry.query(ctx, Query{
		Role: RoleBreakdown, Name: h.parts.Target + ": buckets", End: at,
		Query: expr.Buckets(h.parts.Denominator[0], without),
	})
	return expr.Bounds(a.Value), a.Err
}
