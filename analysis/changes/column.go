// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// A Column is a series over time in which there may be changes.
type Column struct {
	Name   string            // as it is told
	Metric string            // the part of Name that says what is measured
	Of     string            // whose it is; empty: of what Name says
	Labels map[string]string // where it is
	Values []float64         // one a row, NaN where there is none
}

const (
	mostSteps  = 3  // of a column that tells changes
	mostStamps = 12 // the same, if it tells their times: what is later is a heartbeat
	shortest   = 2  // rows of a marker: what is less counts
	longest    = 10 // rows of what came, and went again
	leastCalm  = 5  // rows before the first change: what has just begun tells nothing
)

// meaning is what the name of a metric says of its steps.
type meaning struct {
	pattern *regexp.Regexp
	title   string // with the name of the thing
	marker  bool   // its columns are 0, or 1: with other values they count
	event   bool   // the same, and they are 1 once, for a short time: else they tell a state, or count what is rare
	success bool   // what it names says of itself when it succeeded
}

// meanings are in the order in which names are compared with them.
var meanings = sync.OnceValue(func() []meaning {
	word := func(words, title string) meaning {
		return meaning{pattern: regexp.MustCompile(`(?i)(^|[_.|: -])(` + words + `)($|[_.|: -])`), title: title}
	}
	marker := func(m meaning) meaning { m.marker = true; return m }
	event := func(m meaning) meaning { m.event = true; return marker(m) }
	success := func(m meaning) meaning { m.success = true; return m }
	return []meaning{
		word(`start_time|boot_time|started(_at)?|restarts?`, "%s was restarted"),
		success(word(`reload(ed|s)?|config(uration)?_(hash|version|generation)|resource_version`, "the configuration of %s was changed")),
		word(`(observed_|metadata_)?generation|build_info|version(_info)?|image(_tag)?|deploy(s|ed)?|release[sd]?|rollouts?|revision`, "%s was rolled out"),
		marker(word(`flags?|features?|toggles?|enabled|experiment`, "flag %s was switched")),
		word(`spec_replicas|desired_replicas`, "%s was scaled"),
		marker(word(`cordon(ed)?|unschedulable`, "%s was cordoned")),
		event(word(`markers?|events?|annotations?|sync(s|ed)?`, "%s was noted")),
		marker(word(`jobs?|cron(jobs?)?|backups?|migrations?`, "%s ran")),
	}
})

// states are names of what a fault does: their steps are symptoms, and no changes.
var states = regexp.MustCompile(`(?i)(^|[_.|: -])(up|ready|unready|health(y)?|unhealthy|alive|avail(able|ability)?|unavailable|succe(ss|ssful|eded)|err(or)?s?|fail(s|ed|ures?|ing)?|alerts?|lag|queued?|pending|waiting|down|leader|oom|crash(es|ed)?|degraded|saturat(ed|ion)|latency|duration|timeouts?|retries|rejected|dropped|blocked|pods|consumers?|rebalances?|circuit|exceptions?)($|[_.|: -])`)

// means is what a name says; false if it says nothing of changes.
func means(metric string) (m meaning, ok bool) {
	for _, m := range meanings() {
		if m.pattern.MatchString(metric) {
			return m, true
		}
	}
	return meaning{title: "%s was changed"}, false
}

// Named says that the name of a metric tells of changes.
func Named(metric string) bool {
	_, ok := means(metric)
	return ok
}

// In returns the changes that a column tells, nil if it measures something: a column
// that stands still but for few steps, such as a generation; whose values are the times
// of something; or that is there, with one value, only from or only for some time. What
// the name of the metric says decides where its shape does not.
func (c Column) In(times []float64) []Change {
	m, known := means(c.Metric)
	if states.MatchString(c.Metric) && !m.success {
		return nil
	}
	runs := runsOf(c.Values)
	found := stamps(times, runs)
	if found == nil && !states.MatchString(c.Metric) && !(m.marker && counts(runs)) && !(m.event && !once(runs)) {
		found = steps(times, runs, known)
	}
	for i := range found {
		found[i].Guessed = !known
	}
	return c.tell(found, m.title)
}

// counts says that there is a value beside 0 and 1.
func counts(runs []run) bool {
	return slices.ContainsFunc(runs, func(r run) bool { return !r.none && r.value != 0 && r.value != 1 })
}

