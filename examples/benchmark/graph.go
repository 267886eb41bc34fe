// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// graphs measures the causal graph on incidents with known causes (do the chains pass through the
// cause, do the arrows agree with the calls?) and on problems with a known graph.
func graphs(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("graph wants one folder: that of the data sets")
	}
	sets, err := dataSets(args[0])
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Chains from the leading suspects to the KPI, and arrows between services that call each other (trouble goes from")
	fmt.Fprintln(out, "callee to caller). With the call graph given, arrows follow it, so that only those learned without it are counted.")
	fmt.Fprintln(out, "\n| data set | cases | call graph | with chains | first through the cause | one of three | best suspect right | arrows with calls | against | no direction | feedback |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, set := range sets {
		incidents, err := readIncidents(set)
		if err != nil {
			return err
		}
		for _, given := range []bool{false, true} {
			fmt.Fprintf(out, "| %s | %d | %s\n", filepath.Base(set), len(incidents), measureGraphs(incidents, given))
		}
	}
	return trueGraphs(out)
}

// graphTally counts over cases; only edges between two services.
type graphTally struct {
	chains, first, three, suspect        int
	agree, against, undirected, feedback int
}

func measureGraphs(incidents []incident, given bool) string {
	var t graphTally
	for _, c := range incidents {
		frame, err := c.frame(0)
		if err != nil {
			panic(err) // the case names a KPI that it doesn't have
		}
		if !given {
			frame.Topology = nil
		}
		result := analysis.Run(frame, analysis.Options{})
		t.addChains(c, result)
		t.addEdges(c, result.Graph.Edges)
	}
	name, arrows := "no", fmt.Sprintf("%d | %d", t.agree, t.against)
	if given {
		name, arrows = "given", "– | –"
	}
	percent := func(n int) string { return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(len(incidents))) }
	return fmt.Sprintf("%s | %s | %s | %s | %s | %s | %d | %d |", name, percent(t.chains), percent(t.first), percent(t.three),
		percent(t.suspect), arrows, t.undirected, t.feedback)
}

func (t *graphTally) addChains(c incident, r analysis.Result) {
	guilty := func(name string) bool { return slices.Contains(c.RootCause.Services, c.serviceOf(name)) }
	if len(r.Causes) > 0 && guilty(r.Causes[0].Series) {
		t.suspect++
	}
	chains := r.Graph.Chains
	if len(chains) > 0 {
		t.chains++
	}
	through := slices.IndexFunc(chains, func(chain analysis.Chain) bool { return slices.ContainsFunc(chain.Nodes, guilty) })
	t.first += b2i(through == 0)
	t.three += b2i(through >= 0 && through < 3)
}

func (t *graphTally) addEdges(c incident, edges []analysis.Edge) {
	for _, e := range edges {
		from, to := c.serviceOf(e.From), c.serviceOf(e.To)
		if from == to {
			continue
		}
		switch {
		case e.Feedback:
			t.feedback++
		case !e.Directed:
			t.undirected++
		case slices.Contains(c.Graph, [2]string{to, from}):
			t.agree++
		case slices.Contains(c.Graph, [2]string{from, to}):
			t.against++
		}
	}
}
