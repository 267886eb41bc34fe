// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The alert still fires, so its report can be made again.
func TestWhatDamageDestroyedIsReportedAndFetchedAgain(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("a report is there", func() bool { return len(w.reports()) == 1 && len(w.reports()[0].Sent) > 0 })
	before := w.reports()[0]
	w.stop()
	blocks, err := filepath.Glob(filepath.Join(w.opt.StoragePath, "jetstream/*/streams/KV_reports/msgs/*.blk"))
	w.must(err)
	if len(blocks) == 0 {
		t.Fatal("no file holds reports")
	}
	for _, b := range blocks {
		content, err := os.ReadFile(b)
		w.must(err)
		for i := range content {
			content[i] ^= 0x10
		}
		w.must(os.WriteFile(b, content, 0o600))
	}
	w.start()
	w.await("what is lost is said", func() bool { return w.metric(`culprit_store_lost_total{what="reports"}`) != "" })
	w.await("the report is made again", func() bool { return len(w.reports()) == 1 && w.reports()[0].Summary == before.Summary })
}
