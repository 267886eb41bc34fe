// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
)

// Level is the form in which a world is shown.
type Level string

// The levels.
const (
	Table      Level = "table"      // real and expected values
	Series     Level = "series"     // values over time
	Rules      Level = "rules"      // PromQL on Prometheus' engine
	Candidates Level = "candidates" // a KPI and the series that may explain it
)

// Truth is what a good answer says.
type Truth struct {
	// Sets of label values that moved, all of which are to be named; nil: none is.
	Sets []map[string]string
	// Verdict where no set is to be named.
	Verdict analysis.Verdict
	// Everywhere is why, for the verdict external; empty: any reason is right.
	Everywhere analysis.Everywhere
	// Mix is the set whose traffic made the KPI move; nil: none.
	Mix map[string]string
	// Series that are the reason, any one of them; nil: none is looked for.
	Series []string
	// Silence is right, too: nobody could be sure.
	Silence bool

	Falling bool
	Still   bool    // the total does not move
	Usual   float64 // level of the KPI before the fault; 0: not compared
	Now     float64 // during the fault
}

// String formats the truth in a line.
func (t Truth) String() string {
	var parts []string
	for _, set := range t.Sets {
		parts = append(parts, fmt.Sprint(set))
	}
	parts = append(parts, t.Series...)
	if t.Verdict != "" {
		parts = append(parts, string(t.Verdict), string(t.Everywhere))
	}
	if t.Mix != nil {
		parts = append(parts, fmt.Sprint(t.Mix))
	}
	if t.Usual != t.Now {
		parts = append(parts, fmt.Sprintf("%.4g → %.4g", t.Usual, t.Now))
	}
	return strings.Join(parts, " ")
}

// World is one incident with its truth.
type World struct {
	Family string
	Level  Level
	Name   string // unique: family, level, seed and number
	Twins  string // worlds of this name are the same in other units; empty: there are none
	Truth  Truth

	scene *scene // nil for candidates
	ask   func(context.Context) (analysis.Result, error)
	files func() (map[string]string, error)
}

// Files returns the world as input files of culprit's commands, by name. One of them, run.sh, is
// the command.
func (w World) Files() (map[string]string, error) { return w.files() }

// Ask has culprit explain the world.
func (w World) Ask(ctx context.Context) (analysis.Result, error) {
	r, err := w.ask(ctx)
	if err != nil {
		return r, fmt.Errorf("%s: %w", w.Name, err)
	}
	return r, nil
}

// Family is a kind of incident.
type Family struct {
	Name  string // short, for --only
	Title string
	Count map[Level]int // worlds for each seed
	twins int           // worlds that are the same in other units

	draw   func(d drawer, level Level) *scene // nil where a person could not see the truth
	series func(d drawer) *incident           // of candidates
}

// Worlds draws the worlds of a family, which depend on the seed and the family's name alone.
func (f Family) Worlds(seed uint64) []World {
	var list []World
	for _, level := range []Level{Table, Series, Rules, Candidates} {
		for i := range f.Count[level] {
			list = append(list, f.world(seed, level, i))
		}
	}
	return list
}

// world draws one world, repeatedly until its truth is visible.
func (f Family) world(seed uint64, level Level, i int) World {
	w := World{Family: f.Name, Level: level, Name: fmt.Sprintf("%s-%s-%d-%02d", f.Name, level, seed, i+1)}
	number, unit := i, 0
	if f.twins > 0 {
		number, unit = i/f.twins, i%f.twins
		w.Twins = fmt.Sprintf("%s-%s-%d-%02d", f.Name, level, seed, number+1)
	}
	d := newDrawer(seed, f.Name, level, number)
	if level == Candidates {
		in := f.series(d)
		in.measureIn(units()[unit])
		w.Truth, w.ask, w.files = in.truth, in.ask, in.files
		return w
	}
	s := f.scene(d, level)
	s.unit = units()[unit]
	w.scene, w.Truth = s, s.truth
	s.measure(&w.Truth, s.counts(level))
	noise := func() drawer { return newDrawer(seed, "noise of "+f.Name, level, number) }
	w.ask = func(ctx context.Context) (analysis.Result, error) { return s.ask(ctx, level, noise()) }
	w.files = func() (map[string]string, error) { return s.files(level, noise()) }
	return w
}

// mostDraws limits the draws for one world: a family that needs more has a mistake.
const mostDraws = 1000

func (f Family) scene(d drawer, level Level) *scene {
	for range mostDraws {
		if s := f.draw(d, level); s != nil && s.plain(level) {
			return s
		}
	}
	panic(fmt.Sprintf("worlds: no world of %s as %s can be seen through", f.Name, level))
}

// drawer draws the parts of a world.
type drawer struct{ *rand.Rand }

func newDrawer(seed uint64, name string, level Level, number int) drawer {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d", name, level, number)
	return drawer{rand.New(rand.NewPCG(seed, h.Sum64()))}
}
