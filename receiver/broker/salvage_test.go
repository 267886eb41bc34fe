// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"time"
)

// A process may be killed after it has emptied a damaged stream and before it has restored the
// readable messages. The next start restores them, except what has been written since.
func TestSalvagedMessagesAreRestoredAfterAKill(t *testing.T) {
	opt := Options{Logger: testLog(t), Dir: t.TempDir()}
	b := start(t, opt)
	k := bucket(t, b, "reports", time.Hour)
	for i := range 5 {
		put(t, k, fmt.Sprint("key", i), "old")
	}
	publish(t, b, 3)
	for _, name := range []string{streamName, k.stream()} {
		stream, err := b.link.Load().js.Stream(deadline(t), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := setAside(deadline(t), stream, between(1, 5), b.salvageFile(name)); err != nil {
			t.Fatal(err)
		}
		if err := stream.Purge(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, k, "key0", "new")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	b = start(t, opt)
	k = bucket(t, b, "reports", time.Hour)
	for i := range 5 {
		want := "old"
		if i == 0 {
			want = "new"
		}
		if e, err := k.Get(deadline(t), fmt.Sprint("key", i)); err != nil || string(e.Value) != want {
			t.Errorf("key%d: %q, %v", i, e.Value, err)
		}
	}
	if jobs := collect(t, b, 3); len(jobs) != 3 {
		t.Errorf("jobs: %v", jobs)
	}
	for _, name := range []string{streamName, k.stream()} {
		if _, err := os.Stat(b.salvageFile(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is back stays set aside: %v", err)
		}
	}
}
