// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestWrongCallsAreRefused(t *testing.T) {
	for _, args := range []string{"--for 0s", "--rate 0", "--seed=-1", "--what"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, says %q", args, code, errs.String())
		}
	}
}

func TestASeedIsDrawnIfThereIsNone(t *testing.T) {
	a, err := parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := parse([]string{fmt.Sprintf("--seed=%d", a.seed)}); a.seed == 0 || a != b {
		t.Errorf("%+v, and with its seed %+v", a, b)
	}
}

func TestTheWitnessIsNeverEnded(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	var all []draw
	for range 100 {
		d := drawn(r)
		if d.mortal == witness || d.lasts < harmAtLeast || d.lasts > harmAtMost {
			t.Errorf("%+v", d)
		}
		all = append(all, d)
	}
	again := rand.New(rand.NewPCG(7, 1))
	for i := range all {
		if d := drawn(again); d != all[i] {
			t.Fatalf("draw %d with the same seed is %+v, was %+v", i, d, all[i])
		}
	}
}

// What the watch has seen of three alerts: 0 is fine, 1 has two reports and was gone too early, 2
// has none and was there after its end. 3, of a sender whose clock is early, will end in an hour.
func TestWhatIsWrongIsSaid(t *testing.T) {
	now := time.Now().Add(-time.Minute)
	ended := life{began: now.Add(-time.Minute), ended: now}
	alerts := map[int]life{0: ended, 1: ended, 2: ended, 3: {began: now, clock: clockStep, ended: now.Add(clockStep)}}
	s := newSeen()
	page := func(id, incident, number string) report.Report {
		return report.Report{ID: id, Incident: incident, CreatedAt: now.Add(-time.Minute), Alert: report.Alert{Labels: model.LabelSet{"number": model.LabelValue(number)}}}
	}
	if !s.addReports([]report.Report{page("a", "A", "0"), page("b", "B", "1"), page("c", "gone", "1"), page("d", "A", "3")}) {
		t.Error("nothing is new")
	}
	if s.addReports([]report.Report{page("a", "A", "0")}) {
		t.Error("something is new")
	}
	s.addIncidents([]report.Incident{{ID: "A", Reports: []string{"a", "d"}}, {ID: "B", Reports: []string{"d"}}, {ID: "C", Reports: []string{"other"}}})
	s.alerts[0] = sight{true, true}
	s.never["culprit_jobs_dead_total"] = 1
	for _, c := range []struct {
		what string
		got  []string
		want string
	}{
		{"one report", s.oneReport(alerts, time.Hour), "[alert 1 has 2 [b c] alert 2 has 0 []]"},
		{"an incident", s.oneIncident(), "[report b of alert 1 is in 0 report c of alert 1 is in 0 report d of alert 3 is in 2]"},
		{"a report", s.noReport(), `[incident C with ["other"]]`},
		{"causes", s.noCauses(alerts), "[alert 1 alert 1]"},
		{"marks", s.noMark(map[string]int{"A": 1, "C": 1}), "[incident B]"},
		{"never", s.happened(), "[culprit_jobs_dead_total 1]"},
		{"people", peopleWrong(alerts, map[int]told{
			0: {firing: 1, resolved: 1, ended: now.Add(time.Second)}, 1: {firing: 1, resolved: 1, ended: now.Add(-time.Second)}, 2: {firing: 1}, 3: {firing: 1},
		}), "[alert 1 ended too early no end of alert 2]"},
	} {
		if got := fmt.Sprint(c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestTheHookIsToldOfWhatHasCauses(t *testing.T) {
	f, err := fleet.New("")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newSeen()
	s.reports[0] = map[string]report.Report{"a": {ID: "a", Incident: "A"}}
	s.incidents["A"] = report.Incident{ID: "A"}
	alerts := map[int]life{0: {}}
	if wrong := s.notHooked(alerts, f.Hook()); len(wrong) > 0 {
		t.Errorf("without causes: %v", wrong)
	}
	s.addIncidents([]report.Incident{{ID: "A", Causes: make([]analysis.Finding, 1)}})
	if wrong := s.notHooked(alerts, f.Hook()); len(wrong) != 1 {
		t.Errorf("with causes: %v", wrong)
	}
}

func TestGrowthOverTheLastHalfIsSeen(t *testing.T) {
	start := time.Now()
	memory := func(at func(minute int) float64) []sample {
		var all []sample
		for m := range 60 {
			all = append(all, sample{at: start.Add(time.Duration(m) * time.Minute), memory: at(m) * 1e6})
		}
		return all
	}
	for _, c := range []struct {
		name   string
		length time.Duration
		at     func(minute int) float64
		wrong  bool
	}{
		{"flat", time.Hour, func(int) float64 { return 100 }, false},
		{"noise", time.Hour, func(m int) float64 { return 100 + float64(m*7%13) }, false},
		{"growth until the middle", time.Hour, func(m int) float64 { return 100 + float64(min(m, 30)) }, false},
		{"growth", time.Hour, func(m int) float64 { return 100 + float64(m) }, true},
		{"growth in a short one", 2 * time.Minute, func(m int) float64 { return 100 + float64(m) }, false},
		{"much in a short one", 2 * time.Minute, func(int) float64 { return 600 }, true},
	} {
		v := flat("memory", "MB", 1e6, c.length, memory(c.at), func(s sample) float64 { return s.memory })
		if (len(v.wrong) > 0) != c.wrong {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	if v := flat("memory", "MB", 1e6, time.Hour, nil, nil); len(v.wrong) == 0 {
		t.Error("what was never seen is flat")
	}
}

func TestTheTableSaysWhatDidNotHold(t *testing.T) {
	v := verdicts{{promise: "one", seen: "3 alerts"}, {promise: "two", wrong: []string{"a", "b", "c", "d", "e", "f"}}}
	var out bytes.Buffer
	v.print(&out)
	if want := "one  3 alerts  held\ntwo            NOT HELD, 6: a; b; c; d; e\n"; out.String() != want || !v.broken() || v[:1].broken() {
		t.Errorf("%q", out.String())
	}
}

func TestTheFolderForTheLogsIsMade(t *testing.T) {
	f, err := fleet.New("")
	if err != nil {
		t.Fatal(err)
	}
	p := &pond{Field: f}
	if p.cluster, err = f.Cluster(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := errors.Join(p.keepLogs(dir), p.Close()); err != nil {
		t.Fatal(err)
	}
	if logs, err := os.ReadDir(dir); err != nil || len(logs) != len(p.cluster) {
		t.Errorf("%v, %v", logs, err)
	}
}
