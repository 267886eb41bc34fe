// SPDX-License-Identifier: Apache-2.0

package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// story is how services were released before an incident.
type story struct {
	waves    bool // in waves, each at its own time; otherwise all at one time
	restarts bool // each release shows in the series of its service
	innocent bool // the faulty service was not released
}

// waysToRelease returns the ways in which the faulty service is released.
func waysToRelease() []story {
	return []story{{}, {restarts: true}, {waves: true}, {waves: true, restarts: true}}
}

const (
	releasedMost = 8    // most services released in one case
	releasedFew  = 3    // fewest services released in one case
	leadMost     = 600  // seconds from the last release to the onset
	waveLeast    = 600  // seconds between two waves
	waveMost     = 2400 //
)

// release draws the releases of a case: of the faulty service and of innocent ones. The result
// depends on the seed and the case alone.
func (s story) release(c incident, seed uint64) []changes.Change {
	h := fnv.New64a()
	h.Write([]byte(c.ID))
	rng := rand.New(rand.NewPCG(seed, h.Sum64()))
	var guilty, others []string
	for _, service := range c.candidateServices() {
		if slices.Contains(c.RootCause.Services, service) {
			guilty = append(guilty, service)
		} else {
			others = append(others, service)
		}
	}
	rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	others = others[:min(len(others), releasedFew+rng.IntN(releasedMost-releasedFew+1)-1)]
	if s.innocent {
		guilty = nil
	}
	at := c.Onset - leadMost*rng.Float64()
	var list []changes.Change
	for _, service := range guilty { // the fault comes with the last wave before it
		list = append(list, released(service, at))
	}
	for i, service := range others {
		if s.waves && i > 0 && rng.IntN(2) == 0 {
			at -= waveLeast + (waveMost-waveLeast)*rng.Float64()
		}
		list = append(list, released(service, at))
	}
	return list
}

func released(service string, at float64) changes.Change {
	return changes.Change{At: at, Title: service + " was rolled out", Labels: map[string]string{"service": service}, From: "v1", To: "v2", Source: "benchmark"}
}

// candidateServices returns the services that have series beside the KPI, by name.
func (c incident) candidateServices() []string {
	var names []string
	for _, s := range c.Series {
		if s.Service != "entry" && s.Column != c.Target {
			names = append(names, s.Service)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// The effect of a restart on the series of a service.
const (
	startRows = 2   // rows in which a new process works more than usual
	startWork = 1.5 // times as much
	emptyRows = 20  // rows until its memory is as full as before
	emptyFrom = 0.6 // share of it at the start
)

// restart makes each release visible in the series of its service: a sample is missing, the CPU is
// busier, memory drops and fills again.
func restart(f *analysis.Frame, list []changes.Change) {
	at := map[string]float64{}
	for _, c := range list {
		at[c.Labels["service"]] = c.At
	}
	for i := range f.Targets {
		target := &f.Targets[i]
		target.Candidates = slices.Clone(target.Candidates)
		for j := range target.Candidates {
			s := &target.Candidates[j]
			if when, ok := at[s.Service]; ok {
				row, _ := slices.BinarySearch(f.Times, when)
				s.Values = restarted(s.Values, s.Kind, row)
			}
		}
	}
}

func restarted(values []float64, kind string, at int) []float64 {
	values = slices.Clone(values)
	for i := at; i < min(len(values), at+emptyRows); i++ {
		switch {
		case i == at:
			values[i] = math.NaN()
		case kind == "cpu" && i < at+startRows:
			values[i] *= startWork
		case kind == "mem":
			values[i] *= emptyFrom + (1-emptyFrom)*float64(i-at)/emptyRows
		}
	}
	return values
}
