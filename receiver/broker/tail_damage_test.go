// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// A crash may leave a file truncated anywhere: what is there is read, and the start continues.
func TestABucketThatIsCutOffAnywhereIsRead(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(1, seed))
		dir := sixty(t, "jetstream/*/streams/KV_reports/msgs/1.blk", func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, r.Int64N(info.Size()))
		})
		k := bucket(t, start(t, Options{Dir: dir, Logger: testLog(t)}), "reports", time.Hour)
		if err := k.Watch(deadline(t), func(Entry, bool) {}); err != nil {
			t.Fatalf("seed %d: the start waits for what is not there: %v", seed, err)
		}
	}
}
