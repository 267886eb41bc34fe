// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"
)

// No backup writes outside its directory, and a refused one can't be opened by mistake.
func FuzzRestore(f *testing.F) {
	backup := func(names ...string) []byte {
		var b bytes.Buffer
		zipped := gzip.NewWriter(&b)
		files := tar.NewWriter(zipped)
		for _, name := range names {
			_ = files.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 1, Mode: 0o600})
			_, _ = files.Write([]byte("1"))
		}
		_ = files.Close()
		_ = zipped.Close()
		return b.Bytes()
	}
	f.Add(backup(replicasFile), false)
	f.Add(backup(replicasFile, "../outside"), false)
	f.Add(backup(replicasFile, "/etc/outside", "a/../../outside"), false)
	f.Add(backup(replicasFile)[:20], false)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, archive []byte, raw bool) {
		if raw { // the plain tar: random bytes never have a valid gzip checksum
			var b bytes.Buffer
			zipped := gzip.NewWriter(&b)
			_, _ = zipped.Write(archive)
			_ = zipped.Close()
			archive = b.Bytes()
		}
		above := t.TempDir()
		dir := filepath.Join(above, "data")
		err := Restore(dir, bytes.NewReader(archive))
		if there, _ := os.ReadDir(above); len(there) != 1 {
			t.Errorf("beside the directory there is %v", there)
		}
		if whole := checkWhole(dir); (err == nil) != (whole == nil) {
			t.Errorf("restored with %v, and then %v", err, whole)
		}
	})
}

// No content of the file of sequences keeps a broker from starting.
func FuzzSequences(f *testing.F) {
	for _, text := range []string{"", "null", "{}", `{"INTAKE":{"last":5}}`, `{"KV_reports":{"last":-1}}`, `[1]`, `{"a":null}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := &Broker{opt: Options{Dir: t.TempDir()}.withDefaults()}
		if err := os.WriteFile(filepath.Join(b.opt.Dir, sequencesFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
		b.loadSequences()
		if b.sequences.marks == nil {
			t.Errorf("no marks of %q", text)
		}
		for stream, m := range b.sequences.marks {
			m.estimateLost(uint64(len(stream)))
			decodeHeld(m.Live)
		}
	})
}
