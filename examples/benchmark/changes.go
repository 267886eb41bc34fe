// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// releases measures what a list of changes adds to the ranking of series. It draws releases of the
// faulty service and of innocent ones into the incidents, all at one time or in waves.
func releases(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("changes", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	seed := flags.Uint64("seed", 1, "of the drawing of innocent releases")
	odds := flags.Bool("odds", false, "instead: what a score is worth, set by set")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("changes wants one folder: that of the data sets")
	}
	sets, err := dataSets(flags.Arg(0))
	if err != nil {
		return err
	}
	if *odds {
		return worthOfScore(sets, out)
	}
	fmt.Fprintln(out, "Right service first, and among the first three. Kept: the order without changes, of released services only. Latest first: waves alone.")
	fmt.Fprintln(out, "\n| data set | cases | without | one time: kept | ranked | with restarts | waves: latest first | kept | ranked | with restarts | guilty ones said with confidence | innocent ones, where the guilty one is none of them |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, set := range sets {
		incidents, err := readIncidents(set)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, releasesOf(filepath.Base(set), incidents, *seed))
	}
	return nil
}

// releasesOf formats the results of one data set.
func releasesOf(name string, incidents []incident, seed uint64) string {
	var without, latest places
	kept, ranked := map[story]*places{}, map[story]*places{}
	var guilty, innocent sureness
	for _, c := range incidents {
		plain := c.services(c.causes(story{}, nil))
		without = append(without, firstOf(plain, c.RootCause.Services))
		for _, s := range waysToRelease() {
			list := s.release(c, seed)
			causes := c.causes(s, list)
			kept[s] = kept[s].and(firstOf(releasedOnly(plain, list), c.RootCause.Services))
			ranked[s] = ranked[s].and(firstOf(c.services(causes), c.RootCause.Services))
			if s == (story{waves: true}) {
				latest = append(latest, firstOf(latestFirst(list), c.RootCause.Services))
			}
			if s.restarts {
				guilty.add(causes, func(service string) bool { return slices.Contains(c.RootCause.Services, service) })
			}
		}
		others := story{restarts: true, innocent: true}
		innocent.add(c.causes(others, others.release(c, seed)), func(string) bool { return true })
	}
	line := fmt.Sprintf("| %s | %d |", name, len(incidents))
	for _, p := range []places{
		without, *kept[story{}], *ranked[story{}], *ranked[story{restarts: true}],
		latest, *kept[story{waves: true}], *ranked[story{waves: true}], *ranked[story{waves: true, restarts: true}],
	} {
		line += fmt.Sprintf(" %.2f %.2f |", p.at(1), p.at(3))
	}
	return line + fmt.Sprintf(" %s | %s |", guilty, innocent)
}

// and adds a rank to those of a story.
func (p *places) and(place int) *places {
	if p == nil {
		p = &places{}
	}
	*p = append(*p, place)
	return p
}

// sureness counts the changes that are named with confidence.
type sureness struct{ all, sure int }

func (n *sureness) add(causes []analysis.Finding, of func(service string) bool) {
	for _, cause := range causes {
		if cause.Kind != analysis.KindChange || !of(cause.Labels[0]["service"]) {
			continue
		}
		if n.all++; cause.Confidence != analysis.Low {
			n.sure++
		}
	}
}

func (n sureness) String() string {
	return fmt.Sprintf("%.1f %%", 100*float64(n.sure)/float64(max(1, n.all)))
}

// causes returns the causes of a case after some releases.
func (c incident) causes(s story, list []changes.Change) []analysis.Finding {
	frame, err := c.frame(0)
	if err != nil {
		panic(err) // the case names a KPI that it doesn't have
	}
	if s.restarts {
		restart(&frame, list)
	}
	frame.Changes = list
	return analysis.Run(frame, analysis.Options{
		Series: analysis.SeriesOptions{Top: len(c.samples.Columns)}, Graph: analysis.GraphOptions{Off: true},
		Changes: analysis.ChangeOptions{Top: len(list)},
	}).Causes
}

// services returns the services of causes, in their order.
func (c incident) services(causes []analysis.Finding) []string {
	var names []string
	for _, cause := range causes {
		if cause.Kind == analysis.KindChange {
			names = append(names, cause.Labels[0]["service"])
		} else {
			names = append(names, c.serviceOf(cause.Series))
		}
	}
	return unique(names)
}

// releasedOnly keeps the services that were released.
func releasedOnly(services []string, list []changes.Change) []string {
	return slices.DeleteFunc(slices.Clone(services), func(name string) bool {
		return !slices.ContainsFunc(list, func(c changes.Change) bool { return c.Labels["service"] == name })
	})
}

// latestFirst orders the services by release time alone, those of a wave by name.
func latestFirst(list []changes.Change) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b changes.Change) int {
		if a.At != b.At {
			return int(math.Copysign(1, b.At-a.At))
		}
		if a.Labels["service"] < b.Labels["service"] {
			return -1
		}
		return 1
	})
	var names []string
	for _, c := range list {
		names = append(names, c.Labels["service"])
	}
	return names
}

// worthOfScore computes from each data set how much likelier a service is for each point of score
// ([rank.OddsOfScore]): the mean log-probability of the right service among all, for different
// worths of a point; and for each set the worth that all other sets together would choose.
func worthOfScore(sets []string, out io.Writer) error {
	grid := []float64{1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6}
	var names []string
	var table [][]float64
	for _, set := range sets {
		incidents, err := readIncidents(set)
		if err != nil {
			return err
		}
		line := make([]float64, len(grid))
		for _, c := range incidents {
			in, _ := c.input(0)
			services, truth := rank.Rank(in, rank.Options{NoResidual: true}).Services, c.codes()
			for g, k := range grid {
				line[g] += likelihood(services, truth, c.RootCause.Services, k) / float64(len(incidents))
			}
		}
		names, table = append(names, filepath.Base(set)), append(table, line)
	}
	fmt.Fprintln(out, "| data set | mean ln p at", grid, "| best | the others choose |")
	for i, line := range table {
		others := make([]float64, len(grid))
		for j, other := range table {
			if j != i {
				floats.Add(others, other)
			}
		}
		fmt.Fprintf(out, "| %s | %.2f | %g | %g |\n", names[i], line, grid[floats.MaxIdx(line)], grid[floats.MaxIdx(others)])
	}
	return nil
}

// likelihood returns the log-probability of the right services.
func likelihood(services []rank.Service, codes map[string]int, truth []string, k float64) float64 {
	var all, right []float64
	for _, s := range services {
		all = append(all, k*s.Score)
		if slices.ContainsFunc(truth, func(name string) bool { return codes[name] == s.Service }) {
			right = append(right, k*s.Score)
		}
	}
	if len(right) == 0 {
		return -math.Log(float64(max(1, len(all))))
	}
	return floats.LogSumExp(right) - floats.LogSumExp(all)
}
