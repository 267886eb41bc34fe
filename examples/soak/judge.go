// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/culprit-dev/culprit/examples/fleet"
)

const (
	judgedFrom  = 20 * time.Minute // a shorter soak says nothing about growth
	mostGrowth  = 0.10             // over the last half
	mostMemory  = 500e6            // bytes, for a shorter soak
	shownAtMost = 5                // failures shown for each promise
)

// verdict is one promise, and its failures.
type verdict struct {
	promise string
	seen    string
	wrong   []string
}

type verdicts []verdict

func (v verdicts) broken() bool {
	return slices.ContainsFunc(v, func(one verdict) bool { return len(one.wrong) > 0 })
}

func (v verdicts) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = w.Flush() }()
	for _, one := range v {
		held := "held"
		if n := len(one.wrong); n > 0 {
			held = fmt.Sprintf("NOT HELD, %d: %s", n, strings.Join(one.wrong[:min(n, shownAtMost)], "; "))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", one.promise, one.seen, held)
	}
}

// judge checks the promises against what was seen so far.
func (p *pond) judge(ctx context.Context) verdicts {
	for _, c := range p.cluster {
		p.read(ctx, c, true)
	}
	p.measure(ctx, witness, p.cluster[witness])
	marks, told, alerts := p.marks(), p.people.all(), p.rain.alerts()
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	v := verdicts{
		{promise: "the faults were made", seen: p.harmed()},
		{promise: "people were told of every alert, and of its end not before it", seen: fmt.Sprintf("%d alerts", len(alerts)), wrong: peopleWrong(alerts, told)},
		{promise: "every alert has one report", seen: fmt.Sprintf("%d reports", len(p.seen.reports)), wrong: p.seen.oneReport(alerts, p.kept())},
		{promise: "every report has one incident", seen: fmt.Sprintf("%d incidents", len(p.seen.incidents)), wrong: p.seen.oneIncident()},
		{promise: "every incident has a report", wrong: p.seen.noReport()},
		{promise: "every alert that was explained in time has had its causes on it", seen: p.seen.causes(), wrong: p.seen.noCauses(alerts)},
		{promise: "Grafana has a mark of every incident", seen: fmt.Sprintf("%d marks", len(marks)), wrong: p.seen.noMark(marks)},
		{promise: "the hook was told of every incident with causes, and of its end", seen: "", wrong: p.seen.notHooked(alerts, p.hook)},
		{promise: "no alert was resolved by culprit", wrong: slices.Sorted(maps.Values(p.seen.early))},
		{promise: "no alert was kept alive by culprit", seen: p.seen.again(), wrong: slices.Sorted(maps.Values(p.seen.late))},
		{promise: "what must not happen has not", seen: strings.Join(nevers, ", "), wrong: p.seen.happened()},
		{promise: "no replica ended by itself, and each was started and reloaded again", wrong: p.ended()},
	}
	return append(v,
		flat("memory of the witness", "MB", 1e6, p.o.length, p.seen.samples, func(s sample) float64 { return s.memory }),
		flat("goroutines of the witness", "", 1, p.o.length, p.seen.samples, func(s sample) float64 { return s.goroutines }))
}

// harmed lists the injected faults.
func (p *pond) harmed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	sum := 0
	for _, name := range slices.Sorted(maps.Keys(p.harms)) {
		list = append(list, fmt.Sprintf("%s %d", name, p.harms[name]))
		sum += p.harms[name]
	}
	return fmt.Sprintf("%d: %s", sum, strings.Join(list, ", "))
}

