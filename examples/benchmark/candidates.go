// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
)

// candidates measures the ranking of series on incidents with known causes: by service and by
// series, with and without the call graph, with late alerts, and on windows where nothing is wrong.
func candidates(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("candidates", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	ablation := flags.Bool("ablation", false, "compare ridge, BMFS and no attribution inside the ranking")
	leaveOut := flags.Bool("leave-out", false, "choose the marks of confidence without each system in turn, and measure them on it")
	harder := flags.Bool("harder", false, "measure the same incidents as another system or another Prometheus would show them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("candidates wants one folder: that of the data sets")
	}
	sets, err := dataSets(flags.Arg(0))
	if err != nil {
		return err
	}
	if *ablation {
		return ablations(sets, out)
	}
	if *harder {
		return harden(sets, out)
	}
	if *leaveOut {
		return leftOut(sets, out)
	}
	fmt.Fprintln(out, "| data set | cases | service AC@1 | AC@3 | AC@5 | Avg@5 | metric AC@1 | AC@3 | AC@5 | Avg@5 | ms | MB |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	var comparisons, variations, confidences, parts, onsets []string
	for _, set := range sets {
		incidents, err := readIncidents(set)
		if err != nil {
			return err
		}
		name := filepath.Base(set)
		usual := rankAll(incidents, variation{})
		fmt.Fprintf(out, "| %s | %d | %s | %s | %.0f | %.1f |\n", name, len(incidents),
			usual.services.cells(), usual.metrics.cells(), usual.ms, usual.mb)
		comparisons = append(comparisons, comparison(name, incidents, usual))
		variations = append(variations, vary(name, incidents, usual))
		confidences = append(confidences, usual.confidence(name)+quiet(incidents))
		parts = append(parts, usual.roles.line(name))
		onsets = append(onsets, onsetErrors(name, incidents))
	}
	fmt.Fprintln(out, "\nAC@1, AC@3, AC@5 and Avg@5 by service; Avg@5 by metric. Beside simple formulas on the same series:")
	header := "| data set | culprit |"
	for _, p := range peers() {
		header += " " + p.name + " |"
	}
	fmt.Fprintln(out, "\n"+header)
	fmt.Fprintln(out, strings.Repeat("|---", 2+len(peers()))+"|")
	printLines(out, comparisons)
	fmt.Fprintln(out, "\nAvg@5 by service:")
	fmt.Fprintln(out, "\n| data set | as it is | without call graph | one sample late | 60 s late | kinds from names |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	printLines(out, variations)
	fmt.Fprintln(out, "\nConfidence: right first answers / all answers of each level, the faults that are answered right with high or medium, and answers in windows where nothing was wrong:")
	fmt.Fprintln(out, "\n| data set | high | medium | low | answered | quiet windows | high | medium |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|")
	printLines(out, confidences)
	fmt.Fprintln(out, "\nRoles: causes of a service at fault / all that are told to be causes; victims and followers that are of none / all that are told; first symptoms told:")
	fmt.Fprintln(out, "\n| data set | cause | victim | follower | first symptom |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	printLines(out, parts)
	fmt.Fprintln(out, "\nOnset, found and told, in samples after the true one (negative: before it): median, and the share of cases within 2:")
	fmt.Fprintln(out, "\n| data set | told in time | told one sample late | told 60 s late |")
	fmt.Fprintln(out, "|---|---|---|---|")
	printLines(out, onsets)
	return nil
}

func printLines(out io.Writer, lines []string) {
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
}

// variation makes cases harder.
type variation struct {
	noGraph, noKinds bool
	late             float64 // seconds
}

// tally has the results for all cases of a set.
type tally struct {
	services, metrics places
	answered, right   map[analysis.Confidence]int
	roles             roles
	ms, mb            float64 // per case
}

func newTally() tally {
	return tally{answered: map[analysis.Confidence]int{}, right: map[analysis.Confidence]int{}, roles: newRoles()}
}

// rankAll analyses each case as the daemon would.
func rankAll(incidents []incident, v variation) tally {
	t := newTally()
	var before, after runtime.MemStats
	for _, c := range incidents {
		frame, err := c.frame(v.late)
		if err != nil {
			panic(err) // the case names a KPI that it doesn't have
		}
		if v.noGraph {
			frame.Topology = nil
		}
		if v.noKinds {
			forgetKinds(&frame)
		}
		runtime.ReadMemStats(&before)
		start := time.Now()
		result := analysis.Run(frame, analysis.Options{Series: analysis.SeriesOptions{Top: len(c.samples.Columns)}})
		t.ms += float64(time.Since(start).Microseconds()) / 1000
		runtime.ReadMemStats(&after)
		t.mb += float64(after.TotalAlloc-before.TotalAlloc) / 1e6
		t.add(c, result.Causes)
	}
	t.ms /= float64(len(incidents))
	t.mb /= float64(len(incidents))
	return t
}

// forgetKinds removes the kinds of the series, so that they are inferred from names.
func forgetKinds(f *analysis.Frame) {
	for i := range f.Targets {
		f.Targets[i].Candidates = slices.Clone(f.Targets[i].Candidates)
		for j := range f.Targets[i].Candidates {
			f.Targets[i].Candidates[j].Kind = ""
		}
	}
}

// add scores one answer. Services are ranked by their first appearance among the causes; a cause
// stands for its members, too.
func (t *tally) add(c incident, causes []analysis.Finding) {
	var services, metrics []string
	for _, cause := range causes {
		metrics = append(metrics, cause.Series)
		services = append(services, c.serviceOf(cause.Series))
	}
	for _, cause := range causes { // causes that can't be distinguished are named together
		for _, member := range cause.Evidence.Members {
			metrics, services = append(metrics, member), append(services, c.serviceOf(member))
		}
	}
	t.roles.add(c, causes)
	place := firstOf(unique(services), c.RootCause.Services)
	t.services = append(t.services, place)
	if len(c.RootCause.Metrics) > 0 {
		t.metrics = append(t.metrics, firstOf(unique(metrics), c.RootCause.Metrics))
	}
	if len(causes) > 0 {
		t.answered[causes[0].Confidence]++
		if place == 1 {
			t.right[causes[0].Confidence]++
		}
	}
}

// unique keeps the first of equal names.
func unique(names []string) []string {
	var list []string
	seen := map[string]bool{}
	for _, n := range names {
		if !seen[n] {
			list, seen[n] = append(list, n), true
		}
	}
	return list
}

// firstOf returns the rank of the first correct name.
func firstOf(names, truth []string) int {
	for i, n := range names {
		if slices.Contains(truth, n) {
			return i + 1
		}
	}
	return missed
}

// vary formats Avg@5 under harder conditions.
func vary(name string, incidents []incident, usual tally) string {
	line := fmt.Sprintf("| %s | %.3f |", name, usual.services.average())
	for _, v := range []variation{{noGraph: true}, {late: incidents[0].Step}, {late: 60}, {noKinds: true}} {
		line += fmt.Sprintf(" %.3f |", rankAll(incidents, v).services.average())
	}
	return line
}

// confidence formats how often each level was right.
func (t tally) confidence(name string) string {
	line := "| " + name + " |"
	for _, level := range []analysis.Confidence{analysis.High, analysis.Medium, analysis.Low} {
		line += fmt.Sprintf(" %d/%d |", t.right[level], t.answered[level])
	}
	answered := t.right[analysis.High] + t.right[analysis.Medium]
	return line + fmt.Sprintf(" %.0f %% |", 100*float64(answered)/float64(len(t.services)))
}
