// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// volume is a file system in memory.
type volume struct {
	name    string
	options string
	used    int // bytes, from the start
}

var volumes = []volume{
	{"data", "size=64m", 30 << 20},
	{"logs", "size=24m", 8 << 20},
	{"boot", "size=8m", 3 << 20},
	{"spool", "size=16m,nr_inodes=2000", 1 << 20},
}

// mounts makes the host's file systems, with some content each.
func (f *field) mounts(ctx context.Context) error {
	for _, v := range volumes {
		dir := f.volume(v.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := f.do(ctx, find("mount"), "-t", "tmpfs", "-o", v.options, v.name, dir); err != nil {
			return fmt.Errorf("%w\nhint: in a container, run it privileged", err)
		}
		f.onClose(func() error { return f.do(context.Background(), find("umount"), "--lazy", dir) })
		if err := fill(filepath.Join(dir, "content"), v.used); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) volume(name string) string { return filepath.Join(f.dir, "volumes", name) }

func fill(path string, size int) error {
	return os.WriteFile(path, bytes.Repeat([]byte{1}, size), 0o644)
}

// hostLoad is the everyday load of the file systems: a log that grows and is truncated.
func (f *field) hostLoad(ctx context.Context) {
	for n := 0; sleep(ctx, 3*time.Second) == nil; n++ {
		_ = fill(filepath.Join(f.volume("logs"), "app.log"), 1<<20+n%20*50_000) // it may be full, which is a fault
		_ = fill(filepath.Join(f.volume("data"), "db"), 4<<20+n%7*80_000)
	}
}

func hostFaults() []fault {
	place := func(volume string) truth {
		return truth{labels: map[string]string{"device": volume, "mountpoint": "/" + volume}, implied: map[string]string{"instance": "host-1", "job": "node", "fstype": "tmpfs"}, series: `filesystem.*\b` + volume + `\b`}
	}
	return []fault{
		{
			name: "disk-full", lane: "host", alert: "HostOutOfDiskSpace", did: "a dump fills the file system logs",
			truth: place("logs"), of: map[string]string{"mountpoint": ofDir + "/volumes/logs"},
			harm: func(_ context.Context, f *field) error { return fill(filepath.Join(f.volume("logs"), "dump"), 14<<20) },
			mend: func(_ context.Context, f *field) error { return os.Remove(filepath.Join(f.volume("logs"), "dump")) },
		},
		{
			name: "inodes", lane: "host", alert: "HostOutOfInodes", did: "1,900 empty files in the file system spool",
			truth: place("spool"), of: map[string]string{"mountpoint": ofDir + "/volumes/spool"},
			harm: func(_ context.Context, f *field) error {
				dir := filepath.Join(f.volume("spool"), "mail")
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
				for i := range 1900 {
					if err := fill(filepath.Join(dir, fmt.Sprint(i)), 0); err != nil {
						return err
					}
				}
				return nil
			},
			mend: func(_ context.Context, f *field) error { return os.RemoveAll(filepath.Join(f.volume("spool"), "mail")) },
		},
		{
			name: "cpu", lane: "host", alert: "ProcessHighCpu", did: "the service status burns half a processor",
			truth: truth{labels: map[string]string{"groupname": "status"}, implied: map[string]string{"mode": "user", "instance": "procs-1", "job": "process"}, series: `status`},
			harm:  func(ctx context.Context, f *field) error { return f.breakService(ctx, "status", "burn=0.5") },
			mend:  func(ctx context.Context, f *field) error { return f.breakService(ctx, "status", "") },
		},
	}
}
