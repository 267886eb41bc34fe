// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"sync"
	"sync/atomic"
)

// serialWork is the number of cells below which one goroutine is faster than several: waking
// one takes as long as a thousand cells.
const serialWork = 1 << 14

// worth returns the number of workers to use for so many cells.
func worth(cells, workers int) int {
	if cells < serialWork {
		return 1
	}
	return workers
}

// parallel calls f(worker, i) for i from 0 to n−1 on up to workers goroutines. The calls must
// be independent; those of one worker do not overlap.
func parallel(n, workers int, f func(worker, i int)) {
	workers = min(workers, n)
	if workers <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(w, i)
			}
		})
	}
	wg.Wait()
}
