// SPDX-License-Identifier: Apache-2.0

package forecast

import "math"

// Pieces are means of one measure over stretches of time, one value per leaf. A missing piece
// is nil; within a piece a missing sample is NaN.
type Pieces struct {
	Actual   []float64   // over the incident
	Recent   [][]float64 // [k]: over consecutive steps of 5 minutes ending one step before the incident, oldest first
	Profile  [][]float64 // [j−1]: over the incident's window, j days earlier
	Level    [][]float64 // [j−1]: over the hour before that window, j days earlier
	Day      []float64   // over the 24 hours before the incident
	Hour     []float64   // over the hour before the incident
	Baseline []float64   // over a baseline that the user chose; replaces the forecast
	Forecast []float64   // a forecast that came with the data; replaces everything else
}

// leaves returns the number of leaves.
func (p *Pieces) leaves() int { return len(p.Actual) }

// check panics if a piece does not have one value per leaf.
func (p *Pieces) check() {
	n := p.leaves()
	single := [][]float64{p.Day, p.Hour, p.Baseline, p.Forecast}
	for _, group := range [][][]float64{single, p.Recent, p.Profile, p.Level} {
		for _, piece := range group {
			if piece != nil && len(piece) != n {
				panic("forecast: pieces differ in length")
			}
		}
	}
}

// filled returns a piece with 0 for missing samples: no sample of an additive measure means no
// event. It is nil if no leaf has a sample, because then the whole step is missing.
func filled(piece []float64) []float64 {
	out := make([]float64, len(piece))
	known := false
	for i, x := range piece {
		if !math.IsNaN(x) {
			out[i] = x
			known = true
		}
	}
	if !known {
		return nil
	}
	return out
}

// present returns the pieces with samples, filled.
func present(pieces [][]float64) [][]float64 {
	var out [][]float64
	for _, p := range pieces {
		if f := filled(p); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// total returns the sum of a piece.
func total(piece []float64) float64 {
	var s float64
	for _, x := range piece {
		s += x
	}
	return s
}
