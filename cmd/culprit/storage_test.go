// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/receiver/broker"
)

func TestWhatIsBackedUpIsRestored(t *testing.T) {
	dir, elsewhere, file := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "culprit.tar.gz")
	b, err := broker.Start(t.Context(), broker.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), "an alert", []byte("body")); err != nil {
		t.Fatal(err)
	}
	ask := func(args ...string) (int, string) {
		var out, errs strings.Builder
		code := run(context.Background(), append([]string{"storage"}, args...), streams{strings.NewReader(""), &out, &errs})
		return code, out.String() + errs.String()
	}
	if code, said := ask("backup", "--storage.path", dir, file); code != exitFinding || !strings.Contains(said, "another culprit runs on it") {
		t.Errorf("beside a daemon: %d %s", code, said)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("half a backup is left")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"backup", "--storage.path", dir, file}, {"restore", "--storage.path", elsewhere, file}} {
		if code, said := ask(args...); code != exitOK {
			t.Fatalf("%v: %d %s", args, code, said)
		}
	}
	if code, said := ask("backup", "--storage.path", dir, file); code != exitFinding || !strings.Contains(said, "does not exist yet") {
		t.Errorf("over a backup: %d %s", code, said)
	}
	if code, said := ask("restore", "--storage.path", elsewhere, file); code != exitFinding || !strings.Contains(said, "not empty") {
		t.Errorf("over what is there: %d %s", code, said)
	}
	again, err := broker.Start(t.Context(), broker.Options{Dir: elsewhere})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if s, err := again.Stats(t.Context()); err != nil || s.Pending != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}
