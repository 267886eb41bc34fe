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

// Column is a series over time that may record changes.
type Column struct {
	Name   string            // as reported
	Metric string            // the part of Name that says what is measured
	Of     string            // its owner; empty: as in Name
	Labels map[string]string // where it is
	Values []float64         // one per row, NaN if missing
}

const (
	mostSteps  = 3  // of a column that records changes
	mostStamps = 12 // the same for timestamps; more are a heartbeat
	shortest   = 2  // rows of a marker; with fewer it is a count
	longest    = 10 // rows of a temporary value
	leastCalm  = 5  // rows before the first change: a column that has just begun is inconclusive
)

// meaning is what the name of a metric says about its steps.
type meaning struct {
	pattern *regexp.Regexp
	title   string // with the name of the thing
	marker  bool   // only 0 and 1 are markers; other values are counts
	event   bool   // a marker that is 1 once and briefly; else it is a state, or a count of something rare
	success bool   // the name itself mentions success
}

// meanings are tried in this order.
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

// states matches names of what a fault causes: their steps are symptoms, not changes.
var states = regexp.MustCompile(`(?i)(^|[_.|: -])(up|ready|unready|health(y)?|unhealthy|alive|avail(able|ability)?|unavailable|succe(ss|ssful|eded)|err(or)?s?|fail(s|ed|ures?|ing)?|alerts?|lag|queued?|pending|waiting|down|leader|oom|crash(es|ed)?|degraded|saturat(ed|ion)|latency|duration|timeouts?|retries|rejected|dropped|blocked|pods|consumers?|rebalances?|circuit|exceptions?)($|[_.|: -])`)

// means returns the meaning of a name; ok is false if it does not suggest changes.
func means(metric string) (m meaning, ok bool) {
	for _, m := range meanings() {
		if m.pattern.MatchString(metric) {
			return m, true
		}
	}
	return meaning{title: "%s was changed"}, false
}

// Named says whether the name of a metric suggests changes.
func Named(metric string) bool {
	_, ok := means(metric)
	return ok
}

// In returns the changes that a column records; nil if it is a measurement. Changes are the few
// steps of an otherwise constant column, such as a generation; the values of a column of
// timestamps; and the appearance of a constant column, for good or for a while. If the shape is
// ambiguous, the name decides.
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

// counts says whether there are values besides 0 and 1.
func counts(runs []run) bool {
	return slices.ContainsFunc(runs, func(r run) bool { return !r.none && r.value != 0 && r.value != 1 })
}

// once says whether something was marked a single time, briefly, and is over. A column that
// only exists while it has something to say always qualifies.
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

// tell completes the changes found in the column.
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
	none        bool // at least leastCalm rows without samples, or all up to the first or from the last sample
}

// runsOf returns the runs of a column in order, ignoring short gaps. It returns nil if there
// are too many.
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

// stamps returns the changes of a column whose values are timestamps in Unix seconds; nil if
// they are not.
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

// steps returns the changes of a column that is constant except for a few steps.
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
			continue // absent for a while
		case i > 1 && brief(runs[i-1]) && same(runs[i-2], r): // the temporary value is over
			if n := len(found); n > 0 && found[n-1].At == times[before.first] { // and it was no gap
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

// brief says whether a value lasted only as long as an event.
func brief(r run) bool { return r.last-r.first < longest }

func same(a, b run) bool { return a.none == b.none && a.value == b.value }

// plain says whether a step looks like a change whatever the name: a positive whole number
// increases by one, or a column with the value 1 appears. Counts of few things go from 0 to 1.
func plain(a, b run) bool {
	switch {
	case a.none:
		return b.value == 1
	case b.none:
		return a.value == 1 && brief(a) // a long-lived series that ends is reported elsewhere
	}
	return a.value >= 1 && a.value == math.Trunc(a.value) && b.value == a.value+1
}

// text returns the value as text.
func (r run) text() string { return strconv.FormatFloat(r.value, 'g', 6, 64) }
