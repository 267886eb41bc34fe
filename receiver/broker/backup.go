// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// restoringFile marks a directory into which a backup is being restored.
const restoringFile = "restoring"

// volumeFolder is often in an otherwise empty volume.
const volumeFolder = "lost+found"

// Backup writes a directory as a gzipped tar file, whose checksum reveals damage. No broker may be
// running on it: [ErrLocked].
func Backup(dir string, w io.Writer) (err error) {
	if _, err := os.Stat(filepath.Join(dir, replicasFile)); err != nil {
		return &Error{What: fmt.Sprintf("storage directory %q", dir), Err: err, Hint: "name the directory that culprit serve has as --storage.path"}
	}
	lock, err := lockStorage(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	zipped := gzip.NewWriter(w)
	files := tar.NewWriter(zipped)
	root := os.DirFS(dir)
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if path == volumeFolder {
			return fs.SkipDir
		}
		if err != nil || path == "." || path == lockFile || path == probeFile {
			return err
		}
		return add(files, root, path, d)
	})
	return errors.Join(err, files.Close(), zipped.Close())
}

// add writes a file or directory.
func add(files *tar.Writer, root fs.FS, path string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	h, err := tar.FileInfoHeader(info, "")
	if err != nil {
		return err
	}
	h.Name = path
	if err := files.WriteHeader(h); err != nil || d.IsDir() {
		return err
	}
	f, err := root.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(files, f)
	return err
}

// Restore writes a backup into a directory that is empty or missing. If it fails, the incomplete
// directory can't be opened by mistake.
func Restore(dir string, r io.Reader) error {
	there, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storageError(dir, err)
	}
	if slices.ContainsFunc(there, func(e fs.DirEntry) bool { return e.Name() != volumeFolder }) {
		return &Error{What: fmt.Sprintf("storage directory %q is not empty", dir), Hint: "restore into a new one, or move away what it has"}
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return storageError(dir, err)
	}
	marker := filepath.Join(dir, restoringFile)
	if err := writeDurably(marker, nil); err != nil {
		return storageError(dir, err)
	}
	if err := unpack(dir, r); err != nil {
		return &Error{What: fmt.Sprintf("the backup can't be written to %q", dir), Err: err, Hint: "delete the directory; if the backup is damaged, take another"}
	}
	return os.Remove(marker)
}

// unpack writes the files of a backup, none outside the directory. It reads to the end, where the
// checksum is.
func unpack(dir string, r io.Reader) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	files := tar.NewReader(zipped)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := unpackOne(root, h, files); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, zipped); err != nil {
		return err
	}
	if _, err := root.Stat(replicasFile); err != nil {
		return fmt.Errorf("this is not a backup of culprit: %w", err)
	}
	return nil
}

func unpackOne(root *os.Root, h *tar.Header, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(filepath.Clean(h.Name), 0o750)
	case tar.TypeReg:
	default:
		return fmt.Errorf("%q is neither a file nor a folder", h.Name)
	}
	f, err := root.OpenFile(h.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Sync(), f.Close())
}

// checkWhole returns an error if restoring a backup into the directory was interrupted.
func checkWhole(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, restoringFile)); err != nil {
		return nil
	}
	return &Error{What: fmt.Sprintf("storage directory %q contains an incomplete backup", dir), Hint: "delete it, and restore the backup again"}
}

// lockStorage locks a directory against other servers and commands.
func lockStorage(dir string) (fileutil.Releaser, error) {
	lock, _, err := fileutil.Flock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, &Error{
			What: fmt.Sprintf("storage directory %q", dir), Err: fmt.Errorf("%w: %w", ErrLocked, err),
			Hint: "another culprit runs on it: stop that one, or give this one a directory of its own",
		}
	}
	return lock, nil
}
