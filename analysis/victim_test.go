// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// A slow caller is explained by its callee, and never the other way round.
func TestCalleeExplainsCaller(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	f := Frame{Topology: [][2]string{{"front", "cart"}, {"cart", "db"}}}
	columns := map[string][]float64{}
	for i := range 260 {
		f.Times = append(f.Times, float64(1_700_000_000+15*i))
		db := 10 + 0.2*rng.NormFloat64()
		if i >= 240 {
			db += 10 + 3*rng.NormFloat64()
		}
		cart := db + 20 + 0.3*rng.NormFloat64()
		for name, v := range map[string]float64{
			"db|latency": db, "cart|latency": cart, "front|latency": cart + 30 + 0.3*rng.NormFloat64(),
			"mail|latency": 12 + rng.NormFloat64(), "mail|cpu": 30 + rng.NormFloat64(),
		} {
			columns[name] = append(columns[name], v)
		}
	}
	f.Onset = f.Times[240]
	target := Target{Name: "front|latency", Values: columns["front|latency"]}
	for _, name := range []string{"cart|latency", "db|latency", "mail|cpu", "mail|latency"} {
		service, _, _ := strings.Cut(name, "|")
		target.Candidates = append(target.Candidates, Series{Name: name, Service: service, Values: columns[name]})
	}
	f.Targets = []Target{target}
	for _, cause := range Run(f, Options{}).Causes {
		if says := strings.Contains(cause.Sentence, "explained by db"); says != (cause.Series == "cart|latency") {
			t.Errorf("%s", cause.Sentence)
		}
	}
}
