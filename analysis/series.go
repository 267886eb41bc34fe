package analysis

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/culprit-dev/culprit/analysis/rank"
	"github.com/culprit-dev/culprit/analysis/words"
)

// seriesAnswer is what the candidates of one target say.
type seriesAnswer struct {
	findings []Finding
	fit      *Fit
	graph    Graph
	warnings []Warning
	calm     bool // the KPI did not leave its usual range
}

// candidates is one target's evidence about series, on the rows up to the end
// of the incident, in the order of the series' names.
type candidates struct {
	target   Target
	times    []float64
	onset    int  // first row of the incident
	dated    bool // the frame has an onset; without one the last row is the incident
	series   []Series
	services []string // sorted names; a series' code is its index
	codes    []int    // series → service
	calls    [][2]int
	options  Options
	single   bool // all candidates come from one query
}

// newCandidates cuts the frame to the rows of the analysis and puts the
// candidates in the order of their names, so that every tie falls to the
// smaller name whatever order they came in.
func newCandidates(f Frame, t Target, opt Options) *candidates {
	end := len(f.Times)
	if f.End != 0 {
		end = sort.Search(len(f.Times), func(i int) bool { return f.Times[i] > f.End })
	}
	c := &candidates{
		target: t, times: f.Times[:end], options: opt,
		onset: max(0, end-1), dated: f.Onset != 0,
	}
	if c.dated {
		c.onset = sort.SearchFloat64s(f.Times[:end], f.Onset)
	}
	c.target.Values = t.Values[:end]
	c.series = slices.Clone(t.Candidates)
	slices.SortStableFunc(c.series, func(a, b Series) int { return compareNames(a.Name, b.Name) })
	queries := map[string]bool{}
	for i := range c.series {
		c.series[i].Values = c.series[i].Values[:end]
		queries[c.series[i].Query] = true
	}
	c.single = len(queries) == 1
	c.encodeServices(f.Topology)
	return c
}

