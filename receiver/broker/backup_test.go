// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kept is the directory of a stopped broker, with a job and an entry.
func kept(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	b := start(t, Options{Dir: dir, Logger: testLog(t)})
	publish(t, b, 1)
	if _, err := bucket(t, b, "reports", time.Hour).Put(t.Context(), "key", []byte("value")); err != nil {
		t.Fatal(err)
	}
	if err := Backup(dir, &bytes.Buffer{}); !errors.Is(err, ErrLocked) {
		t.Errorf("a backup beside a broker: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestABackupHasAllAndIsRestoredElsewhere(t *testing.T) {
	var file bytes.Buffer
	if err := Backup(kept(t), &file); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "elsewhere")
	if err := Restore(dir, bytes.NewReader(file.Bytes())); err != nil {
		t.Fatal(err)
	}
	if err := Restore(dir, bytes.NewReader(file.Bytes())); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("over what is there: %v", err)
	}
	b := start(t, Options{Dir: dir, Logger: testLog(t)})
	if s, err := b.Stats(t.Context()); err != nil || s.Pending != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if e, err := bucket(t, b, "reports", time.Hour).Get(t.Context(), "key"); err != nil || string(e.Value) != "value" {
		t.Errorf("%q, %v", e.Value, err)
	}
}

func TestABackupThatIsDamagedIsRefusedAndNotOpenedByMistake(t *testing.T) {
	var file bytes.Buffer
	if err := Backup(kept(t), &file); err != nil {
		t.Fatal(err)
	}
	half := file.Bytes()[:file.Len()/2]
	flipped := bytes.Clone(file.Bytes())
	flipped[len(flipped)/2] ^= 0x10
	for name, damaged := range map[string][]byte{
		"half": half, "flipped": flipped, "empty": {}, "another": packed(t, "hello", tar.TypeReg),
		"that climbs": packed(t, "../outside", tar.TypeReg), "with a link": packed(t, "link", tar.TypeSymlink),
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := Restore(dir, bytes.NewReader(damaged)); err == nil {
				t.Error("it was taken")
			}
			if _, err := os.Stat(filepath.Join(dir, "..", "outside")); err == nil {
				t.Error("a file was written outside of the directory")
			}
			if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "incomplete backup") {
				t.Errorf("it was opened: %v", err)
			}
		})
	}
}

// packed is a file in the format of a backup.
func packed(t *testing.T, name string, kind byte) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	files := tar.NewWriter(zipped)
	if err := errors.Join(files.WriteHeader(&tar.Header{Name: name, Typeflag: kind, Linkname: "/etc/passwd"}), files.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAReplicasFileWithoutANumberIsWrittenAgain(t *testing.T) {
	for _, text := range []string{"", "\x00\x00"} {
		dir := kept(t)
		path := filepath.Join(dir, replicasFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := start(t, Options{Dir: dir, Logger: testLog(t)})
		if s, err := b.Stats(t.Context()); err != nil || s.Pending != 1 {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "1 replica\n" {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
