// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/culprit-dev/culprit/analysis/tabular"
)

func oneIncident(t *testing.T) incident {
	t.Helper()
	incidents, err := readIncidents(filepath.Join(writeCases(t), "made-up"))
	if err != nil {
		t.Fatal(err)
	}
	return incidents[0]
}

var sameNumbers = cmp.Options{cmp.AllowUnexported(incident{}), cmpopts.EquateNaNs()}

// A harder way makes another case from an incident, deterministically, and leaves the incident, its
// truth and the time of its fault unchanged.
func TestAHarderWayLeavesTheIncidentAsItIs(t *testing.T) {
	for _, way := range harderWays() {
		c, untouched := oneIncident(t), oneIncident(t)
		made := way.of(c)
		if diff := cmp.Diff(untouched, c, sameNumbers); diff != "" {
			t.Errorf("%s changes the incident that it is given:\n%s", way.name, diff)
		}
		if diff := cmp.Diff(made, way.of(oneIncident(t)), sameNumbers); diff != "" {
			t.Errorf("%s is another one the second time:\n%s", way.name, diff)
		}
		if at := made.onset(); made.samples.Times[at] != c.Onset {
			t.Errorf("%s: the fault begins at %g, want %g", way.name, made.samples.Times[at], c.Onset)
		}
		if made.column(made.Target) == nil || made.column(made.RootCause.Metrics[0]) == nil {
			t.Errorf("%s: the KPI or its cause is no column any more", way.name)
		}
		if s := made.serviceOf(made.RootCause.Metrics[0]); s != made.RootCause.Services[0] {
			t.Errorf("%s: the cause belongs to %s, not to %s", way.name, s, made.RootCause.Services[0])
		}
	}
}

func (c incident) column(name string) []float64 {
	at := slices.IndexFunc(c.samples.Columns, func(col tabular.Column) bool { return col.Name == name })
	if at < 0 {
		return nil
	}
	return c.samples.Columns[at].Values
}

func TestFewerRowsAreRowsOfTheIncident(t *testing.T) {
	c := oneIncident(t)
	for name, made := range map[string]incident{"half": c.everyOther(), "short": c.withBaseline(.25), "none": c.withBaseline(0)} {
		for i, at := range made.samples.Times {
			row, known := slices.BinarySearch(c.samples.Times, at)
			if !known {
				t.Fatalf("%s: no row at %g", name, at)
			}
			for k, column := range made.samples.Columns {
				if column.Values[i] != c.samples.Columns[k].Values[row] {
					t.Fatalf("%s: %s at %g is %g, want %g", name, column.Name, at, column.Values[i], c.samples.Columns[k].Values[row])
				}
			}
			if i > 0 && math.Abs(at-made.samples.Times[i-1]-made.Step) > 1e-9 {
				t.Errorf("%s: rows are %g s apart, and the step is %g s", name, at-made.samples.Times[i-1], made.Step)
			}
		}
	}
	after := len(c.samples.Times) - c.onset()
	for share, want := range map[float64]int{1: c.onset(), .5: c.onset() / 2, .25: c.onset() / 4, 0: 0} {
		made := c.withBaseline(share)
		if before := made.onset(); before != want || len(made.samples.Times)-before != after {
			t.Errorf("%g of the baseline: %d rows, and %d since; want %d and %d", share, before, len(made.samples.Times)-before, want, after)
		}
	}
}

func TestGapsAreThatShareOfTheCells(t *testing.T) {
	c := oneIncident(t)
	made, missing, all := c.withGaps(.3), 0, 0
	for k, column := range made.samples.Columns {
		for i, v := range column.Values {
			if all++; math.IsNaN(v) {
				missing++
			} else if v != c.samples.Columns[k].Values[i] {
				t.Fatalf("%s has another value in row %d", column.Name, i)
			}
		}
	}
	// within five standard deviations of a binomial
	if share := float64(missing) / float64(all); math.Abs(share-.3) > 5*math.Sqrt(.3*.7/float64(all)) {
		t.Errorf("%.3f of the cells are missing, want 0.3", share)
	}
}

