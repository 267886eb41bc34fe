// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"cmp"
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

// A quantile is above a threshold exactly if the share of events above it exceeds 1 − φ.
// Quantiles don't add up, but events do, so a quantile is broken down as that share, at the
// bucket whose bound is the threshold.

// errNoBucket says that no bucket matches the threshold of a quantile.
var errNoBucket = errors.New("quantiles don't add up; break down the share of slow requests instead, " +
	`as in 1 - sum(rate(m_bucket{le="0.5"}[5m])) / sum(rate(m_count[5m]))`)

// tailShare returns the share of events on the alert's side of the limit, by which a quantile
// is broken down.
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

// quantileCall finds histogram_quantile and its factor.
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
	case b.Op == parser.MUL && b.VectorMatching != nil: // with series that add labels
		return call, times
	case ok && b.Op == parser.MUL:
		return call, times * v
	case ok && b.Op == parser.DIV && v != 0:
		return call, times / v
	default:
		return nil, 0
	}
}

// classicBuckets says whether a histogram has one series per bucket.
func classicBuckets(e parser.Expr) bool {
	found := slices.ContainsFunc(Selectors(e), func(s *parser.VectorSelector) bool {
		return strings.Contains(MetricName(s), "_bucket") // also recorded ones: job_le:m_bucket:rate5m
	})
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok && !a.Without {
			found = found || slices.Contains(a.Grouping, bucketLabel)
		}
		return nil
	})
	return found
}

// classicShare returns the share of events above or below a bound, from cumulative buckets:
// le="+Inf" has all events.
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

// oneBucket restricts all selectors of e to one bucket, whatever the spelling of its bound, and
// removes it from groupings.
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

// boundTexts returns the spellings of a bound: 1, 1.0, 1e+06.
func boundTexts(bound float64) []string {
	plain := strconv.FormatFloat(bound, 'f', -1, 64)
	texts := []string{plain, strconv.FormatFloat(bound, 'g', -1, 64)}
	if !strings.Contains(plain, ".") {
		texts = append(texts, plain+".0")
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// Bound is a bucket of a histogram, with all spellings of its bound.
type Bound struct {
	At     float64
	Series int      // number that have it
	Texts  []string // values of its label
}

// Buckets returns PromQL that counts the series of each bucket of the histogram in a term,
// optionally only of series without any of the given buckets.
func Buckets(t Term, without []Bound) string {
	e := MustParse(t.Text)
	for _, s := range Selectors(e) {
		s.LabelMatchers = slices.DeleteFunc(s.LabelMatchers, func(m *labels.Matcher) bool { return m.Name == bucketLabel })
	}
	all := SelectorTexts(e)[0]
	if len(without) == 0 {
		return "count by (" + bucketLabel + ") (" + all + ")"
	}
	s := Selectors(e)[0]
	s.LabelMatchers = append(s.LabelMatchers, bucketMatcher(textsOf(without)))
	return "count by (" + bucketLabel + ") (" + all + " unless ignoring (" + bucketLabel + ") " + SelectorTexts(e)[0] + ")"
}

// Bounds reads an answer to [Buckets]: the buckets sorted by bound, +Inf last.
func Bounds(v model.Value) []Bound {
	vector, _ := v.(model.Vector)
	var bounds []Bound
	for _, s := range vector {
		text := string(s.Metric[bucketLabel])
		at, err := strconv.ParseFloat(text, 64)
		if err != nil || at <= 0 {
			continue
		}
		i := slices.IndexFunc(bounds, func(b Bound) bool { return b.At == at })
		if i < 0 {
			i, bounds = len(bounds), append(bounds, Bound{At: at})
		}
		bounds[i].Series += int(s.Value)
		bounds[i].Texts = append(bounds[i].Texts, text)
	}
	slices.SortFunc(bounds, func(a, b Bound) int { return cmp.Compare(a.At, b.At) })
	return bounds
}

// Nearest returns the bucket whose bound is nearest by ratio; found is false if there is only
// +Inf.
func Nearest(bounds []Bound, to float64) (nearest Bound, found bool) {
	best := math.Inf(1)
	for _, b := range bounds {
		if d := math.Abs(math.Log(b.At / to)); d < best {
			nearest, best, found = b, d, true
		}
	}
	return nearest, found
}

// HoldToBuckets replaces the matchers of the threshold by those of buckets, with all spellings
// of their bounds: some clients write 1, others 1.0, like Prometheus 3.
func HoldToBuckets(terms []Term, bounds []Bound) []Term {
	out := slices.Clone(terms)
	for i, t := range out {
		e := MustParse(t.Text)
		for _, s := range Selectors(e) {
			for k, m := range s.LabelMatchers {
				if m.Name == bucketLabel && m.Value != "+Inf" {
					s.LabelMatchers[k] = bucketMatcher(textsOf(bounds))
				}
			}
		}
		out[i].Text = e.String()
	}
	return out
}

// textsOf returns all spellings of bounds.
func textsOf(bounds []Bound) []string {
	var texts []string
	for _, b := range bounds {
		texts = append(texts, b.Texts...)
		texts = append(texts, boundTexts(b.At)...)
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
