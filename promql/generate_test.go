package promql

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
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	stale "github.com/prometheus/prometheus/model/value"
	prom "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// A world is series for the selectors of one expression: several entities of
// several members each, whose labels fit its matchers and joins, and whose
// values change from regime to regime around the numbers of the expression.
// Every entity in every regime is a trial: does the alert fire, does the KPI
// cross?
type world struct {
	series  []worldSeries
	regimes int
	length  time.Duration // of a regime
	step    time.Duration // between samples
}

type worldSeries struct {
	labels   labels.Labels
	patterns []pattern // one a regime
}

// pattern is how a series behaves in a regime.
type pattern struct {
	base, slope float64
	other       float64 // alternates with base, unless it is NaN
	ago         bool    // base is seconds before the end of the regime
	absent      bool
}

// worldStart is where all worlds begin: a Monday.
func worldStart() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

// times are the ends of the regimes, where everything is evaluated.
func (w *world) end(regime int) time.Time {
	return worldStart().Add(time.Duration(regime+1) * w.length)
}

// builder of worlds.
type worldMaker struct {
	expr     parser.Expr
	rng      *rand.Rand
	members  int
	entities int
	numbers  []float64
	equal    map[string]string // labels that some selector wants to have a value
	sources  map[string]string // labels that label_replace reads, with its regexps
	named    []string          // labels that the expression groups or matches by
	loose    []string          // labels that it takes away somewhere: not all series have them
	clock    bool              // the expression reads the time

	without []string // the labels that the series of the selector at hand lack
	outage  []bool   // the regimes in which it selects nothing
}

// newWorld makes a world. The same seed gives the same world.
func newWorld(e parser.Expr, seed uint64, members int) *world {
	m := worldMaker{
		expr: e, rng: rand.New(rand.NewPCG(seed, 7)), members: members, entities: 4,
		equal: map[string]string{}, sources: map[string]string{},
	}
	m.collect()
	shortest, longest := ranges(e)
	longest += longestOffset(e)
	w := &world{step: min(time.Minute, max(15*time.Second, shortest/4)), length: longest + 10*time.Minute}
	w.length = (w.length / time.Minute) * time.Minute
	w.regimes = int(min(48, max(8, 40_000/(w.length/w.step))))
	seen := map[string]bool{}
	for _, s := range selections(e) {
		m.without = m.some(m.loose)
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

func longestOffset(e parser.Expr) time.Duration {
	var longest time.Duration
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			longest = max(longest, n.OriginalOffset)
		case *parser.SubqueryExpr:
			longest = max(longest, n.OriginalOffset)
		}
		return nil
	})
	return longest
}

// collect reads from the expression what its series must be like.
func (m *worldMaker) collect() {
	m.numbers = []float64{0, 1, 1, 2, 100}
	parser.Inspect(m.expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.NumberLiteral:
			m.number(n.Val)
		case *parser.BinaryExpr:
			if v, ok := number(n); ok {
				m.number(v)
			}
			if n.VectorMatching != nil {
				m.named = append(append(m.named, n.VectorMatching.MatchingLabels...), n.VectorMatching.Include...)
				if !n.VectorMatching.On {
					m.loose = append(m.loose, n.VectorMatching.MatchingLabels...)
				}
			}
		case *parser.AggregateExpr:
			m.named = append(m.named, n.Grouping...)
			if n.Without {
				m.loose = append(m.loose, n.Grouping...)
			}
		case *parser.Call:
			m.call(n)
		case *parser.VectorSelector:
			for _, lm := range n.LabelMatchers {
				if _, taken := m.equal[lm.Name]; lm.Type == labels.MatchEqual && !taken {
					m.equal[lm.Name] = lm.Value
				}
			}
		}
		return nil
	})
	m.named = append(m.named, "instance", "job")
	slices.Sort(m.named)
	m.named = slices.DeleteFunc(slices.Compact(m.named), func(l string) bool { return l == "le" || l == model.MetricNameLabel })
}

// some returns each of the names or not.
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
		m.numbers = append(m.numbers, v, v, v/2, 2*v, v+1, v-1, v/100, v*100, v*0.95, v*1.05)
	}
}