func compareNames(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// encodeServices numbers the services of the series and of the call graph. A
// series without a service stands for itself.
func (c *candidates) encodeServices(topology [][2]string) {
	code := map[string]int{}
	for _, s := range c.series {
		code[serviceOf(s)] = 0
	}
	for _, call := range topology {
		code[call[0]], code[call[1]] = 0, 0
	}
	for name := range code {
		c.services = append(c.services, name)
	}
	slices.Sort(c.services)
	for i, name := range c.services {
		code[name] = i
	}
	for _, s := range c.series {
		c.codes = append(c.codes, code[serviceOf(s)])
	}
	for _, call := range topology {
		c.calls = append(c.calls, [2]int{code[call[0]], code[call[1]]})
	}
}

func serviceOf(s Series) string {
	if s.Service == "" {
		return s.Name
	}
	return s.Service
}

// kindOf is the kind that the user gave, or the one that the name tells.
func kindOf(given, name string) rank.Kind {
	if k, err := rank.ParseKind(given); err == nil && given != "" {
		return k
	}
	return rank.DetectKind(name)
}

// explainSeries ranks the candidates of a target.
func explainSeries(f Frame, t Target, opt Options) seriesAnswer {
	c := newCandidates(f, t, opt)
	if len(c.series) == 0 {
		return seriesAnswer{}
	}
	if opt.Series.Method == "balance" {
		return c.balance()
	}
	return c.rank()
}

// rank orders the candidates by the measured ranking, and puts the
// regression's arithmetic beside each as evidence.
func (c *candidates) rank() seriesAnswer {
	in := rank.Input{
		KPI:   rank.Series{Values: c.target.Values, Kind: kindOf(c.target.Kind, c.target.Name)},
		Onset: c.onset, Calls: c.calls,
	}
	for i, s := range c.series {
		in.Series = append(in.Series, rank.Series{Values: s.Values, Service: c.codes[i], Kind: kindOf(s.Kind, s.Query+" "+s.Name)})
	}
	ranking := rank.Rank(in, rank.Options{})
	reg := c.regress(leading(ranking), max(0, ranking.Onset-regressionRows), ranking.Onset)
	answer := seriesAnswer{fit: reg.fit(len(c.series)), calm: ranking.Trust < 0.5 && !in.KPI.Kind.Demand()}
	answer.warnings = append(warnings("ranking", ranking.Warnings), reg.warnings()...)
	answer.fit.Moved = moved(ranking)
	members := reg.sets()
	listed := map[int]bool{}
	for _, cause := range ranking.Causes {
		if len(answer.findings) == top(c.options.Series.Top, 5) {
			break
		}
		if listed[cause.Series] {
			continue // named with another that it can't be told from
		}
		finding := c.finding(ranking, cause, reg)
		finding.Evidence["members"] = c.names(members[cause.Series], cause.Series)
		for _, m := range members[cause.Series] {
			listed[m] = true
		}
		answer.findings = append(answer.findings, finding)
	}
	answer.graph = c.graph(ranking)
	return answer
}

// regressed is how many of the leading candidates the regression beside the
// ranking sees. It is evidence for those that are listed, not a second search.
const regressed = 40

// leading are the series of the leading candidates, in the order of names.
func leading(r rank.Result) []int {
	var series []int
	for _, c := range r.Causes[:min(regressed, len(r.Causes))] {
		series = append(series, c.Series)
	}
	slices.Sort(series)
	return series
}

// top is how many findings are listed.
func top(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// moved counts the candidates that left what they reach when nothing is wrong.
func moved(r rank.Result) int {
	n := 0
	for _, c := range r.Causes {
		if c.Dev > 3*c.Quiet {
			n++
		}
	}
	return n
}

// finding is one ranked candidate with its arithmetic.
func (c *candidates) finding(r rank.Result, cause rank.Cause, reg *regression) Finding {
	s := c.series[cause.Series]
	f := Finding{
		Kind: KindSeries, Series: s.Name, Name: s.Name, Score: cause.Score, Method: "rank",
		Share:      reg.share(cause.Series),
		Confidence: confidence(r, cause, reg),
		Explains:   []string{c.target.Name},
		Evidence: map[string]any{
			"deviation":   finite(cause.Dev / cause.Quiet),
			"residual":    finite(cause.Residual / cause.Quiet),
			"association": finite(cause.Rho),
			"before":      finite(cause.Before),
			"after":       finite(cause.After),
			"kind":        kindOf(s.Kind, s.Query+" "+s.Name).String(),
			"service":     serviceOf(s),
		},
	}
	if s.Query != "" {
		f.Evidence["query"] = s.Query
	}
	if cause.Since < len(c.times) {
		f.Evidence["since"] = c.times[cause.Since]
	}
	reg.describe(cause.Series, f.Evidence)
	f.Sentence = c.sentence(f, r, cause)
	return f
}

// confidence is that of the whole ranking, one step lower for a series that is
// far behind the first, and low where the regression explains too little of a
// KPI that did move.
func confidence(r rank.Result, cause rank.Cause, reg *regression) Confidence {
	level := Low
	switch r.Confidence {
	case rank.High:
		level = High
	case rank.Medium:
		level = Medium
	}
	if len(r.Causes) > 0 && cause.Score < r.Causes[0].Score/2 && level == High {
		level = Medium
	}
	if len(r.Causes) > 0 && cause.Score < r.Causes[0].Score/4 || r.Trust >= 0.5 && reg.weak() {
		level = Low
	}
	return level
}

// sentence says what a series did, in words.
func (c *candidates) sentence(f Finding, r rank.Result, cause rank.Cause) string {
	text := fmt.Sprintf("%s %s (%s → %s)", f.Name, verb(cause.Before, cause.After),
		words.Number(cause.Before), words.Number(cause.After))
	if times := cause.Dev / cause.Quiet; times >= 1 {
		text += fmt.Sprintf(", %s times what it reaches when nothing is wrong", words.Number(math.Round(times)))
	}
	if cause.Since < r.Onset && r.Onset < len(c.times) {
		text += fmt.Sprintf(", %s before the KPI", words.Seconds.Format(c.times[r.Onset]-c.times[cause.Since]))
	}
	return text
}

// verb says in which direction a value moved and how far.
func verb(before, after float64) string {
	word := "rose"
	if after < before {
		word = "fell"
	}
	if by := words.Factor(before, after); by != "" {
		return word + " " + by
	}
	return word
}

// names are the other members of a set of series that can't be told apart.
func (c *candidates) names(members []int, self int) []string {
	names := []string{}
	for _, m := range members {
		if m != self {
			names = append(names, c.series[m].Name)
		}
	}
	return names
}

func warnings(source string, texts []string) []Warning {
	list := make([]Warning, len(texts))
	for i, text := range texts {
		list[i] = Warning{Source: source, Text: text}
	}
	return list
}

// finite keeps infinities and NaN, which JSON can't write, out of evidence.
func finite(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return 0
	case math.IsInf(v, 1):
		return math.MaxFloat64
	case math.IsInf(v, -1):
		return -math.MaxFloat64
	}
	return v
}
