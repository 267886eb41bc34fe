// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"sync"
)

// budget is what one analysis has spent, and its limits. It is safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	queries int
	samples int
	series  map[string]int // by Query.group
	most    limits
	noted   limits // already recorded in the metrics
}

// limits bound the cost of one analysis.
type limits struct {
	queries, series, samples int
}

// overBudget is the error of a query that was not sent because of its cost.
type overBudget struct {
	what string // such as "500 queries"
	hint string
}

func (e *overBudget) Error() string {
	return fmt.Sprintf("not asked, to spare Prometheus: %s; hint: %s", e.what, e.hint)
}

func newBudget(most limits) *budget { return &budget{most: most, series: map[string]int{}} }

// take counts one more query, or returns an error if it must not be sent.
func (b *budget) take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.queries >= b.most.queries:
		return &overBudget{fmt.Sprintf("an analysis may ask %d queries", b.most.queries), "raise prometheus.max_queries, or name fewer candidates and labels"}
	case b.samples >= b.most.samples:
		return &overBudget{fmt.Sprintf("an analysis may read %d samples", b.most.samples), "raise prometheus.max_samples, or aggregate more in the queries"}
	case b.seriesLeft() <= -b.most.series: // Align cuts exactly; this stops an analysis that is far beyond the limit
		return &overBudget{fmt.Sprintf("an analysis may read %d series", b.most.series), "raise prometheus.max_series, or aggregate more in the queries"}
	}
	b.queries++
	return nil
}

// spend records the size of an answer. All pieces of a breakdown have the same series, so these
// count once.
func (b *budget) spend(group string, series, samples int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.samples += samples
	b.series[group] = max(b.series[group], series)
}

func (b *budget) seriesLeft() int {
	left := b.most.series
	for _, n := range b.series {
		left -= n
	}
	return left
}
