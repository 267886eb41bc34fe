// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// harder is a way to transform incidents into what another system, or another Prometheus, would
// have shown.
type harder struct {
	name string
	of   func(incident) incident
	late float64 // seconds by which the alert comes late
}

func harderWays() []harder {
	same := func(c incident) incident { return c }
	return []harder{
		{name: "as it is", of: same},
		{name: "every other sample", of: incident.everyOther},
		{name: "half of the baseline", of: func(c incident) incident { return c.withBaseline(0.5) }},
		{name: "a quarter of it", of: func(c incident) incident { return c.withBaseline(0.25) }},
		{name: "30 % of all cells missing", of: func(c incident) incident { return c.withGaps(0.3) }},
		{name: "each metric in another unit", of: incident.inOtherUnits},
		{name: "services renamed, columns shuffled", of: incident.renamed},
		{name: "no call graph", of: incident.withoutGraph},
		{name: "kinds and metrics without names", of: incident.nameless},
		{name: "told 60 s late", of: same, late: 60},
		{name: "told 60 s early", of: same, late: -60},
	}
}

// harden shows how the answers fare in each harder way.
func harden(dirs []string, out io.Writer) error {
	fmt.Fprintln(out, "Avg@5 by service; right first answers / all answers of high and of medium confidence; faults answered right with either:")
	fmt.Fprintln(out, "\n| data set | | AC@1 | Avg@5 | high | medium | answered |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|")
	for _, dir := range dirs {
		incidents, err := readIncidents(dir)
		if err != nil {
			return err
		}
		for _, way := range harderWays() {
			changed := make([]incident, len(incidents))
			for i, c := range incidents {
				changed[i] = way.of(c)
			}
			t := rankAll(changed, variation{late: way.late})
			sure := t.right[analysis.High] + t.right[analysis.Medium]
			fmt.Fprintf(out, "| %s | %s | %.2f | %.3f | %d/%d | %d/%d | %.0f %% |\n", filepath.Base(dir), way.name,
				t.services.at(1), t.services.average(),
				t.right[analysis.High], t.answered[analysis.High], t.right[analysis.Medium], t.answered[analysis.Medium],
				100*float64(sure)/float64(len(incidents)))
		}
	}
	return nil
}

// onset returns the first row of the incident.
func (c incident) onset() int {
	at, _ := slices.BinarySearch(c.samples.Times, c.Onset)
	return at
}

// chance returns the case's own random source.
func (c incident) chance() *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(c.ID))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// withRows keeps some of the case's rows.
func (c incident) withRows(keep func(row int) bool) incident {
	s := &tabular.Series{}
	for i, t := range c.samples.Times {
		if keep(i) {
			s.Times = append(s.Times, t)
		}
	}
	for _, column := range c.samples.Columns {
		kept := tabular.Column{Name: column.Name}
		for i, v := range column.Values {
			if keep(i) {
				kept.Values = append(kept.Values, v)
			}
		}
		s.Columns = append(s.Columns, kept)
	}
	c.samples = s
	return c
}

// everyOther halves the sample rate.
func (c incident) everyOther() incident {
	onset := c.onset()
	c.Step *= 2
	return c.withRows(func(row int) bool { return (row-onset)%2 == 0 })
}

// withBaseline keeps the last share of the baseline.
func (c incident) withBaseline(share float64) incident {
	onset := c.onset()
	from := onset - int(share*float64(onset))
	return c.withRows(func(row int) bool { return row >= from })
}

// withValues replaces the values of each column.
func (c incident) withValues(of func(name string, values []float64)) incident {
	s := &tabular.Series{Times: c.samples.Times}
	for _, column := range c.samples.Columns {
		column.Values = slices.Clone(column.Values)
		of(column.Name, column.Values)
		s.Columns = append(s.Columns, column)
	}
	c.samples = s
	return c
}

// withGaps removes a share of the cells.
func (c incident) withGaps(share float64) incident {
	rng := c.chance()
	return c.withValues(func(_ string, values []float64) {
		for i := range values {
			if rng.Float64() < share {
				values[i] = math.NaN()
			}
		}
	})
}

// inOtherUnits converts all columns of each metric to an uncommon unit. Ratios keep theirs: 1 is
// all of them.
func (c incident) inOtherUnits() incident {
	rng, factor := c.chance(), map[string]float64{}
	kinds := c.Roles().Kinds
	return c.withValues(func(name string, values []float64) {
		metric, _, _ := strings.Cut(metricOf(name), "_from_")
		metric, _, _ = strings.Cut(metric, "/") // what follows is a pod, or a device
		if factor[metric] == 0 {
			factor[metric] = math.Exp(8 * rng.NormFloat64())
		}
		for i := range values {
			if kinds[name] != "error" {
				values[i] *= factor[metric]
			}
		}
	})
}

// metricOf returns the metric of a column, without its owner.
func metricOf(column string) string {
	_, metric, ok := strings.Cut(column, "|")
	if !ok {
		return column
	}
	return metric
}

// withNames replaces the names.
func (c incident) withNames(service, column func(string) string) incident {
	s := &tabular.Series{Times: c.samples.Times}
	for _, old := range c.samples.Columns {
		s.Columns = append(s.Columns, tabular.Column{Name: column(old.Name), Values: old.Values})
	}
	c.samples, c.Target = s, column(c.Target)
	c.Series = slices.Clone(c.Series)
	for i := range c.Series {
		c.Series[i].Column, c.Series[i].Service = column(c.Series[i].Column), service(c.Series[i].Service)
	}
	c.Graph = slices.Clone(c.Graph)
	for i, call := range c.Graph {
		c.Graph[i] = [2]string{service(call[0]), service(call[1])}
	}
	c.RootCause.Services, c.RootCause.Metrics = each(c.RootCause.Services, service), each(c.RootCause.Metrics, column)
	return c
}

func each(names []string, change func(string) string) []string {
	var list []string
	for _, n := range names {
		list = append(list, change(n))
	}
	return list
}

// renamed names the services s00, s01 and so on, shuffled, and shuffles the columns. Names of edges
// keep their form.
func (c incident) renamed() incident {
	var names []string
	for service := range c.codes() {
		names = append(names, service)
	}
	slices.Sort(names)
	rng, alias := c.chance(), map[string]string{}
	for i, place := range rng.Perm(len(names)) {
		alias[names[i]] = fmt.Sprintf("s%02d", place)
	}
	service := func(name string) string { return cmp.Or(alias[name], name) }
	c = c.withNames(service, func(column string) string {
		of, metric, ok := strings.Cut(column, "|")
		if !ok {
			return column
		}
		metric, caller, edge := strings.Cut(metric, "_from_")
		if edge {
			metric += "_from_" + service(caller)
		}
		return service(of) + "|" + metric
	})
	rng.Shuffle(len(c.samples.Columns), func(i, j int) {
		c.samples.Columns[i], c.samples.Columns[j] = c.samples.Columns[j], c.samples.Columns[i]
	})
	return c
}

func (c incident) withoutGraph() incident {
	c.Graph = nil
	return c
}

// nameless names the metrics m0, m1 and so on, so that nothing shows their kind or whose calls they
// measure.
func (c incident) nameless() incident {
	alias := map[string]string{}
	c = c.withNames(func(s string) string { return s }, func(column string) string {
		of, metric, ok := strings.Cut(column, "|")
		if !ok {
			return column
		}
		if alias[metric] == "" {
			alias[metric] = fmt.Sprintf("m%d", len(alias))
		}
		return of + "|" + alias[metric]
	})
	for i := range c.Series {
		c.Series[i].Kind = ""
	}
	return c
}
