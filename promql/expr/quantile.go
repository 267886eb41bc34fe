// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// bucketLabel holds the upper bound of a histogram's bucket.
const bucketLabel = "le"

// A quantile is above a threshold exactly when the share of events above the
// threshold is above 1 - φ. Quantiles don't add up, events do; so a quantile is
// broken down as that share, at the bucket whose bound is the threshold.

// errNoBucket says that no bucket stands for the threshold of a quantile.
var errNoBucket = errors.New("quantiles don't add up; break down the share of slow requests instead, " +
	`as in 1 - sum(rate(m_bucket{le="0.5"}[5m])) / sum(rate(m_count[5m]))`)

// tailShare is the share of events that a quantile is broken down as: those on
// the side of the limit that the alert is about.
func tailShare(e parser.Expr, op string, limit float64) (Measure, error) {
	call, times := quantileCall(e)
	if call == nil || times == 0 {
		return Measure{}, errNoBucket
	}
	above := strings.HasPrefix(op, ">")
	bound := limit / times
	if classicBuckets(call.Args[1]) {
		return classicShare(call.Args[1], above, bound)
	}
	if above {
		return nativeFraction(call.Args[1], bound, math.Inf(1))
	}
	return nativeFraction(call.Args[1], math.Inf(-1), bound)
}

// quantileCall finds histogram_quantile and what it is multiplied by.
func quantileCall(e parser.Expr) (*parser.Call, float64) {
	switch b := bare(e).(type) {
	case *parser.Call:
		if b.Func.Name == "histogram_quantile" {
			return b, 1
		}
	case *parser.BinaryExpr:
		return scaledQuantile(b)
	}
	return nil, 0
}

func scaledQuantile(b *parser.BinaryExpr) (*parser.Call, float64) {
	if v, ok := Number(b.LHS); ok && b.Op == parser.MUL {
		call, times := quantileCall(b.RHS)
		return call, times * v
	}
	if m := b.VectorMatching; b.Op == parser.MUL && m != nil && m.Card == parser.CardOneToMany {
		return quantileCall(b.RHS)
	}
	v, ok := Number(b.RHS)
	call, times := quantileCall(b.LHS)
	switch {
	case b.Op == parser.MUL && b.VectorMatching != nil: // with series that bring labels
		return call, times
	case ok && b.Op == parser.MUL:
		return call, times * v
	case ok && b.Op == parser.DIV && v != 0:
		return call, times / v
	default:
		return nil, 0
	}
}

// classicBuckets says whether a histogram has a series a bucket.
func classicBuckets(e parser.Expr) bool {
	found := slices.ContainsFunc(Selectors(e), func(s *parser.VectorSelector) bool {
		return strings.Contains(MetricName(s), "_bucket") // also as recorded: job_le:m_bucket:rate5m
	})
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok && !a.Without {
			found = found || slices.Contains(a.Grouping, bucketLabel)
		}
		return nil
	})
	return found
}

// classicShare is of cumulative buckets: all events are those of le="+Inf".
func classicShare(e parser.Expr, above bool, bound float64) (Measure, error) {
	all, err := linear(oneBucket(e, []string{"+Inf"}))
	if err != nil {
		return Measure{}, fmt.Errorf("the buckets: %w", err)
	}
	below, err := linear(oneBucket(e, boundTexts(bound)))
	if err != nil {
		return Measure{}, fmt.Errorf("the buckets: %w", err)
	}
	m := Measure{Numerator: below, Denominator: all, Scale: 1, Count: true, Bucket: bound}
	if above {
		m.Numerator = subtract(all, below)
	}
	return m, nil
}

// oneBucket holds all selectors of e to one bucket, in any of the ways in which
// its bound is written, and doesn't group by it any more.
func oneBucket(e parser.Expr, bounds []string) parser.Expr {
	e = MustParse(e.String())
	for _, s := range Selectors(e) {
		s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == bucketLabel })
		s.LabelMatchers = append(s.LabelMatchers, bucketMatcher(bounds))
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			a.Grouping = slices.DeleteFunc(a.Grouping, func(name string) bool { return name == bucketLabel })
		}
		return nil
	})
	return e
}

func bucketMatcher(bounds []string) *labels.Matcher {
	if len(bounds) == 1 {
		return labels.MustNewMatcher(labels.MatchEqual, bucketLabel, bounds[0])
	}
	quoted := make([]string, len(bounds))
	for i, b := range bounds {
		quoted[i] = regexp.QuoteMeta(b)
	}
	return labels.MustNewMatcher(labels.MatchRegexp, bucketLabel, strings.Join(quoted, "|"))
}

// boundTexts are the ways in which clients write a bound: 1, 1.0, 1e+06.
func boundTexts(bound float64) []string {
	plain := strconv.FormatFloat(bound, 'f', -1, 64)
	texts := []string{plain, strconv.FormatFloat(bound, 'g', -1, 64)}
	if !strings.Contains(plain, ".") {
		texts = append(texts, plain+".0")
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Buckets is PromQL that has a series for each bucket of the histogram in a
// term.
func Buckets(t Term) string {
	e := MustParse(t.Text)
	for _, s := range Selectors(e) {
		s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == bucketLabel })
	}
	return "group by (" + bucketLabel + ") (" + SelectorTexts(e)[0] + ")"
}

// NearestBucket is the bucket, of those in an answer to [Buckets], whose bound
// is nearest to another one, in proportion; text is empty if there is none.
func NearestBucket(v model.Value, bound float64) (text string, nearest float64) {
	vector, _ := v.(model.Vector)
	best := math.Inf(1)
	for _, s := range vector {
		le := string(s.Metric[bucketLabel])
		at, err := strconv.ParseFloat(le, 64)
		if err != nil || math.IsInf(at, 0) || at <= 0 {
			continue
		}
		d := math.Abs(math.Log(at / bound))
		if d < best || d == best && le < text {
			text, nearest, best = le, at, d
		}
	}
	return text, nearest
}

// HoldToBucket replaces the matchers of the threshold by the bucket's own text.
func HoldToBucket(terms []Term, le string) []Term {
	out := slices.Clone(terms)
	for i, t := range out {
		e := MustParse(t.Text)
		for _, s := range Selectors(e) {
			for k, m := range s.LabelMatchers {
				if m.Name == bucketLabel && m.Value != "+Inf" {
					s.LabelMatchers[k] = bucketMatcher([]string{le})
				}
			}
		}
		out[i].Text = e.String()
	}
	return out
}
