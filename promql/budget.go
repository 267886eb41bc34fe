// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"sync"
)

// budget is what one analysis may still cost. It is safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	queries int
	samples int
	series  map[string]int // by what they are the series of: see Query.group
	most    limits
	noted   limits // what the metrics know of
}

// limits are what one analysis may cost at the most.
type limits struct {
	queries, series, samples int
}

// overBudget is the error of a question that was not asked, for its cost.
type overBudget struct {
	what string // such as "500 queries"
	hint string
}

func (e *overBudget) Error() string {
	return fmt.Sprintf("not asked, to spare Prometheus: %s; hint: %s", e.what, e.hint)
}

func newBudget(most limits) *budget { return &budget{most: most, series: map[string]int{}} }

// take counts one more question, or says why it can't be asked.
func (b *budget) take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.queries >= b.most.queries:
		return &overBudget{fmt.Sprintf("an analysis may ask %d queries", b.most.queries), "raise prometheus.max_queries, or name fewer candidates and labels"}
	case b.samples >= b.most.samples:
		return &overBudget{fmt.Sprintf("an analysis may read %d samples", b.most.samples), "raise prometheus.max_samples, or aggregate more in the queries"}
	case b.seriesLeft() <= -b.most.series: // Align cuts exactly; this stops what is far beyond
		return &overBudget{fmt.Sprintf("an analysis may read %d series", b.most.series), "raise prometheus.max_series, or aggregate more in the queries"}
	}
	b.queries++
	return nil
}

// spend notes what an answer has brought. The pieces of time of a breakdown
// have the same series, so they count once.
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
