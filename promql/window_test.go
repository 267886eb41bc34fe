// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/config"
)

// clock is a time of day in November 2026, by default on the 22nd.
func clock(s string) time.Time {
	if !strings.Contains(s, " ") {
		s = "22 " + s
	}
	t, err := time.Parse("2006-01-02 15:04:05", "2026-11-"+s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWindows(t *testing.T) {
	minutes := func(n int) model.Duration { return model.Duration(time.Duration(n) * time.Minute) }
	for _, c := range []struct {
		name                      string
		onset, now                string
		window                    config.Window
		shortest, longest         time.Duration
		start, begin, end, before string
		step                      time.Duration
	}{
		{
			"from the onset to now, with thirty times that before it",
			"12:00:00", "12:03:00",
			config.Window{},
			0, 0,
			"10:30:00", "12:00:00", "12:03:00", "11:59:45", 15 * time.Second,
		},
		{
			"a rate ends one range and one step before the onset",
			"12:00:00", "12:10:00",
			config.Window{},
			2 * time.Minute, 5 * time.Minute,
			"07:00:00", "12:00:00", "12:10:00", "11:54:30", 30 * time.Second,
		},
		{
			"an alert that has just fired has three steps",
			"12:00:00", "12:00:00",
			config.Window{},
			5 * time.Minute, 5 * time.Minute,
			"10:27:00", "11:57:00", "12:00:00", "11:51:00", time.Minute,
		},
		{
			"an old alert is looked at in its first hour",
			"06:00:00", "12:00:00",
			config.Window{},
			5 * time.Minute, 5 * time.Minute,
			"21 00:00:00", "06:00:00", "07:00:00", "05:52:00", 2 * time.Minute,
		},
		{
			"a chosen incident begins at the onset",
			"12:00:00", "12:30:00",
			config.Window{Incident: minutes(5)},
			0, 0,
			"09:30:00", "12:00:00", "12:05:00", "11:59:45", 15 * time.Second,
		},
		{
			"a chosen incident that is longer than the alert begins earlier",
			"12:00:00", "12:01:00",
			config.Window{Incident: minutes(10)},
			0, 0,
			"06:51:00", "11:51:00", "12:01:00", "11:50:45", 15 * time.Second,
		},
		{
			"a chosen baseline",
			"12:00:00", "12:05:00",
			config.Window{Baseline: minutes(30)},
			0, 0,
			"11:30:00", "12:00:00", "12:05:00", "11:59:45", 15 * time.Second,
		},
		{
			"times between the steps",
			"12:00:07", "12:05:14",
			config.Window{Baseline: minutes(30)},
			0, 0,
			"11:30:00", "12:00:00", "12:05:00", "11:59:45", 15 * time.Second,
		},
		{
			"an onset in the future is now",
			"13:00:00", "12:00:00",
			config.Window{Baseline: minutes(30)},
			0, 0,
			"11:29:15", "11:59:15", "12:00:00", "11:59:00", 15 * time.Second,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, warnings := newGrid(clock(c.onset), clock(c.now), c.window, timing{shortest: c.shortest, longest: c.longest})
			g.settled = time.Time{} // see TestCurrentValueStartsAfterRateRange
			if len(warnings) > 0 {
				t.Errorf("warnings %v", warnings)
			}
			want := grid{start: clock(c.start), onset: clock(c.begin), end: clock(c.end), before: clock(c.before), step: c.step}
			if g != want {
				t.Errorf("got  %+v\nwant %+v", g, want)
			}
		})
	}
}

func TestALongBaselineOfAShortIncidentIsCutAndSaysSo(t *testing.T) {
	g, warnings := newGrid(clock("12:00:00"), clock("12:02:00"), config.Window{Baseline: model.Duration(14 * 24 * time.Hour)}, timing{})
	if len(warnings) != 1 || g.rows() > 11_000 {
		t.Fatalf("%d rows, %v", g.rows(), warnings)
	}
	if text := warnings[0].Text; !strings.Contains(text, "of the baseline of 336h0m0s only") || strings.Contains(text, "the last 336h0m0s") {
		t.Error(text)
	}
}

func TestWindowsAreOnOneGridAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Second
		}
		now := time.Unix(1_700_000_000, 0).Add(seconds("now", 86_400)).UTC()
		w := config.Window{Incident: model.Duration(seconds("incident", 7200)), Baseline: model.Duration(seconds("baseline", 30*86_400))}
		longest := seconds("longest", 86_400)
		g, _ := newGrid(now.Add(-seconds("age", 86_400)), now, w, timing{shortest: min(longest, seconds("shortest", 3600)), longest: longest})

		for name, at := range map[string]time.Time{"start": g.start, "onset": g.onset, "end": g.end, "before": g.before} {
			if !at.Equal(floor(at, g.step)) {
				t.Errorf("%s %s is not on the grid of %s", name, at, g.step)
			}
		}
		if g.end.After(now) || g.end.Sub(g.onset) < (fewestSteps-1)*g.step {
			t.Errorf("the incident is from %s to %s at %s, now %s", g.onset, g.end, g.step, now)
		}
		if gap := g.onset.Sub(g.before); gap < longest+g.step {
			t.Errorf("the baseline ends %s before the onset, the range is %s", gap, longest)
		}
		if !g.start.Before(g.onset) && w.Baseline > model.Duration(g.step) {
			t.Errorf("no baseline: %s to %s", g.start, g.onset)
		}
		if g.rows() > 11_000 || len(g.times()) != g.rows() {
			t.Errorf("%d rows", g.rows())
		}
	})
}

