// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"
	"strings"

	"github.com/culprit-dev/culprit/receiver/ruletest"
)

// series returns what Prometheus scraped of the scene from so many minutes before the fault.
func (s *scene) series(d drawer, past float64) []ruletest.InputSeries {
	var list []ruletest.InputSeries
	n := int((past+s.end()+1)/scrape.Minutes()) + 1
	tide := d.wander(n, s.tide, 60/scrape.Minutes())
	for i, l := range s.leaves {
		num, den := s.scrape(d, i, past, tide)
		list = append(list, s.exported(l, num, den)...)
	}
	if s.busy != "" {
		list = append(list, s.processors(d, past, n)...)
	}
	return list
}

// processors returns the CPU usage of the instances.
func (s *scene) processors(d drawer, past float64, n int) []ruletest.InputSeries {
	var list []ruletest.InputSeries
	for _, instance := range s.values(0) {
		usual, hit := d.between(0.1, 0.2), d.between(0.85, 0.98)
		values := make([]string, n)
		for k, w := range d.wander(n, 0.05, 3) {
			level := usual * w
			if instance == s.busy && float64(k)*scrape.Minutes() >= past-0.5 {
				level = hit * (1 - 0.02*d.Float64())
			}
			values[k] = number64(level)
		}
		list = append(list, ruletest.InputSeries{Series: fmt.Sprintf("%s{instance=%q}", busyRatio, instance), Values: strings.Join(values, " ")})
	}
	return list
}

// scrape returns the two counters of a leaf at each scrape.
func (s *scene) scrape(d drawer, i int, past float64, tide []float64) (num, den *counter) {
	num, den = &counter{}, &counter{}
	drift := d.wander(len(tide), s.drift, 15/scrape.Minutes())
	restart := -1
	if s.restarts && d.IntN(3) == 0 {
		restart = d.IntN(int((past - 5) / scrape.Minutes()))
	}
	for k := range tide {
		minute := float64(k)*scrape.Minutes() - past
		n, m := s.counted(d, i, minute-scrape.Minutes(), scrape.Seconds(), tide[k]*drift[k])
		if k == restart {
			num.sum, den.sum = 0, 0
		}
		now := seen
		switch {
		case !s.leaves[i].lives(minute):
			now = absent
		case s.gaps && d.IntN(50) == 0:
			now = missed
		}
		num.add(n*s.unit.factor, now)
		den.add(m*s.unit.requests(s.kind), now)
	}
	return num, den
}

// exported returns the series of a leaf.
func (s *scene) exported(l leaf, num, den *counter) []ruletest.InputSeries {
	var list []ruletest.InputSeries
	add := func(metric string, values []string) {
		list = append(list, ruletest.InputSeries{Series: metric + s.selector(l), Values: strings.Join(values, " ")})
	}
	switch s.kind {
	case sum:
		add(s.unit.events, num.scraped(s.lazy))
	case ratio:
		add(s.unit.parts, num.scraped(s.lazy))
		add(s.unit.events, den.total)
	case mean:
		add(s.unit.seconds+"_sum", num.total)
		add(s.unit.seconds+"_count", den.total)
	case gauge:
		add(s.unit.holding, num.level)
	}
	if s.alert.versus == aLimit {
		add(s.unit.holding+"_limit", []string{fmt.Sprintf("%sx%d", number64(l.part*l.rate*s.unit.factor), len(num.level)-1)})
	}
	return list
}

func (s *scene) selector(l leaf) string {
	pairs := make([]string, len(s.labels))
	for k, label := range s.labels {
		pairs[k] = fmt.Sprintf("%s=%q", label, l.values[k])
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// state is the state of a series at a scrape.
type state int

const (
	seen   state = iota
	missed       // the scrape failed
	absent       // the series does not exist
)

// counter is a scraped series: its total, and the rate since the last scrape.
type counter struct {
	sum          float64
	began, ended bool
	total, level []string
}

// add adds the increase since the last scrape.
func (c *counter) add(v float64, now state) {
	total, level := "_", "_"
	switch {
	case now == seen:
		c.began = true
		c.sum += v
		total, level = number64(c.sum), number64(v/scrape.Seconds())
	case now == missed:
		c.sum += v
	case c.began && !c.ended:
		total, level, c.ended = "stale", "stale", true
	}
	c.total, c.level = append(c.total, total), append(c.level, level)
}

// scraped returns the samples; a lazy client exports a counter only once it has counted something.
func (c *counter) scraped(lazy bool) []string {
	if !lazy {
		return c.total
	}
	list := append([]string{}, c.total...)
	for i := range list {
		if list[i] != "0" && list[i] != "_" {
			break
		}
		list[i] = "_"
	}
	return list
}
