// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"context"
	"fmt"
	"math"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// incident is a KPI and series that may explain it, sampled every 15 seconds for three hours and
// five minutes of fault.
type incident struct {
	services []string
	columns  []tabular.Column // the first is the KPI
	truth    Truth
	unit     unit
}

const (
	quietRows = 720
	faultRows = 20
	sampling  = 15 // seconds
	entryKPI  = "entry|latency"
)

// metricsOf maps the metrics of each service to their usual level.
func metricsOf() map[string]float64 {
	return map[string]float64{"requests": 80, "cpu": 0.4, "memory": 4e8, "connections": 12, "queue": 5}
}

// metricOrder returns the order of a service's columns.
func metricOrder() []string { return []string{"requests", "cpu", "memory", "connections", "queue"} }

// calm draws healthy services.
func (d drawer) calm() *incident {
	in := &incident{}
	all := []string{"cart", "checkout", "search", "catalog", "payment", "shipping", "accounts", "ads"}
	for _, k := range d.some(d.number(4, 8), len(all)) {
		in.services = append(in.services, all[k])
	}
	in.columns = append(in.columns, tabular.Column{Name: entryKPI, Values: d.walk(0.2, 0.05)})
	for _, service := range in.services {
		for _, metric := range metricOrder() {
			level := metricsOf()[metric] * d.size(0.4)
			in.columns = append(in.columns, tabular.Column{Name: service + "|" + metric, Values: d.walk(level, d.between(0.02, 0.1))})
		}
	}
	return in
}

// walk draws a series around a level, with autocorrelated noise.
func (d drawer) walk(level, spread float64) []float64 {
	values, x := make([]float64, quietRows+faultRows), 0.0
	for i := range values {
		x = 0.6*x + 0.8*d.NormFloat64()
		values[i] = level * math.Max(0.05, 1+spread*x)
	}
	return values
}

// step multiplies a column from a row on.
func (in *incident) step(column string, row int, factor float64) {
	for _, c := range in.columns {
		if c.Name == column {
			for i := row; i < len(c.Values); i++ {
				c.Values[i] *= factor
			}
		}
	}
}

// reason is one series that rises shortly before the KPI.
func reason(d drawer) *incident {
	in := d.calm()
	name := in.services[0] + "|" + []string{"cpu", "memory", "connections", "queue"}[d.IntN(4)]
	in.step(name, quietRows-d.IntN(3), d.between(3, 8))
	in.step(entryKPI, quietRows, d.between(3, 6))
	in.truth.Series = []string{name}
	return in
}

// burst is a series that was 0 before.
func burst(d drawer) *incident {
	in := d.calm()
	values := make([]float64, quietRows+faultRows)
	for i := quietRows - d.IntN(3); i < len(values); i++ {
		values[i] = d.count(20)
	}
	name := in.services[0] + "|errors"
	in.columns = append(in.columns, tabular.Column{Name: name, Values: values})
	in.step(entryKPI, quietRows, d.between(3, 6))
	in.truth.Series = []string{name}
	return in
}

// load is more requests at the front door, so that everything has more work: the requests are the
// reason, or all moved alike, and no service is to blame.
func load(d drawer) *incident {
	in := d.calm()
	f := d.between(2, 4)
	front := tabular.Column{Name: "frontend|requests", Values: d.walk(400, 0.03)}
	in.columns = append(in.columns, front)
	in.step(front.Name, quietRows, f)
	in.truth = Truth{Verdict: analysis.External, Everywhere: analysis.MovedAlike, Series: []string{front.Name}, Silence: true}
	for _, service := range in.services {
		in.step(service+"|requests", quietRows, f)
		in.step(service+"|cpu", quietRows, f)
		in.step(service+"|connections", quietRows, math.Sqrt(f))
		in.truth.Series = append(in.truth.Series, service+"|requests")
	}
	in.step(entryKPI, quietRows, d.between(2, 4))
	return in
}

// idle is a KPI that moved while nothing else did.
func idle(d drawer) *incident {
	in := d.calm()
	in.step(entryKPI, quietRows, d.between(3, 6))
	in.truth = Truth{Verdict: analysis.NoConfidentCause, Silence: true}
	return in
}

// measureIn converts all series but the KPI to other units.
func (in *incident) measureIn(u unit) { in.unit = u }

func (in *incident) ask(context.Context) (analysis.Result, error) {
	table := tabular.Series{Columns: make([]tabular.Column, len(in.columns))}
	for row := range quietRows + faultRows {
		table.Times = append(table.Times, in.time(row))
	}
	for k, c := range in.columns {
		table.Columns[k] = tabular.Column{Name: c.Name, Values: make([]float64, len(c.Values))}
		for i, v := range c.Values {
			table.Columns[k].Values[i] = v * in.unit.factor
		}
	}
	frame, err := table.Frame(tabular.Roles{Targets: []string{entryKPI}, Onset: fault})
	if err != nil {
		return analysis.Result{}, fmt.Errorf("a table of series: %w", err)
	}
	return analysis.Run(frame, analysis.Options{}), nil
}

// time returns the time of a row, in Unix seconds.
func (in *incident) time(row int) float64 { return fault + float64(sampling*(row-quietRows)) }
