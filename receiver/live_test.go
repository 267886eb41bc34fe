// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAFirstLoadThatFailsNamesNoPreviousConfiguration holds that the log only
// promises a previous configuration where there is one.
func TestAFirstLoadThatFailsNamesNoPreviousConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "culprit.yml")
	if err := os.WriteFile(file, []byte("rules: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &output{}
	d, err := New(t.Context(), Options{
		ConfigFile: file, StoragePath: t.TempDir(), ListenAddress: "127.0.0.1:0",
		Logger: slog.New(slog.NewTextHandler(said, nil)),
	})
	if err == nil {
		_ = d.close()
		t.Fatal("a daemon started with a configuration that can't be used")
	}
	text := said.text()
	if !strings.Contains(text, "The configuration can't be used") || strings.Contains(text, "previous") {
		t.Errorf("the first load that fails says:\n%s", text)
	}
}