func TestAStepIsNoSmallerThanTheScrapeInterval(t *testing.T) {
	for _, c := range []struct {
		timing
		want time.Duration
	}{
		{timing{scrape: 15 * time.Second}, 15 * time.Second},
		{timing{scrape: 31 * time.Second}, 30 * time.Second},
		{timing{scrape: time.Minute}, time.Minute},
		{timing{scrape: 90 * time.Second}, 2 * time.Minute},
		{timing{shortest: 2 * time.Minute, scrape: 10 * time.Second}, 30 * time.Second},
		{timing{scrape: 2 * time.Hour}, 30 * time.Minute},
		{timing{storm: true}, time.Minute},
	} {
		if got := c.step(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.timing, got, c.want)
		}
	}
	if _, warnings := newGrid(clock("12:00:00"), clock("13:00:00"), config.Window{}, timing{scrape: 10 * time.Minute}); len(warnings) != 1 || !strings.Contains(warnings[0].Text, "only every 10m") {
		t.Errorf("%v", warnings)
	}
}

// Rows from before a young incident show nothing of it: the step is finer, if there are
// samples, and the current value comes from the incident's own rows.
func TestAYoungIncidentHasRowsOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		timing
		onset, now    string
		step          time.Duration
		from, settled string
	}{
		{timing{scrape: 5 * time.Second}, "12:00:02", "12:00:20", 5 * time.Second, "12:00:00", "12:00:05"},
		{timing{scrape: 5 * time.Second}, "12:00:08", "12:00:19", 5 * time.Second, "12:00:00", "12:00:10"},
		{timing{scrape: 5 * time.Second}, "12:00:00", "12:00:40", 10 * time.Second, "12:00:00", "12:00:00"},
		{timing{scrape: 5 * time.Second}, "12:00:00", "12:01:00", 15 * time.Second, "12:00:00", "12:00:00"},
		{timing{scrape: 10 * time.Second}, "12:00:00", "12:00:20", 10 * time.Second, "11:59:50", "12:00:00"},
		{timing{scrape: 30 * time.Second, shortest: 5 * time.Minute, longest: 5 * time.Minute}, "12:00:00", "12:02:00", 30 * time.Second, "12:00:00", "12:01:00"},
		{timing{}, "12:00:00", "12:00:20", 15 * time.Second, "11:59:30", "12:00:00"},
		{timing{scrape: 5 * time.Second, storm: true}, "12:00:00", "12:00:20", time.Minute, "11:57:00", "12:00:00"},
	} {
		g, _ := newGrid(clock(c.onset), clock(c.now), config.Window{}, c.timing)
		if g.step != c.step || g.onset.Format(time.TimeOnly) != c.from || g.settled.Format(time.TimeOnly) != c.settled {
			t.Errorf("%+v, %s to %s: %s from %s, settled %s; want %s from %s, settled %s", c.timing, c.onset, c.now,
				g.step, g.onset.Format(time.TimeOnly), g.settled.Format(time.TimeOnly), c.step, c.from, c.settled)
		}
	}
}

// The current value starts once the rate's range has passed, and uses three rows if there are
// as many.
func TestCurrentValueStartsAfterRateRange(t *testing.T) {
	for _, c := range []struct {
		onset, now, settled string
		longest             time.Duration
	}{
		{"12:00:00", "12:10:00", "12:02:30", 5 * time.Minute},
		{"12:00:00", "12:10:00", "12:00:00", 0},
		{"12:00:00", "12:01:00", "12:00:30", 5 * time.Minute},
		{"12:00:00", "12:00:00", "12:00:00", 5 * time.Minute},
		{"12:00:10", "12:00:20", "12:00:15", 0},
	} {
		g, _ := newGrid(clock(c.onset), clock(c.now), config.Window{}, timing{longest: c.longest})
		if got := g.settled.Format(time.TimeOnly); got != c.settled {
			t.Errorf("%s to %s at ranges of %s: from %s, want %s", c.onset, c.now, c.longest, got, c.settled)
		}
	}
}
