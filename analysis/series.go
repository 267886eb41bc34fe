// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/rank"
	"github.com/culprit-dev/culprit/analysis/words"
)

// seriesAnswer is what the candidates of one target show.
type seriesAnswer struct {
	findings []Finding
	fit      *Fit
	graph    Graph
	warnings []Warning
	load     *Load  // factor common to most candidates; nil: none
	unclear  string // why no candidate is reported with confidence, in words
	hurt     []string
	calm     bool // neither the KPI nor any candidate left its usual range
	short    bool // the history is too short to know that range

	services []changes.Service // evidence about each service, if there are changes
	moved    float64           // Unix seconds by which the KPI had certainly begun to move
}

// explainSeries ranks the candidates of a target. Without an onset there is no ranking, but the
// published pipeline and the graph still work.
func explainSeries(f Frame, t Target, opt Options) seriesAnswer {
	if len(t.Candidates) == 0 || t.Values == nil {
		return seriesAnswer{}
	}
	c := newCandidates(f, t, opt)
	a := c.explain()
	switch b := t.Breakdown; {
	case !c.dated:
	case b != nil && b.Missing:
		a.findings = c.withGone(a.findings)
	case a.fit != nil && !slices.ContainsFunc(a.findings, func(f Finding) bool { return f.Confidence != Low }):
		a.findings = c.withDeparted(a.findings)
	}
	return a
}

// explain ranks the candidates, if there is anything to rank.
func (c *candidates) explain() seriesAnswer {
	method := seriesMethods[c.options.Series.method()]
	if !c.dated && !method.undated {
		return c.undated()
	}
	if why := c.unusable(); why != "" {
		return seriesAnswer{warnings: warnings("series", []string{why})}
	}
	return method.run(c)
}

// rank ranks the candidates, and adds the regression's arithmetic as evidence.
func (c *candidates) rank() seriesAnswer {
	looked := len(c.series)
	ranking := rank.Rank(c.input(), rank.Options{})
	if c.dropRelatives(ranking) {
		ranking = rank.Rank(c.input(), rank.Options{})
	}
	c.restoreLevels(ranking)
	answer := seriesAnswer{warnings: warnings("ranking", ranking.Warnings)}
	if c.trimmed > 0 {
		answer.warnings = append(answer.warnings, Warning{Source: "ranking", Text: fmt.Sprintf(
			"most series are at most %s old: the baseline is no longer than that", words.Seconds.Format(c.times[c.onset]-c.times[0]))})
	}
	if c.late > 0 {
		answer.warnings = append(answer.warnings, Warning{Source: "onset", Text: fmt.Sprintf(
			"%s began to move %s before the alert's condition held: the search for causes starts there", cmp.Or(c.target.Title, c.target.Name), words.Seconds.Format(c.late))})
	}
	if ranking.Core == 0 { // it declined, with a warning
		return answer
	}
	reg := c.regress(leading(ranking), max(0, ranking.Onset-regressionRows), ranking.Onset)
	answer.warnings = append(answer.warnings, reg.warnings()...)
	answer.fit = reg.fit(looked)
	answer.fit.Moved, answer.fit.Of = moved(ranking), exportersOf(c.series)
	answer.calm = ranking.Trust < 0.5 && !c.kpiKind().Demand() && !ranking.Loud()
	answer.short = ranking.Core < shortHistory
	answer.services, answer.moved = c.serviceEvidence(ranking), c.times[ranking.Effect.Latest]
	answer.load, answer.unclear = c.commonLoad(ranking), c.unclear(ranking)
	told := c.assignRoles(ranking, answer.load)
	told.usePeakLevels()
	answer.findings, answer.hurt = c.findings(told, reg), told.hurt()
	c.doubtYoung(&answer)
	answer.warnings = append(answer.warnings, c.relations(answer.findings, reg)...)
	answer.graph = c.graph(told.leads(), ranking.Onset, &ranking.Effect)
	return answer
}

