// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

const graphHelp = `How a KPI and the series that moved with it are related, from tables of series as for analyze candidates.

  culprit analyze graph incident.csv --target 'entry|latency_p90' --onset 1661140440 --format svg > graph.svg

With an onset, the graph covers the leading candidates of the incident. Without one, it is learned from all rows (for example of a chaos experiment) and covers the series that correlate most with the KPI.

An arrow points from cause to effect; a line without one means that the direction is unknown. The graph is learned from correlation: it is a hint, not proof.`

// graphOptions are the flags of analyze graph.
type graphOptions struct {
	input  seriesInput
	graph  analysis.GraphOptions
	format string
}

func addAnalyzeGraph(parent *kingpin.CmdClause, commands map[string]command) {
	cmd := parent.Command("graph", graphHelp)
	o := &graphOptions{}
	o.input.addFlags(cmd)
	cmd.Flag("alpha", "Significance level of the independence tests.").Default("0.05").Float64Var(&o.graph.Alpha)
	cmd.Flag("max-k", "Maximum number of series to condition on in a test, 1 to 4.").Default("3").IntVar(&o.graph.MaxK)
	cmd.Flag("tiers", "JSON object that maps columns to tiers. A later tier cannot cause an earlier one.").
		PlaceHolder("FILE").SetValue(&o.input.tiers)
	cmd.Flag("format", "Output format: table, json, dot (Graphviz) or svg.").Default("table").EnumVar(&o.format, "table", "json", "dot", "svg")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error { return o.run(s) }
}

func (o *graphOptions) run(s streams) error {
	if err := o.check(); err != nil {
		return usageError{err}
	}
	return o.input.each(s.in, func(*tabular.Roles) {}, func(name string, f analysis.Frame) error {
		result := analysis.Run(f, analysis.Options{Graph: o.graph})
		return o.print(s.out, name, report.New(report.Input{Result: result}))
	})
}

func (o *graphOptions) check() error {
	switch {
	case !(o.graph.Alpha > 0 && o.graph.Alpha < 1):
		return fmt.Errorf("--alpha is %g: it must be between 0 and 1", o.graph.Alpha)
	case o.graph.MaxK < 1 || o.graph.MaxK > 4:
		return fmt.Errorf("--max-k is %d: it must be 1 to 4", o.graph.MaxK)
	}
	return o.input.check()
}

func (o *graphOptions) print(w io.Writer, name string, r report.Report) error {
	switch o.format {
	case "json":
		return printResult(w, name, r.Result)
	case "dot":
		return printDot(w, name, r.Result.Graph)
	case "svg":
		return web.WriteGraph(w, r.Result)
	}
	return printGraph(w, name, r.Result)
}
