// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAFirstLoadThatFailsNamesNoPreviousConfiguration: the log mentions a previous configuration
// only if there is one.
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

// Warnings are logged at the start, and after a reload if they are new.
func TestWarningsOfTheConfigurationAreLoggedOnce(t *testing.T) {
	w := &world{t: t}
	said := &output{}
	dir := t.TempDir()
	w.opt = Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"), ListenAddress: "127.0.0.1:0",
		Logger: slog.New(slog.NewTextHandler(said, nil)),
	}
	const servers = `{prometheus: {url: "http://127.0.0.1:1"}, alertmanagers: [{url: "http://127.0.0.1:1"}], rule_files: [%s]}`
	expect := func(when string, a, b int) {
		t.Helper()
		for name, n := range map[string]int{"a.yml": a, "b.yml": b} {
			if text := said.text(); strings.Count(text, name+`\" matches no file (`) != n {
				t.Errorf("%s: want %d times that %s matches no file:\n%s", when, n, name, text)
			}
		}
	}
	w.configure(fmt.Sprintf(servers, "a.yml"))
	w.start()
	expect("at the start", 1, 0)
	w.must(w.daemon.Reload())
	expect("nothing is new", 1, 0)
	w.configure(fmt.Sprintf(servers, "a.yml, b.yml"))
	w.must(w.daemon.Reload())
	expect("one is new", 1, 1)
	w.configure(fmt.Sprintf(servers, ""))
	w.must(w.daemon.Reload())
	w.configure(fmt.Sprintf(servers, "a.yml"))
	w.must(w.daemon.Reload())
	expect("one was gone", 2, 1)
}
