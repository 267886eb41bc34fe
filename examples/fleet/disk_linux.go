// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Disk is a small file system in memory, in its own namespaces, so that it needs no root. It
// outlives the processes that use it.
type Disk struct {
	path   string
	holder *exec.Cmd
}

// Disk gives a replica's data its own disk of the given size. It fails where the system doesn't
// allow that.
func (c *Culprit) Disk(megabytes int) (*Disk, error) {
	if err := os.MkdirAll(c.Data(), 0o700); err != nil {
		return nil, err
	}
	d := &Disk{path: c.Data(), holder: exec.Command("unshare", "--user", "--map-root-user", "--mount",
		"sh", "-c", fmt.Sprintf(`mount -t tmpfs -o size=%dm tmpfs "$0" && echo there && exec sleep infinity`, megabytes), c.Data())}
	var said strings.Builder
	d.holder.Stderr = &said
	out, err := d.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.holder.Start(); err != nil {
		return nil, fmt.Errorf("no small disk: %w", err)
	}
	end := func() error {
		_ = d.holder.Process.Kill() // or it has ended
		_ = d.holder.Wait()         // that says so
		return nil
	}
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		return nil, errors.Join(fmt.Errorf("no small disk: %w %s", err, said.String()), end())
	}
	c.field.OnClose(end)
	c.Prefix = []string{"nsenter", fmt.Sprintf("--target=%d", d.holder.Process.Pid), "--user", "--mount", "--preserve-credentials"}
	return d, nil
}

// Fill writes a file until the disk is full.
func (d *Disk) Fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size >= 1<<9; size /= 2 {
		for page := make([]byte, size); err == nil; {
			_, err = f.Write(page)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("filling the disk: %w", err)
		}
		err = nil
	}
	return nil
}

// Free makes room again.
func (d *Disk) Free() error { return os.Remove(d.ballast()) }

func (d *Disk) ballast() string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", d.holder.Process.Pid), d.path, "ballast")
}
