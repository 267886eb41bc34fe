// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The consumer's files record deliveries. Without them jobs are redelivered, which is harmless;
// waiting for them forever at the start is not.
func TestADamagedConsumerIsMadeAnew(t *testing.T) {
	const consumer = "jetstream/*/streams/INTAKE/obs/workers"
	for name, harm := range map[string]func(string) error{
		"flipped": flipAll, "cut off": halve, "deleted": os.Remove,
		"empty":  func(path string) error { return os.Truncate(path, 0) },
		"longer": func(path string) error { return os.WriteFile(path, make([]byte, 100), 0o600) },
	} {
		for _, file := range []string{"o.dat", "meta.inf", "meta.sum"} {
			t.Run(file+" "+name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "data")
				b := start(t, Options{Dir: dir, Logger: testLog(t)})
				publish(t, b, 3)
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				files, err := filepath.Glob(filepath.Join(dir, consumer, file))
				if err != nil || len(files) != 1 {
					t.Fatalf("%v, %v", files, err)
				}
				if err := harm(files[0]); err != nil {
					t.Fatal(err)
				}
				b = start(t, Options{Dir: dir, Logger: testLog(t)})
				if got := collect(t, b, 3); len(got) != 3 {
					t.Errorf("%d of 3 jobs are handed out", len(got))
				}
			})
		}
	}
}

// The daemon opens one bucket after another. The server can't serve one with damaged settings until
// it is opened, and restarting the server meanwhile would interrupt the others.
func TestABucketThatIsNotOpenYetIsNoReasonForARestart(t *testing.T) {
	dir := sixty(t, "jetstream/*/streams/KV_reports/meta.inf", os.Remove)
	b := start(t, Options{Dir: dir, Logger: testLog(t)})
	first := b.server.Load()
	for range 3 {
		b.check()
	}
	if err := b.Healthy(); err != nil || b.server.Load() != first {
		t.Errorf("the server was started again: %v", err)
	}
	bucket(t, b, "reports", time.Hour)
	if missing, _, err := b.survey(t.Context()); len(missing) > 0 || err != nil {
		t.Errorf("%v are missing: %v", missing, err)
	}
}
