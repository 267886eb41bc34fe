// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"

	"github.com/culprit-dev/culprit/analysis"
)

const (
	step     = 15  // seconds between samples
	calmRows = 240 // an hour before the experiment
	faultRow = 20  // five minutes of it
)

// service is one service of the shop. Its latency depends on its own resources and on its callees.
type service struct {
	name  string
	calls []string
	fixed float64 // milliseconds of work that don't depend on load
}

// services stand callees first, so that one pass computes all answers.
func services() []service {
	return []service{
		{"db", nil, 4},
		{"index", nil, 6},
		{"stock", []string{"db"}, 3},
		{"cart", []string{"db"}, 5},
		{"search", []string{"index", "stock"}, 8},
		{"front", []string{"cart", "search"}, 10},
	}
}

// calls returns the call graph as pairs of caller and callee.
func calls() [][2]string {
	var pairs [][2]string
	for _, s := range services() {
		for _, callee := range s.calls {
			pairs = append(pairs, [2]string{s.name, callee})
		}
	}
	return pairs
}

// experiment is a deliberately injected fault.
type experiment struct {
	name    string
	service string
	metric  string  // the resource that is used up
	amount  float64 // percent of the resource
}

func experiments() []experiment {
	return []experiment{
		{"burn the processor of search", "search", "cpu", 55},
		{"slow the disk of db", "db", "disk_wait", 45},
		{"fill the memory of cart", "cart", "mem", 50},
		{"burn the processor of index", "index", "cpu", 45},
	}
}

// observe runs the shop for an hour and then through an experiment, and returns the metrics.
func observe(e experiment, seed uint64) analysis.Frame {
	rng := rand.New(rand.NewPCG(seed, 1))
	rows := calmRows + faultRow
	columns := map[string][]float64{}
	f := analysis.Frame{Topology: calls()}
	load := 0.0
	for i := range rows {
		f.Times = append(f.Times, float64(1_700_000_000+step*i))
		load = 0.9*load + rng.NormFloat64() // users come and go
		answers := map[string]float64{}
		for _, s := range services() {
			taken := map[string]float64{}
			if i >= calmRows && s.name == e.service {
				taken[e.metric] = e.amount
			}
			for metric, v := range s.measure(rng, load, taken, answers) {
				columns[s.name+"|"+metric] = append(columns[s.name+"|"+metric], v)
			}
		}
	}
	f.Onset = f.Times[calmRows]
	f.Targets = []analysis.Target{{Name: "front|latency", Service: "front", Values: columns["front|latency"]}}
	for _, s := range services() {
		for _, metric := range []string{"cpu", "disk_wait", "latency", "mem"} {
			name := s.name + "|" + metric
			if name != f.Targets[0].Name {
				f.Targets[0].Candidates = append(f.Targets[0].Candidates, analysis.Series{Name: name, Service: s.name, Values: columns[name]})
			}
		}
	}
	return f
}

// measure returns a service's metrics for one step: latency grows as resources run out, here and in
// callees.
func (s service) measure(rng *rand.Rand, load float64, taken, answers map[string]float64) map[string]float64 {
	used := map[string]float64{
		"cpu":       25 + 1.5*load + rng.NormFloat64() + taken["cpu"],
		"mem":       40 + 0.5*rng.NormFloat64() + taken["mem"],
		"disk_wait": 10 + 0.5*load + rng.NormFloat64() + taken["disk_wait"],
	}
	answer := s.fixed + 0.3*rng.NormFloat64()
	for _, resource := range []string{"cpu", "mem", "disk_wait"} {
		answer += 2 / (1 - min(used[resource], 97)/100)
	}
	for _, callee := range s.calls {
		answer += answers[callee]
	}
	answers[s.name] = answer
	used["latency"] = answer
	return used
}