// input returns the input of the ranking.
func (c *candidates) input() rank.Input {
	in := rank.Input{KPI: rank.Series{Values: c.target.Values, Kind: c.kpiKind()}, Onset: c.onset, Late: c.lateRows(), Calls: c.calls, Edges: c.edges(), Odds: c.changeOdds}
	metrics := c.metricCodes()
	for i, s := range c.series {
		in.Series = append(in.Series, rank.Series{Values: s.Values, Service: c.codes[i], Kind: s.kind(), Metric: metrics[i], Own: s.Own})
	}
	return in
}

// usuallyLate is how many seconds an alert always comes late: a scrape interval, an evaluation
// interval, and the rise of a rate.
const usuallyLate = 75

// lateRows is usuallyLate in rows.
func (c *candidates) lateRows() int {
	if len(c.times) < 2 {
		return 0
	}
	step := (c.times[len(c.times)-1] - c.times[0]) / float64(len(c.times)-1)
	return int(min(usuallyLate/max(step, 1), float64(len(c.times))))
}

func (c *candidates) kpiKind() rank.Metric { return kindOf(c.target.Kind, metricOf(c.target.Name)) }

// shortHistory is how many samples before the incident are too few for a baseline: the ranking
// is then a guess.
const shortHistory = 10

// leastAge is how many seconds of history the series need, as a forecast does: until then a
// process that was started warms up, and nobody has seen what it does when nothing is wrong.
const leastAge = 20 * 60

// doubtYoung lowers the confidence of series that are too young to know what they usually do. A
// baseline that was asked for may be as short.
func (c *candidates) doubtYoung(a *seriesAnswer) {
	age := c.times[c.onset] - c.times[0]
	if c.trimmed == 0 || age >= leastAge {
		return
	}
	for i := range a.findings {
		if f := &a.findings[i]; f.Confidence != Low {
			f.doubt()
			a.unclear = "its series are only " + words.Seconds.Format(age) + " old"
		}
	}
}

// findings returns the leading candidates. Those of one service that the regression can't tell
// apart become one finding, named by the best. Across services the ranking discriminates better
// than the regression, and hiding a service costs more than a long list.
func (c *candidates) findings(told *accounts, reg *regression) []Finding {
	members, causes := c.withinService(reg.alike()), told.ranking.Causes
	if told.load != nil {
		causes = underLoad(told.ranking)
	}
	var findings []Finding
	var shown []rank.Cause
	listed := map[int]bool{}
	for _, cause := range causes {
		if len(findings) == top(c.options.Series.Top, 5) {
			break
		}
		if listed[cause.Series] || constant(c.series[cause.Series].Values) {
			continue
		}
		f := c.finding(told, cause, reg)
		if f.Confidence = told.sure[cause.Series]; told.load != nil {
			f.ofLoad(told.load)
		}
		f.Evidence.Members = append(c.names(members[cause.Series], cause.Series), c.relatives[f.Series]...)
		for _, m := range members[cause.Series] {
			listed[m] = true
		}
		findings, shown = append(findings, f), append(shown, cause)
	}
	told.explainOrder(findings, shown)
	return findings
}

// withinService keeps, of each set, the members of the same service.
func (c *candidates) withinService(sets map[int][]int) map[int][]int {
	own := map[int][]int{}
	for s, members := range sets {
		for _, m := range members {
			if c.codes[m] == c.codes[s] {
				own[s] = append(own[s], m)
			}
		}
	}
	return own
}

// maxRegressed is how many leading candidates the regression sees. It provides evidence for the
// listed ones and does not search again.
const maxRegressed = 40

// leading returns the leading candidates, sorted by name.
func leading(r rank.Result) []int {
	var series []int
	for _, c := range r.Causes[:min(maxRegressed, len(r.Causes))] {
		series = append(series, c.Series)
	}
	slices.Sort(series)
	return series
}

// top returns how many findings to list.
func top(n, otherwise int) int {
	if n <= 0 {
		return otherwise
	}
	return n
}

// moved counts the candidates that moved.
func moved(r rank.Result) int {
	n := 0
	for _, c := range r.Causes {
		if c.Moved() {
			n++
		}
	}
	return n
}

