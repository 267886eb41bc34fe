// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"strings"
	"testing"
)

// simple is the result of a second implementation in numpy for the incident in testdata: once
// with independent series, once with a common unit for each metric.
type simple struct {
	Expect float64
	Onset  int
	Series []struct {
		Col                               string
		Floor, Scale, Z0, Quiet, Dev, Log float64
		Follows                           bool
	}
}

// TestSimpleScoresTrace compares floors, scales, both simple scores, followers and confidence.
func TestSimpleScoresTrace(t *testing.T) {
	var want map[string]simple
	readJSON(t, "frontend-cpu-simple.json.gz", &want)
	for name, w := range want {
		c := readIncident(t)
		if name == "peers" {
			codeMetrics(c)
		}
		tab, _ := prepareWithout(nil, c.in)
		p := findOnset(tab)
		if p.onset != w.Onset || len(tab.cand) != len(w.Series) {
			t.Fatalf("%s: onset %d, %d candidates, want %d and %d", name, p.onset, len(tab.cand), w.Onset, len(w.Series))
		}
		ev, calm := deviations(tab, p)
		plain(tab, p, ev)
		followers(tab, p, ev)
		for j, s := range w.Series {
			if got := c.columns[tab.cand[j].column]; got != s.Col {
				t.Fatalf("%s: candidate %d is %s, want %s", name, j, got, s.Col)
			}
			near(t, name+" "+s.Col+" floor", tab.cand[j].floor, s.Floor)
			near(t, name+" "+s.Col+" scale", tab.cand[j].scale, s.Scale)
			near(t, name+" "+s.Col+" deviation", ev[j].Dev, s.Z0)
			near(t, name+" "+s.Col+" quiet", ev[j].Quiet, s.Quiet)
			near(t, name+" "+s.Col+" plain", ev[j].Plain, s.Dev)
			near(t, name+" "+s.Col+" relative", ev[j].Relative, s.Log)
			if ev[j].Follows != s.Follows {
				t.Errorf("%s: %s follows: %v", name, s.Col, ev[j].Follows)
			}
		}
		gs := groups(tab, ev, edges{})
		lifts(tab, gs, ev, calm)
		for _, g := range gs {
			var loudest float64
			for _, j := range g.members {
				loudest = max(loudest, math.Log1p(ev[j].Dev/ev[j].Quiet))
			}
			near(t, name+" lift", g.lift, loudest/w.Expect)
		}
	}
}

// codeMetrics numbers the metrics of the columns.
func codeMetrics(c incident) {
	code := map[string]int{}
	for i, name := range c.columns {
		_, metric, _ := strings.Cut(name, "|")
		metric, _, _ = strings.Cut(metric, "_from_") // without the caller
		if code[metric] == 0 {
			code[metric] = len(code) + 1
		}
		c.in.Series[i].Metric = code[metric]
	}
}
