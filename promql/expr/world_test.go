// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	stale "github.com/prometheus/prometheus/model/value"
	prom "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// A world is a set of series for the selectors of one expression: several entities with several
// members each, whose labels satisfy its matchers and joins, and whose values change from
// regime to regime around the numbers in the expression. Every entity in every regime is a
// trial: does the alert fire, and does the KPI cross?
type world struct {
	series  []worldSeries
	regimes int
	length  time.Duration // of a regime
	step    time.Duration // between samples
}

type worldSeries struct {
	labels   labels.Labels
	patterns []pattern // one a regime
	native   bool      // samples are histograms
	samples  []chunks.Sample
}

// pattern is the behaviour of a series in a regime, which may change at a turn.
type pattern struct {
	first, then behaviour
	turn        time.Duration // since the start of the regime; 0: never
	heavy       int           // the bucket of a native histogram with most of the events
}

type behaviour struct {
	base, slope float64
	other       float64 // alternates with base, unless it is NaN
	ago         bool    // base is seconds before the end of the regime
	absent      bool    // marked as stale
	silent      bool    // no samples, and no stale marker
}

func steady(b behaviour) pattern { return pattern{first: b} }

// worldStart is the start of all worlds, a Monday.
func worldStart() time.Time { return time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC) }

// end returns the end of a regime, where everything is evaluated.
func (w *world) end(regime int) time.Time {
	return worldStart().Add(time.Duration(regime+1) * w.length)
}

// storage.Queryable

var _ storage.Queryable = (*world)(nil)

func (w *world) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
		set := &worldSet{at: -1}
		for i := range w.series {
			if s := &w.series[i]; matchesAll(s.labels, ms) {
				set.series = append(set.series, storage.NewListSeries(s.labels, w.samplesOf(s)))
			}
		}
		slices.SortFunc(set.series, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
		return set
	}}, nil
}

func matchesAll(ls labels.Labels, ms []*labels.Matcher) bool {
	return !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(ls.Get(m.Name)) })
}

type worldSet struct {
	series []storage.Series
	at     int
}

func (s *worldSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *worldSet) At() storage.Series                { return s.series[s.at] }
func (s *worldSet) Err() error                        { return nil }
func (s *worldSet) Warnings() annotations.Annotations { return nil }

// samplesOf generates the samples of a series on first use.
func (w *world) samplesOf(s *worldSeries) []chunks.Sample {
	if s.samples != nil {
		return s.samples
	}
	s.samples = make([]chunks.Sample, 0, w.regimes*int(w.length/w.step))
	for r, p := range s.patterns {
		carried := 0.0 // a counter's value before the turn
		for since := w.step; since <= w.length; since += w.step {
			b, run := p.first, since
			if p.turn > 0 && since > p.turn {
				b, run = p.then, since-p.turn
			}
			at := worldStart().Add(time.Duration(r)*w.length + since)
			v := b.base + carried + b.slope*run.Seconds()
			switch {
			case b.silent:
				continue
			case b.absent:
				v = math.Float64frombits(stale.StaleNaN)
			case b.ago:
				v = float64(w.end(r).Unix()) - b.base
			case !math.IsNaN(b.other) && int(since/w.step)%2 == 1:
				v = b.other
			}
			if p.turn == since && p.counts() && !b.absent {
				carried = v
			}
			s.samples = append(s.samples, worldSample{at.UnixMilli(), v, s.native, p.heavy})
		}
	}
	return s.samples
}

// counts reports whether p is a counter, which continues after a turn where it was.
func (p pattern) counts() bool {
	return p.first.base == 0 && p.then.base == 0 && p.first.slope != 0 && p.then.slope != 0
}

// worldSample is a number, or a native histogram with a count of events, most of them in one
// bucket.
type worldSample struct {
	t      int64
	v      float64
	native bool
	heavy  int
}

func (s worldSample) T() int64                { return s.t }
func (s worldSample) ST() int64               { return 0 }
func (s worldSample) F() float64              { return s.v }
func (s worldSample) H() *histogram.Histogram { return nil }
func (s worldSample) Copy() chunks.Sample     { return s }

func (s worldSample) Type() chunkenc.ValueType {
	if s.native {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

func (s worldSample) FH() *histogram.FloatHistogram {
	return &histogram.FloatHistogram{
		Count: s.v, Sum: s.v * math.Exp2(float64(s.heavy)),
		PositiveSpans:   []histogram.Span{{Offset: int32(s.heavy), Length: 2}},
		PositiveBuckets: []float64{0.9 * s.v, 0.1 * s.v},
	}
}

// trials is the answer in each regime: the value of every label set.
type trials []map[string]trial

type trial struct {
	labels labels.Labels
	value  float64
}

// run evaluates an expression at the end of each regime.
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
