// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// worldMaker derives from an expression what its series must be like.
type worldMaker struct {
	expr     parser.Expr
	rng      *rand.Rand
	members  int
	entities int
	numbers  []float64
	equal    map[string]string // labels that some selector compares with a value
	sources  map[string]string // labels that label_replace reads, with its regexps
	named    []string          // labels that the expression groups or matches by
	loose    []string          // labels that it aggregates away: some series lack them
	spread   map[string]int    // how the values of a label differ: see free
	clock    bool              // the expression reads the time
	negative bool              // it changes signs
	constant []float64         // the numbers in it
	equals   bool              // it compares for equality with a number
	strict   bool              // some series lack the labels that matchers require
	ranked   bool              // it picks the largest, so no two may be equal

	without []string // labels that the series of the current selector lack
	outage  []bool   // the regimes in which it selects nothing
}

// newWorld makes a world, the same for the same seed; the first seeds give the simplest ones.
func newWorld(e parser.Expr, seed uint64) *world {
	m := worldMaker{
		expr: e, rng: rand.New(rand.NewPCG(seed, 7)), members: []int{3, 1, 2}[seed%3], entities: 4,
		equal: map[string]string{}, sources: map[string]string{}, spread: map[string]int{},
	}
	m.collect()
	if seed > 2 {
		for _, name := range m.named {
			m.spread[name] = max(0, m.rng.IntN(8)-4)
		}
		m.entities = 1 + m.rng.IntN(5)
		m.strict = m.rng.IntN(3) == 0
	}
	shortest, longest := Ranges(e)
	longest += offsetOf(e)
	w := &world{step: min(time.Minute, max(15*time.Second, shortest/4)), length: longest + 10*time.Minute}
	w.length = (w.length / time.Minute) * time.Minute
	w.regimes = int(min(48, max(8, 40_000/(w.length/w.step))))
	seen := map[string]bool{}
	for _, s := range worldSelectors(e) {
		m.without = append(m.some(m.loose), s.brought...)
		m.outage = make([]bool, w.regimes)
		for r := range m.outage {
			m.outage[r] = m.rng.IntN(12) == 0
		}
		for entity := range m.entities {
			for member := range m.members {
				for _, ws := range m.family(w, s, entity, member) {
					if key := ws.labels.String(); !seen[key] {
						seen[key] = true
						w.series = append(w.series, ws)
					}
				}
			}
		}
	}
	return w
}

// collect fills the fields from the expression.
func (m *worldMaker) collect() {
	m.numbers = []float64{0, 1, 1, 2, 100}
	parser.Inspect(m.expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.NumberLiteral:
			m.number(n.Val)
		case *parser.BinaryExpr:
			if v, ok := Number(n); ok {
				m.number(v)
			}
			m.equals = m.equals || n.Op == parser.EQLC
			if n.VectorMatching != nil {
				m.named = append(append(m.named, n.VectorMatching.MatchingLabels...), n.VectorMatching.Include...)
				if !n.VectorMatching.On {
					m.loose = append(m.loose, n.VectorMatching.MatchingLabels...)
				}
			}
		case *parser.UnaryExpr:
			m.negative = true
		case *parser.AggregateExpr:
			m.ranked = m.ranked || n.Op == parser.TOPK || n.Op == parser.BOTTOMK
			m.named = append(m.named, n.Grouping...)
			if n.Without {
				m.loose = append(m.loose, n.Grouping...)
			}
		case *parser.Call:
			m.call(n)
		case *parser.VectorSelector:
			for _, lm := range n.LabelMatchers {
				if bound, err := strconv.ParseFloat(lm.Value, 64); err == nil && lm.Name == "le" {
					m.number(bound)
				}
				if lm.Type != labels.MatchEqual && !lm.Matches("") && lm.Name != model.MetricNameLabel {
					m.named = append(m.named, lm.Name)
				}
				if _, taken := m.equal[lm.Name]; lm.Type == labels.MatchEqual && !taken {
					m.equal[lm.Name] = lm.Value
				}
			}
		}
		return nil
	})
	m.combine()
	m.named = append(m.named, "instance", "job")
	slices.Sort(m.named)
	m.named = slices.DeleteFunc(slices.Compact(m.named), func(l string) bool { return l == "le" || l == model.MetricNameLabel })
}

// some returns a random subset of the names.
func (m *worldMaker) some(names []string) []string {
	var out []string
	for _, name := range names {
		if m.rng.IntN(2) == 0 {
			out = append(out, name)
		}
	}
	return out
}

func (m *worldMaker) number(v float64) {
	if !math.IsInf(v, 0) && !math.IsNaN(v) {
		m.constant = append(m.constant, v)
		m.numbers = append(m.numbers, v, v, v/2, 2*v, v+1, v-1, v/100, v*100, v*0.95, v*1.05)
	}
}

