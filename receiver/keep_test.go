// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"
	"time"
)

// Rounds of the reconcile loop are an hour apart here: erased annotations are restored without
// them, also after a restart and a reload.
func TestErasedAnnotationsComeBackBeforeTheNextRound(t *testing.T) {
	w := newWorld(t, true)
	start := time.Now().Add(-time.Minute)
	w.post("ErrorsHigh", start, true)
	annotated := func() bool { return w.annotation("ErrorsHigh", "culprit_summary") != "" }
	w.await("the alert is annotated", annotated)
	w.stop()
	w.opt.Reconcile = time.Hour
	w.start()
	for _, harm := range []func(){func() {}, func() { w.must(w.daemon.Reload()) }} {
		harm()
		w.post("ErrorsHigh", start, true)
		w.await("the annotation is back", annotated)
	}
}