func (m *worldMaker) call(c *parser.Call) {
	switch c.Func.Name {
	case "time", "timestamp":
		m.clock = true
	case "label_replace":
		src, re := c.Args[3].(*parser.StringLiteral).Val, c.Args[4].(*parser.StringLiteral).Val
		m.sources[src] = re
	case "label_join":
		for _, a := range c.Args[3:] {
			m.named = append(m.named, a.(*parser.StringLiteral).Val)
		}
	}
}

// selection is a selector with what stands around it.
type selection struct {
	*parser.VectorSelector
	counter   time.Duration // the range of the rate or increase around it; 0: none
	histogram bool          // a quantile is taken of it
	buckets   bool          // it has a series a bucket
}

func selections(e parser.Expr) []selection {
	var found []selection
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		one := selection{VectorSelector: s, buckets: hasSuffix(s, "_bucket")}
		for i, p := range path {
			if c, ok := p.(*parser.Call); ok {
				switch c.Func.Name {
				case "rate", "irate", "increase":
					one.counter = max(time.Minute, rangeOf(c.Args[0]))
				case "histogram_quantile", "histogram_count", "histogram_sum", "histogram_fraction", "histogram_avg":
					one.histogram = true
				}
			}
			if a, ok := p.(*parser.AggregateExpr); ok && i >= 0 && slices.Contains(a.Grouping, "le") {
				one.buckets = true
			}
		}
		found = append(found, one)
		return nil
	})
	return found
}

