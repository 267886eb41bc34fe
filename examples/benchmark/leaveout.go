// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// systemOf returns the system that a data set was measured on: thresholds chosen on one of its sets
// are no independent choice for the others.
func systemOf(set string) string {
	for system, sets := range map[string][]string{
		"Bookinfo":        {"bookinfo-e", "bookinfo-e2"},
		"Sock Shop":       {"rcd-ss", "ss-nirc-pod"},
		"Online Boutique": {"nezha-ob-a", "ob-irc"},
		"PetShop":         {"petshop-high"},
		"Train Ticket":    {"tt-udev"},
	} {
		if slices.Contains(sets, set) {
			return system
		}
	}
	return set
}

// verdicts are the rankings of a data set's faults and quiet windows.
type verdicts struct {
	set    string
	faults []rank.Result
	right  []bool
	quiet  []rank.Result
}

func readVerdicts(dir string) (v verdicts, err error) {
	incidents, err := readIncidents(dir)
	if err != nil {
		return v, err
	}
	v.set = filepath.Base(dir)
	seen := map[string]bool{}
	for _, c := range incidents {
		in, _ := c.input(0)
		r := rank.Rank(in, rank.Options{})
		v.faults = append(v.faults, r)
		code := c.codes()
		v.right = append(v.right, len(r.Services) > 0 && slices.ContainsFunc(c.RootCause.Services, func(s string) bool {
			return code[s] == r.Services[0].Service
		}))
		for _, w := range c.quietWindows(seen) {
			in, _ := w.input(0)
			v.quiet = append(v.quiet, rank.Rank(in, rank.Options{}))
		}
	}
	return v, nil
}

// said counts what some marks say about a set.
type said struct{ all, right, faults, quietSaid, quiet int }

func (v verdicts) under(marks rank.Marks) (s said) {
	says := func(r rank.Result) bool {
		return len(r.Services) > 0 && marks.Level(r, r.Services[0]) != rank.Low
	}
	for i, r := range v.faults {
		if s.faults++; says(r) {
			s.all++
			s.right += b2i(v.right[i])
		}
	}
	for _, r := range v.quiet {
		s.quiet++
		s.quietSaid += b2i(says(r))
	}
	return s
}

const (
	leastRight = 0.9  // share of named causes that must be right, or all but one
	mostQuiet  = 0.04 // share of quiet windows with any cause, or one
)

// honest reports whether a set keeps the promise of confidence.
func (s said) honest() bool {
	return s.all-s.right <= max(1, int((1-leastRight)*float64(s.all))) && s.quietSaid <= max(1, int(mostQuiet*float64(s.quiet)))
}

// choose picks the marks that name the most, as a share of each set, among those that keep the
// promise on all sets; the strictest of equals.
func choose(sets []verdicts) (best rank.Marks, ok bool) {
	most := -1.0
	for _, marks := range allMarks() {
		share, honest := 0.0, true
		for _, v := range sets {
			s := v.under(marks)
			honest = honest && s.honest()
			share += float64(s.right) / float64(s.faults)
		}
		if honest && share >= most {
			best, most, ok = marks, share, true
		}
	}
	return best, ok
}

// allMarks returns the candidates, the most lenient first.
func allMarks() []rank.Marks {
	var all []rank.Marks
	for _, lift := range []float64{1.1, 1.2, 1.35, 1.5, 1.65, 1.8} {
		for _, short := range []float64{1.2, 1.4, 1.6, 1.8, 2} {
			for _, alone := range []float64{0.8, 1, 1.2, 1.4, 1.6} {
				for _, margin := range []float64{0.1, 0.25, 0.4, 0.55} {
					all = append(all, rank.Marks{Lift: lift, Short: short, Alone: alone, Margin: margin})
				}
			}
		}
	}
	return all
}

// leftOut chooses the marks without each system in turn, and compares them with the usual ones on
// its sets.
func leftOut(dirs []string, out io.Writer) error {
	var sets []verdicts
	for _, dir := range dirs {
		v, err := readVerdicts(dir)
		if err != nil {
			return err
		}
		sets = append(sets, v)
	}
	fmt.Fprintln(out, "Marks of medium confidence, chosen on all other systems; right first answers of all that are said with medium or high, of how many faults; quiet windows of which anything is said:")
	fmt.Fprintln(out, "\n| data set | system left out | lift | short | alone | margin | said | faults | quiet | as it is | quiet |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, v := range sets {
		others := slices.DeleteFunc(slices.Clone(sets), func(o verdicts) bool { return systemOf(o.set) == systemOf(v.set) })
		marks, ok := choose(others)
		if !ok {
			fmt.Fprintf(out, "| %s | %s | no marks keep the promise on the other systems |\n", v.set, systemOf(v.set))
			continue
		}
		s, usual := v.under(marks), v.under(rank.DefaultMarks())
		fmt.Fprintf(out, "| %s | %s | %g | %g | %g | %g | %d/%d | %d | %d/%d | %d/%d | %d/%d |\n", v.set, systemOf(v.set),
			marks.Lift, marks.Short, marks.Alone, marks.Margin, s.right, s.all, s.faults, s.quietSaid, s.quiet,
			usual.right, usual.all, usual.quietSaid, usual.quiet)
	}
	return nil
}
