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

// inBucket holds the terms of a quantile to the bucket whose bound is nearest to
// the threshold, in proportion; few histograms have one right there. reason says
// why there is none.
//
// A series that lacks the bucket would count as slow altogether. So where series
// have different buckets, each is held to its own nearest one; and buckets that
// were not there before the incident can't be compared with that time.
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

// orList names the bounds of buckets.
func orList(bounds []expr.Bound) string {
	texts := make([]string, len(bounds))
	for i, b := range bounds {
		texts[i] = fmt.Sprintf("%g", b.At)
	}
	return strings.Join(texts, " or ")
}

// histogram is one of which the nearest buckets are looked for.
type histogram struct {
	inquiry     *inquiry
	parts       parts
	now, before []expr.Bound // before: none, if there was no histogram then
}

const mostLayouts = 4 // of buckets, in one histogram

// choose finds the buckets of which each series has one, now and before the incident.
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

// unfit are buckets that some series have beside one that is chosen, or that
// were not there before.
func (h *histogram) unfit(b expr.Bound) bool {
	return math.IsInf(b.At, 1) || b.Series != series(h.now, b.At) || len(h.before) > 0 && series(h.before, b.At) == 0
}

// covers says whether each series has one of some buckets.
func (h *histogram) covers(chosen, of []expr.Bound) bool {
	sum := 0
	for _, b := range chosen {
		sum += series(of, b.At)
	}
	return sum == series(of, math.Inf(1))
}

// series is how many have a bucket.
func series(of []expr.Bound, at float64) int {
	for _, b := range of {
		if b.At == at {
			return b.Series
		}
	}
	return 0
}

// finiteBounds is how many buckets there are beside that of all events.
func finiteBounds(of []expr.Bound) int {
	n := 0
	for _, b := range of {
		if !math.IsInf(b.At, 1) {
			n++
		}
	}
	return n
}

// bounds asks for the buckets at a time, of the series that have none of some.
func (h *histogram) bounds(ctx context.Context, at time.Time, without []expr.Bound) ([]expr.Bound, error) {
	a := h.inquiry.query(ctx, Query{
		Role: RoleBreakdown, Name: h.parts.Target + ": buckets", End: at,
		Query: expr.Buckets(h.parts.Denominator[0], without),
	})
	return expr.Bounds(a.Value), a.Err
}
