// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The directory is writable but the server does not start on it: neither a full disk nor a missing
// peer, so somebody has to look.
func TestABrokerThatCannotRecoverIsStuck(t *testing.T) {
	b := start(t, Options{Logger: testLog(t), StuckAfter: 3 * checkEvery})
	if err := b.Stuck(); err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(b.opt.Dir, "jetstream")
	if err := os.Rename(files, files+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.server.Load().Shutdown()
	eventually(t, "it is stuck", func() bool { return errors.Is(b.Stuck(), ErrStuck) && errors.Is(b.Healthy(), ErrStuck) })
	if err := b.Publish(deadline(t), "x", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Publish: %v", err)
	}
	if err := errors.Join(os.Remove(files), os.Rename(files+".away", files)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has come right after all", func() bool { return b.Healthy() == nil && b.Publish(t.Context(), "x", nil) == nil })
}

func TestAServerThatHasGoneIsStartedAgain(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	k := bucket(t, b, "reports", time.Hour)
	put(t, k, "key", "1")
	b.server.Load().Shutdown()
	eventually(t, "the entry is read", func() bool { _, err := k.Get(t.Context(), "key"); return err == nil })
	eventually(t, "health", func() bool { return b.Healthy() == nil })
	if err := b.Stuck(); err != nil {
		t.Error(err)
	}
}

func TestAClosedBrokerSaysSo(t *testing.T) {
	b, err := Start(deadline(t), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Stuck(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := b.Healthy(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