// once says that something was noted one time, and for as long only as an event takes:
// it is over. A column that is there only while it has something to say says so by that.
func once(runs []run) bool {
	var zero, noted int
	for i, r := range runs {
		switch {
		case r.none:
		case r.value == 0:
			zero++
		case i == len(runs)-1, r.last-r.first+1 < shortest, !brief(r):
			noted += 2
		default:
			noted++
		}
	}
	return zero == 0 || noted == 1
}

// tell makes changes of what was found in the column.
func (c Column) tell(found []Change, title string) []Change {
	of := cmp.Or(c.Of, c.Name)
	for i := range found {
		found[i].Title = fmt.Sprintf(title, of)
		found[i].Labels, found[i].Source, found[i].Series = c.Labels, c.Name, c.Name
	}
	return found
}

// run is a stretch of rows with one value, or with none.
type run struct {
	first, last int // rows
	value       float64
	none        bool // no samples, at least leastCalm rows or up to the first or the last
}

// runsOf are the stretches of a column, in order. Few samples that are missing in
// between are not noticed. It stops where there are too many.
func runsOf(values []float64) []run {
	var runs []run
	missing := 0
	add := func(i int, v float64, none bool) {
		if n := len(runs); n > 0 && runs[n-1].none == none && (none || runs[n-1].value == v) {
			runs[n-1].last = i
			return
		}
		runs = append(runs, run{i, i, v, none})
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			missing++
			continue
		}
		if missing >= leastCalm || missing == i && i > 0 {
			add(i-missing, 0, true)
			add(i-1, 0, true)
		}
		missing = 0
		add(i, v, false)
		if len(runs) > 2*mostStamps {
			return nil
		}
	}
	if n := len(values); missing >= shortest && missing < n {
		add(n-missing, 0, true)
		add(n-1, 0, true)
	}
	return runs
}

// stamps are changes of a column whose values are the times, in Unix seconds, of what
// is told; nil if they are not.
func stamps(times []float64, runs []run) []Change {
	const past = 1e9 // Unix seconds: the year 2001
	var found []Change
	values := 0
	for i, r := range runs {
		if r.none {
			continue
		}
		at := times[r.first]
		if r.value < past || r.value > at+longestStep(times) {
			return nil
		}
		if values++; i > 0 && r.value > times[0] {
			found = append(found, Change{At: min(r.value, at)})
		}
	}
	if values > mostStamps {
		return nil
	}
	return found
}

// longestStep is how far a clock may be ahead of the rows.
func longestStep(times []float64) float64 {
	if len(times) < 2 {
		return 0
	}
	return 3 * (times[len(times)-1] - times[0]) / float64(len(times)-1)
}

// steps are changes of a column that stands still but for few steps.
func steps(times []float64, runs []run, known bool) []Change {
	if len(runs) < 2 || len(runs) > 2*mostSteps+1 || runs[0].last-runs[0].first+1 < leastCalm {
		return nil
	}
	var found []Change
	for i := 1; i < len(runs); i++ {
		before, r := runs[i-1], runs[i]
		last := i == len(runs)-1
		switch {
		case !known && !plain(before, r):
			return nil
		case r.none && !last || before.none && before.first > 0 && known:
			continue // gone for some time
		case i > 1 && brief(runs[i-1]) && same(runs[i-2], r): // it is over
			if n := len(found); n > 0 && found[n-1].At == times[before.first] { // and was no gap
				found[n-1].Until = times[before.last]
			}
			continue
		}
		c := Change{At: times[r.first]}
		if !before.none && !r.none {
			c.From, c.To = before.text(), r.text()
		}
		found = append(found, c)
	}
	return found
}

// brief says that something was there for as long only as an event takes.
func brief(r run) bool { return r.last-r.first < longest }

func same(a, b run) bool { return a.none == b.none && a.value == b.value }

// plain says that a step is one of a change, whatever its name: a whole number goes up
// by one and was not 0, or something of the value 1 comes. Whatever counts few things
// is 0, then 1.
func plain(a, b run) bool {
	switch {
	case a.none:
		return b.value == 1
	case b.none:
		return a.value == 1 && brief(a) // what ends after long is told by its series
	}
	return a.value >= 1 && a.value == math.Trunc(a.value) && b.value == a.value+1
}

// text is the value in words.
func (r run) text() string { return strconv.FormatFloat(r.value, 'g', 6, 64) }