// exportersOf returns the exporters of series, sorted; nil unless all are known.
func exportersOf(series []Series) []string {
	var names []string
	for _, s := range series {
		if s.From == "" {
			return nil
		}
		names = append(names, s.From)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// finding returns one ranked candidate with its arithmetic.
func (c *candidates) finding(told *accounts, cause rank.Cause, reg *regression) Finding {
	s, r := c.series[cause.Series], told.ranking
	f := Finding{
		Kind: KindSeries, Series: s.Name, Metric: s.Metric, Name: s.Name, Score: cause.Score, Method: "rank",
		Share:    reg.share(cause.Series),
		Explains: []string{c.target.Name},
		Evidence: Evidence{
			Deviation: known(cause.Dev / cause.Quiet), Residual: known(cause.Residual / cause.Quiet), Association: known(cause.Rho),
			Before: known(cause.Before), After: known(cause.After),
			Kind: s.kind().String(), Service: serviceOf(s), Query: s.Query,
		},
	}
	if cause.Moved() && cause.Began.At <= r.Effect.At { // a later time would only mean "not earlier"
		f.Evidence.Since = new(c.times[cause.Began.At])
	}
	reg.describe(cause.Series, &f.Evidence)
	f.Evidence.Along, f.Evidence.OnlyOf = c.alongside(r, cause)
	f.Role, f.Sentence = told.of[cause.Series].role, sentence(f.Name, cause)+told.sayReturned(cause)+told.of[cause.Series].why
	if before, gone := ended(s.Values, c.onset); gone {
		f.Evidence.Before, f.Evidence.After, f.Evidence.Vanished = known(before), nil, true
		f.Sentence = sayGone(f.Name, before)
	}
	f.place(s)
	return f
}

// sameMove is the largest ratio of two log moves that count as alike.
const sameMove = 2

// alongside counts the series of the same query and service that moved alike, and all of them:
// if all instances moved, none is singled out. It returns zeros if the series moved alone.
func (c *candidates) alongside(r rank.Result, cause rank.Cause) (along, of int) {
	own := math.Log(cause.After / cause.Before)
	for _, other := range r.Causes {
		if c.series[cause.Series].Query == "" || c.series[other.Series].Query != c.series[cause.Series].Query || other.Service != cause.Service {
			continue
		}
		of++
		if times := math.Log(other.After/other.Before) / own; other.Series == cause.Series || other.Moved() && 1./sameMove < times && times < sameMove {
			along++
		}
	}
	if along < 2 {
		return 0, 0
	}
	return along, of
}

// confidences returns the confidence of each series: the best series of a service has the
// service's. A series that spent most of the incident at its old level went and came back, so
// it cannot cause an alert that goes on; its service, loud because of it, loses its confidence
// too.
func confidences(r rank.Result) map[int]Confidence {
	sure := map[int]rank.Confidence{}
	for _, s := range r.Services {
		sure[s.Service] = s.Confidence
	}
	all := map[int]Confidence{}
	for _, cause := range r.Causes {
		all[cause.Series] = Low
		if cause.Follows {
			continue
		}
		if stoodStill(cause) {
			delete(sure, cause.Service)
		}
		if level, ok := sure[cause.Service]; ok {
			all[cause.Series] = level
		}
		delete(sure, cause.Service)
	}
	return all
}

// stoodStill says whether the displayed levels before and in the incident are equal.
func stoodStill(cause rank.Cause) bool {
	return words.Number(cause.Before) == words.Number(cause.After)
}

// sentence describes the move of a series.
func sentence(name string, cause rank.Cause) string {
	text := fmt.Sprintf("%s %s (%s → %s)", name, verb(cause.Before, cause.After),
		words.Number(cause.Before), words.Number(cause.After))
	if times := cause.Dev / cause.Quiet; times >= 1.5 {
		text += fmt.Sprintf(", %s times what it reaches when nothing is wrong", words.Number(math.Round(times)))
	}
	return text
}

// verb says in which direction a value moved, and how far.
func verb(before, after float64) string {
	word := "rose"
	switch {
	case after == before:
		return "stayed"
	case after < before:
		word = "fell"
	}
	if by := words.Factor(before, after); by != "" {
		return word + " " + strings.TrimLeft(by, "+−")
	}
	return word
}

// names returns the other members of a set of indistinguishable series.
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