// family are the series of one member of an entity that a selector selects:
// one, or one a bucket.
func (m *worldMaker) family(w *world, s selection, entity, member int) []worldSeries {
	ls := m.labels(s.VectorSelector, entity, member)
	if !s.buckets {
		return []worldSeries{{labels: ls, patterns: m.patterns(w, s)}}
	}
	bounds := append(m.bounds(), math.Inf(1))
	var out []worldSeries
	sums, heavy := make([]float64, w.regimes), make([]int, w.regimes)
	for r := range heavy {
		heavy[r] = m.rng.IntN(len(bounds))
	}
	for i, bound := range bounds {
		ps := make([]pattern, w.regimes)
		for r := range ps {
			sums[r] += 0.01
			if heavy[r] == i { // most events are in one bucket
				sums[r] += 100
			}
			ps[r] = pattern{slope: sums[r], other: math.NaN()}
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
	if m.members > 1 { // whatever is aggregated has several
		b.Set("member", strconv.Itoa(member))
	}
	for _, name := range m.named {
		if !slices.Contains(m.without, name) {
			b.Set(name, m.free(name, entity))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.sources)) {
		b.Set(name, m.example(m.sources[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.equal)) {
		if !slices.Contains(m.without, name) && (!slices.Contains(m.named, name) || m.rng.IntN(4) > 0) {
			b.Set(name, m.equal[name])
		}
	}
	for _, lm := range s.LabelMatchers {
		if lm.Matches(b.Get(lm.Name)) {
			continue
		}
		b.Set(lm.Name, m.fitting(s.LabelMatchers, lm.Name, entity))
	}
	return b.Labels()
}

func (m *worldMaker) free(name string, entity int) string { return fmt.Sprintf("%s-%d", name, entity) }

// fitting returns a value that satisfies all matchers of a label.
func (m *worldMaker) fitting(ms []*labels.Matcher, name string, entity int) string {
	tries := []string{m.free(name, entity), "", "other"}
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

func matchesAll(ls labels.Labels, ms []*labels.Matcher) bool {
	return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(ls.Get(m.Name)) })
}

// example returns a text that a regular expression matches.
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

func (m *worldMaker) patterns(w *world, s selection) []pattern {
	ps := make([]pattern, w.regimes)
	for r := range ps {
		ps[r] = m.pattern(w, s)
		ps[r].absent = ps[r].absent || m.outage[r]
	}
	return ps
}

func (m *worldMaker) pick() float64 { return m.numbers[m.rng.IntN(len(m.numbers))] }

func (m *worldMaker) pattern(w *world, s selection) pattern {
	p := pattern{base: m.pick(), other: math.NaN()}
	dice := m.rng.IntN(100)
	switch {
	case dice < 6:
		p.absent = true
	case s.counter > 0:
		p.base, p.slope = 0, math.Abs(m.pick())
		if dice < 50 {
			p.slope /= s.counter.Seconds() // an increase of as much
		}
	case m.clock && dice < 60:
		p.ago = true
	case dice < 75:
	case dice < 88: // a line that meets a number in the time to come
		p.slope = (m.pick() - p.base) / w.length.Seconds()
	default:
		p.other = m.pick()
	}
	return p
}

// storage.Queryable

var _ storage.Queryable = (*world)(nil)

func (w *world) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
		set := &worldSet{at: -1}
		for i := range w.series {
			if s := &w.series[i]; matchesAll(s.labels, ms) {
				set.series = append(set.series, &storage.SeriesEntry{
					Lset:             s.labels,
					SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator { return storage.NewListSeriesIterator(worldSamples{w, s}) },
				})
			}
		}
		slices.SortFunc(set.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
		return set
	}}, nil
}

type worldSet struct {
	series []storage.Series
	at     int
}

func (s *worldSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *worldSet) At() storage.Series                { return s.series[s.at] }
func (s *worldSet) Err() error                        { return nil }
func (s *worldSet) Warnings() annotations.Annotations { return nil }

// worldSamples computes the samples of a series when they are asked for.
type worldSamples struct {
	w *world
	s *worldSeries
}

func (x worldSamples) Len() int { return x.w.regimes * int(x.w.length/x.w.step) }

func (x worldSamples) Get(i int) chunks.Sample {
	perRegime := int(x.w.length / x.w.step)
	r, k := i/perRegime, i%perRegime
	p := x.s.patterns[r]
	since := time.Duration(k+1) * x.w.step
	at := worldStart().Add(time.Duration(r)*x.w.length + since)
	v := p.base + p.slope*since.Seconds()
	switch {
	case p.absent:
		v = math.Float64frombits(stale.StaleNaN)
	case p.ago:
		v = float64(x.w.end(r).Unix()) - p.base
	case !math.IsNaN(p.other) && k%2 == 1:
		v = p.other
	}
	return worldSample{at.UnixMilli(), v}
}

type worldSample struct {
	t int64
	v float64
}

func (s worldSample) T() int64                      { return s.t }
func (s worldSample) ST() int64                     { return 0 }
func (s worldSample) F() float64                    { return s.v }
func (s worldSample) H() *histogram.Histogram       { return nil }
func (s worldSample) FH() *histogram.FloatHistogram { return nil }
func (s worldSample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s worldSample) Copy() chunks.Sample           { return s }

// at is an answer: for each regime, the value of every label set.
type trials []map[string]trial

type trial struct {
	labels labels.Labels
	value  float64
}

// run evaluates an expression at the end of every regime.
func (w *world) run(t testing.TB, engine *prom.Engine, text string) (trials, error) {
	t.Helper()
	q, err := engine.NewRangeQuery(t.Context(), w, nil, text, w.end(0), w.end(w.regimes-1), w.length)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	res := q.Exec(t.Context())
	if res.Err != nil {
		return nil, res.Err
	}
	m, err := res.Matrix()
	if err != nil {
		return nil, err
	}
	out := make(trials, w.regimes)
	for r := range out {
		out[r] = map[string]trial{}
	}
	for _, s := range m {
		ls := s.Metric.DropReserved(func(name string) bool { return name == model.MetricNameLabel })
		for _, p := range s.Floats {
			r := int(time.UnixMilli(p.T).Sub(worldStart())/w.length) - 1
			out[r][ls.String()] = trial{ls, p.F}
		}
	}
	return out, nil
}

func newEngine(t testing.TB) *prom.Engine {
	return promqltest.NewTestEngine(t, false, 5*time.Minute, 100_000_000)
}

func TestExamplesOfRegexpsMatchThem(t *testing.T) {
	m := worldMaker{rng: rand.New(rand.NewPCG(1, 1))}
	for _, re := range []string{`.*`, `.+`, `5..`, `a|b`, `(/dev/)?(mmcblk.p.+|nvme.+)`, `[0-9]+\.[0-9]{2}`, `Pending|Unknown`, ``} {
		if v := m.example(re); !regexp.MustCompile("^(?:" + re + ")$").MatchString(v) {
			t.Errorf("%q is no example of %q", v, re)
		}
	}
}