// combine adds the constants that the numbers of an expression combine to: in a/1024/1024 > 50,
// a is about 50 · 1024 · 1024. Units are converted, too.
func (m *worldMaker) combine() {
	all := slices.Clone(m.constant)
	slices.Sort(all)
	all = slices.Compact(all)
	product := 1.0
	for _, a := range m.constant {
		if a != 0 {
			product *= a
		}
	}
	m.numbers = append(m.numbers, product, 2*product)
	for i, a := range all[:min(len(all), 5)] {
		for _, b := range all[i+1 : min(len(all), 5)] {
			if b != 0 && a != 0 {
				m.numbers = append(m.numbers, a*b, 1.5*a*b, 0.5*a*b, a/b, b/a)
			}
		}
	}
	if m.negative || m.clock {
		for _, v := range slices.Clone(m.numbers) {
			m.numbers = append(m.numbers, -v)
		}
	}
	m.numbers = slices.DeleteFunc(m.numbers, func(v float64) bool { return math.IsInf(v, 0) || math.IsNaN(v) })
}

func (m *worldMaker) call(c *parser.Call) {
	switch name := c.Func.Name; name {
	case "time", "timestamp":
		m.clock = true
	case "hour", "minute", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year":
		if len(c.Args) > 0 {
			m.clock = true
			m.numbers = append(m.numbers, 3600, 5*3600, 9*3600, 86400, 3*86400, 5*86400, 20*86400, 40*86400, 70*86400)
		}
	case "exp":
		m.numbers = append(m.numbers, 3, 10)
	case "ln", "log2", "log10":
		m.numbers = append(m.numbers, 1e3, 1e6, 1e9)
	case "label_replace":
		src, re := c.Args[3].(*parser.StringLiteral).Val, c.Args[4].(*parser.StringLiteral).Val
		m.sources[src] = re
	case "label_join":
		for _, a := range c.Args[3:] {
			m.named = append(m.named, a.(*parser.StringLiteral).Val)
		}
	}
}

// worldSelector is a selector with its context.
type worldSelector struct {
	*parser.VectorSelector
	counter time.Duration // the range of the rate or increase around it; 0: none
	native  bool          // it is a native histogram
	buckets bool          // it has one series per bucket
	brought []string      // labels that it has only through a join
}

func worldSelectors(e parser.Expr) []worldSelector {
	var found []worldSelector
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		one := worldSelector{VectorSelector: s, buckets: strings.Contains(MetricName(s), "_bucket")}
		one.brought = broughtTo(append(path[:len(path):len(path)], s))
		for i, p := range path {
			if c, ok := p.(*parser.Call); ok {
				switch c.Func.Name {
				case "rate", "irate", "increase":
					one.counter = max(time.Minute, rangeOf(c.Args[0]))
				case "histogram_quantile", "histogram_count", "histogram_sum", "histogram_fraction", "histogram_avg", "histogram_stddev", "histogram_stdvar":
					one.native = true
				}
			}
			if a, ok := p.(*parser.AggregateExpr); ok && i >= 0 && slices.Contains(a.Grouping, "le") {
				one.buckets = true
			}
		}
		one.native = one.native && !one.buckets
		found = append(found, one)
		return nil
	})
	return found
}

// broughtTo are the labels that the many sides of joins on a path get from the other sides.
func broughtTo(path []parser.Node) []string {
	var names []string
	for i, p := range path[:len(path)-1] {
		b, ok := p.(*parser.BinaryExpr)
		if !ok || b.VectorMatching == nil {
			continue
		}
		if many := b.LHS; b.VectorMatching.Card == parser.CardManyToOne && path[i+1] == parser.Node(many) {
			names = append(names, b.VectorMatching.Include...)
		}
		if many := b.RHS; b.VectorMatching.Card == parser.CardOneToMany && path[i+1] == parser.Node(many) {
			names = append(names, b.VectorMatching.Include...)
		}
	}
	return names
}

// family returns the series that a selector has for one member of an entity: one, or one per
// bucket.
func (m *worldMaker) family(w *world, s worldSelector, entity, member int) []worldSeries {
	ls := m.labels(s.VectorSelector, entity, member)
	if !s.buckets {
		return []worldSeries{{labels: ls, patterns: m.patterns(w, s), native: s.native}}
	}
	bounds := append(m.bounds(), math.Inf(1))
	var out []worldSeries
	first, then := m.shares(w, len(bounds)), m.shares(w, len(bounds))
	turns := make([]time.Duration, w.regimes)
	for r := range turns {
		turns[r] = time.Duration(m.rng.IntN(2)) * m.turn(w)
	}
	for i, bound := range bounds {
		ps := make([]pattern, w.regimes)
		for r := range ps {
			ps[r] = pattern{first: bucketOf(s, first[r][i]), then: bucketOf(s, then[r][i]), turn: turns[r]}
		}
		le := strconv.FormatFloat(bound, 'g', -1, 64)
		if math.IsInf(bound, 1) {
			le = "+Inf"
		}
		one := labels.NewBuilder(ls).Set("le", le).Labels()
		if matchesAll(one, s.LabelMatchers) {
			out = append(out, worldSeries{labels: one, patterns: ps})
		}
	}
	return out
}