// All columns of a metric get the same unit; ratios keep theirs.
func TestAMetricHasOneUnit(t *testing.T) {
	values := func() []float64 { return []float64{1, 2, 4} }
	c := oneIncident(t)
	role := c.Series[0]
	c.Series, c.samples = nil, &tabular.Series{Times: []float64{0, 1, 2}}
	for _, name := range []string{"a|cpu", "b|cpu", "b|cpu/pod-1", "a|cpu_from_b", "a|wait", "a|share", "alone"} {
		role.Column, role.Kind = name, "cpu"
		if name == "a|share" {
			role.Kind = "error"
		}
		c.Series = append(c.Series, role)
		c.samples.Columns = append(c.samples.Columns, tabular.Column{Name: name, Values: values()})
	}
	made := c.inOtherUnits()
	factor := func(name string) float64 {
		v := made.column(name)
		for i, old := range values() {
			if math.Abs(v[i]-v[0]*old) > 1e-9*v[i] {
				t.Errorf("%s is no multiple of what it was: %v", name, v)
			}
		}
		return v[0]
	}
	if of := factor("a|cpu"); of == 1 || factor("b|cpu") != of || factor("b|cpu/pod-1") != of || factor("a|cpu_from_b") != of {
		t.Errorf("the factors of one metric are not equal: %v", made.samples.Columns)
	}
	if factor("a|wait") == factor("a|cpu") || factor("a|share") != 1 || factor("alone") == 1 {
		t.Errorf("wait, a ratio and a column without a service: %v", made.samples.Columns)
	}
}

// Renaming changes names only: every service has a new one, so do all its columns and calls, and
// nothing else changes.
func TestRenamedServicesKeepTheirColumnsAndCalls(t *testing.T) {
	c := oneIncident(t)
	made := c.renamed()
	alias := map[string]string{}
	for _, column := range c.samples.Columns {
		service, metric, _ := strings.Cut(column.Name, "|")
		at := slices.IndexFunc(made.samples.Columns, func(m tabular.Column) bool { return slices.Equal(m.Values, column.Values) })
		if at < 0 {
			t.Fatalf("the values of %s are lost", column.Name)
		}
		other, kept, _ := strings.Cut(made.samples.Columns[at].Name, "|")
		if kept != metric || alias[service] != "" && alias[service] != other {
			t.Errorf("%s is %s, and %s was %q", column.Name, made.samples.Columns[at].Name, service, alias[service])
		}
		if alias[service] = other; made.kindOf(other+"|"+kept) != c.kindOf(column.Name) {
			t.Errorf("%s is of another kind", column.Name)
		}
	}
	for i, call := range c.Graph {
		if want := [2]string{alias[call[0]], alias[call[1]]}; made.Graph[i] != want {
			t.Errorf("the call %v is %v, want %v", call, made.Graph[i], want)
		}
	}
	if len(made.codes()) != len(c.codes()) || made.Target != alias["entry"]+"|latency" {
		t.Errorf("%d services of %d, and the KPI is %s", len(made.codes()), len(c.codes()), made.Target)
	}
}

func TestWithoutNamesNoKindIsKnown(t *testing.T) {
	c := oneIncident(t).nameless()
	for _, column := range c.samples.Columns {
		if kind := c.kindOf(column.Name); kind != "" && kind != "other" {
			t.Errorf("%s is of the kind %s", column.Name, kind)
		}
	}
}

// Names of services and the order of columns must not influence the answer.
func TestHarderWaysAreScored(t *testing.T) {
	out := measured(t, "candidates", "--harder", writeCases(t))
	for _, way := range []string{"as it is", "services renamed, columns shuffled", "each metric in another unit"} {
		if want := fmt.Sprintf("| made-up | %s | 1.00 | 1.000 | 2/2 | 0/0 | 100 %% |", way); !strings.Contains(out, want) {
			t.Errorf("no line %s in\n%s", want, out)
		}
	}
}
