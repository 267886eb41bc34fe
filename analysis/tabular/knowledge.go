// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// ReadTopology reads a call graph: a JSON array of [caller, callee]. Calls of a service to
// itself are dropped.
func ReadTopology(r io.Reader) ([][2]string, error) {
	var pairs [][]string
	if err := json.NewDecoder(r).Decode(&pairs); err != nil {
		return nil, fmt.Errorf(`this is not a call graph, which is a JSON array such as [["frontend","cart"]]: %w`, err)
	}
	var calls [][2]string
	for i, p := range pairs {
		if len(p) != 2 {
			return nil, fmt.Errorf("call %d has %d names: it must be [caller, callee]", i+1, len(p))
		}
		if p[0] != p[1] {
			calls = append(calls, [2]string{p[0], p[1]})
		}
	}
	return calls, nil
}

// ReadKinds reads what columns measure: a JSON object, column → kind.
func ReadKinds(r io.Reader) (map[string]string, error) {
	var kinds map[string]string
	if err := json.NewDecoder(r).Decode(&kinds); err != nil {
		return nil, fmt.Errorf(`this is not a list of kinds, which is a JSON object such as {"cart|cpu_usage":"cpu"}: %w`, err)
	}
	for _, column := range slices.Sorted(maps.Keys(kinds)) {
		if _, err := rank.ParseKind(kinds[column]); err != nil {
			return nil, fmt.Errorf("column %q: %w", column, err)
		}
	}
	return kinds, nil
}

// ReadTiers reads the order of columns: a JSON object, column → tier. A column of a later
// (larger) tier can't cause one of an earlier tier.
func ReadTiers(r io.Reader) (map[string]int, error) {
	var tiers map[string]int
	if err := json.NewDecoder(r).Decode(&tiers); err != nil {
		return nil, fmt.Errorf(`this is not a list of tiers, which is a JSON object such as {"cart|cpu_usage":0,"entry|latency":1}: %w`, err)
	}
	return tiers, nil
}