// shares are cumulative counts of buckets, most of them in one bucket.
func (m *worldMaker) shares(w *world, buckets int) [][]float64 {
	all := make([][]float64, w.regimes)
	for r := range all {
		heavy, sum := m.rng.IntN(buckets), 0.0
		for i := range buckets {
			sum += 0.01
			if i == heavy {
				sum += 100
			}
			all[r] = append(all[r], sum)
		}
	}
	return all
}

func bucketOf(s worldSelector, count float64) behaviour {
	if s.counter == 0 {
		return behaviour{base: count, other: math.NaN()}
	}
	return behaviour{slope: count, other: math.NaN()}
}

func (m *worldMaker) bounds() []float64 {
	var bounds []float64
	for _, n := range m.numbers {
		if n > 0 {
			bounds = append(bounds, n)
		}
	}
	slices.Sort(bounds)
	return slices.Compact(bounds)
}

func (m *worldMaker) labels(s *parser.VectorSelector, entity, member int) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	if s.Name != "" {
		b.Set(model.MetricNameLabel, s.Name)
	}
	if m.members > 1 { // aggregations need several members
		b.Set("member", strconv.Itoa(member))
	}
	for _, name := range m.named {
		if !slices.Contains(m.without, name) {
			b.Set(name, m.free(name, entity, member))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.sources)) {
		if re, err := regexp.Compile("^(?:" + m.sources[name] + ")$"); err != nil || !re.MatchString(b.Get(name)) || b.Get(name) == "" {
			b.Set(name, m.example(m.sources[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.equal)) {
		if !slices.Contains(m.without, name) && (!m.strict && !slices.Contains(m.named, name) || m.rng.IntN(4) > 0) {
			b.Set(name, m.equal[name])
		}
	}
	for _, lm := range s.LabelMatchers {
		if lm.Matches(b.Get(lm.Name)) {
			continue
		}
		b.Set(lm.Name, m.fitting(s.LabelMatchers, lm.Name, m.free(lm.Name, entity, member)))
	}
	return b.Labels()
}

// free is the value of an unrestricted label: one per entity, unless this world spreads the
// label differently.
func (m *worldMaker) free(name string, entity, member int) string {
	switch m.spread[name] {
	case 1:
		return name
	case 2:
		return fmt.Sprintf("%s-%d", name, entity/2)
	case 3:
		return fmt.Sprintf("%s-%d-%d", name, entity, member)
	default:
		return fmt.Sprintf("%s-%d", name, entity)
	}
}

// fitting returns a value that satisfies all matchers of a label.
func (m *worldMaker) fitting(ms []*labels.Matcher, name, first string) string {
	tries := []string{first, "", "other"}
	for _, lm := range ms {
		if lm.Name != name {
			continue
		}
		switch lm.Type {
		case labels.MatchEqual:
			tries = append(tries, lm.Value)
		case labels.MatchRegexp:
			for range 20 {
				tries = append(tries, m.example(lm.Value))
			}
		}
	}
	for _, v := range tries {
		if !slices.ContainsFunc(ms, func(lm *labels.Matcher) bool { return lm.Name == name && !lm.Matches(v) }) {
			return v
		}
	}
	return ""
}

// example returns a text that matches a regular expression.
func (m *worldMaker) example(re string) string {
	parsed, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	m.write(&b, parsed.Simplify())
	return b.String()
}

func (m *worldMaker) write(b *strings.Builder, re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			m.write(b, sub)
		}
	case syntax.OpAlternate:
		m.write(b, re.Sub[m.rng.IntN(len(re.Sub))])
	case syntax.OpPlus, syntax.OpRepeat:
		m.write(b, re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		if m.rng.IntN(2) == 0 {
			m.write(b, re.Sub[0])
		}
	}
}

func TestExamplesOfRegexpsMatchThem(t *testing.T) {
	m := worldMaker{rng: rand.New(rand.NewPCG(1, 1))}
	for _, re := range []string{`.*`, `.+`, `5..`, `a|b`, `(/dev/)?(mmcblk.p.+|nvme.+)`, `[0-9]+\.[0-9]{2}`, `Pending|Unknown`, ``} {
		if v := m.example(re); !regexp.MustCompile("^(?:" + re + ")$").MatchString(v) {
			t.Errorf("%q is no example of %q", v, re)
		}
	}
}