func peopleWrong(alerts map[int]life, all map[int]told) (wrong []string) {
	for n, l := range alerts {
		t := all[n]
		switch {
		case t.firing == 0:
			wrong = append(wrong, fmt.Sprintf("alert %d", n))
		case t.resolved > 0 && fires(l, t.ended):
			wrong = append(wrong, fmt.Sprintf("alert %d ended too early", n))
		case t.resolved == 0 && over(l):
			wrong = append(wrong, fmt.Sprintf("no end of alert %d", n))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// oneReport finds alerts with no report, or several. One that fires for longer than reports are
// kept may have another.
func (s *seen) oneReport(alerts map[int]life, kept time.Duration) (wrong []string) {
	for n, l := range alerts {
		if have := len(s.reports[n]); have == 0 || have > 1 && (fires(l, time.Now()) && time.Since(l.began) < kept || !l.ended.IsZero() && l.ended.Sub(l.began) < kept) {
			wrong = append(wrong, fmt.Sprintf("alert %d has %d %s", n, have, slices.Sorted(maps.Keys(s.reports[n]))))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// oneIncident finds reports with no incident, or several: those notified people again.
func (s *seen) oneIncident() (wrong []string) {
	in := map[string]int{}
	for _, inc := range s.incidents {
		for _, id := range inc.Reports {
			in[id]++
		}
	}
	for n, all := range s.reports {
		for id, r := range all {
			if inc, ok := s.incidents[r.Incident]; !ok || !slices.Contains(inc.Reports, id) || in[id] > 1 {
				wrong = append(wrong, fmt.Sprintf("report %s of alert %d is in %d", id, n, in[id]))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// noReport returns the incidents without a known report.
func (s *seen) noReport() (wrong []string) {
	reports := map[string]bool{}
	for _, all := range s.reports {
		for id := range all {
			reports[id] = true
		}
	}
	for _, inc := range s.incidents {
		if !slices.ContainsFunc(inc.Reports, func(id string) bool { return reports[id] }) {
			wrong = append(wrong, fmt.Sprintf("incident %s with %q", inc.ID, inc.Reports))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// inTime is how long before its end an alert must be explained to get its causes even if
// Alertmanager fails just then.
const inTime = 45 * time.Second

// again counts alerts that ended between a read and a post by culprit. They fire for up to six
// seconds more, as documented.
func (s *seen) again() string { return fmt.Sprintf("%g fired again for seconds", s.reappeared) }

func (s *seen) causes() string {
	n := 0
	for _, a := range s.alerts {
		if a.causes {
			n++
		}
	}
	return fmt.Sprintf("%d had", n)
}

// noCauses finds alerts without causes. It skips other senders' alerts: Prometheus has a rule of
// that name but doesn't list them, so culprit leaves them alone.
func (s *seen) noCauses(alerts map[int]life) (wrong []string) {
	for n, l := range alerts {
		if l.clock != 0 {
			continue
		}
		for _, r := range s.reports[n] {
			if !s.alerts[n].causes && fires(l, r.CreatedAt.Add(inTime)) {
				wrong = append(wrong, fmt.Sprintf("alert %d", n))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

func (s *seen) noMark(marks map[string]int) (wrong []string) {
	for id := range s.incidents {
		if marks[id] == 0 {
			wrong = append(wrong, "incident "+id)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// notHooked returns the incidents with causes that the hook never got, or whose end it never got.
func (s *seen) notHooked(alerts map[int]life, h *fleet.Hook) (wrong []string) {
	for n, all := range s.reports {
		for _, r := range all {
			inc := s.incidents[r.Incident]
			switch {
			case len(inc.Causes) == 0:
			case h.Told(inc.ID, "firing") == 0:
				wrong = append(wrong, fmt.Sprintf("incident %s of alert %d", inc.ID, n))
			case over(alerts[n]) && h.Told(inc.ID, "resolved") == 0:
				wrong = append(wrong, fmt.Sprintf("end of incident %s of alert %d", inc.ID, n))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

func (s *seen) happened() (wrong []string) {
	for name, n := range s.never {
		if n > 0 {
			wrong = append(wrong, fmt.Sprintf("%s %g", name, n))
		}
	}
	return wrong
}

func (p *pond) ended() (wrong []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wrong = slices.Clone(p.fallen)
	for _, c := range p.cluster {
		if !c.Process.Running() {
			wrong = append(wrong, c.Name)
		}
	}
	return wrong
}

// flat checks that a figure did not grow over the last half of a soak.
func flat(name, unit string, scale float64, length time.Duration, all []sample, of func(sample) float64) verdict {
	v := verdict{promise: "flat: " + name}
	if len(all) == 0 {
		v.wrong = []string{"it was never seen"}
		return v
	}
	from := all[0].at.Add(length / 2)
	last := slices.DeleteFunc(slices.Clone(all), func(s sample) bool { return s.at.Before(from) })
	most := of(slices.MaxFunc(all, func(a, b sample) int { return cmp.Compare(of(a), of(b)) }))
	mean, growth := line(last, of)
	v.seen = fmt.Sprintf("%.0f %s in the middle of the last half, %+.1f %% over it, %.0f at the most", mean/scale, unit, 100*growth/mean, most/scale)
	switch {
	case length < judgedFrom:
		v.seen += "; growth is not judged of less than " + judgedFrom.String()
		if most > mostMemory {
			v.wrong = []string{"too much"}
		}
	case growth > mostGrowth*mean:
		v.wrong = []string{"it grows"}
	}
	return v
}

// line fits a straight line and returns its mean and its rise from first to last sample.
func line(all []sample, of func(sample) float64) (mean, rise float64) {
	if len(all) == 0 {
		return 0, 0
	}
	var x, y, xx, xy float64
	for _, s := range all {
		at := s.at.Sub(all[0].at).Seconds()
		x, y, xx, xy = x+at, y+of(s), xx+at*at, xy+at*of(s)
	}
	n := float64(len(all))
	if spread := xx - x*x/n; spread > 0 {
		rise = (xy - x*y/n) / spread * all[len(all)-1].at.Sub(all[0].at).Seconds()
	}
	return y / n, rise
}
