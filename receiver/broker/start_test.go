// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWhatCannotWorkIsRefusedWithAHint(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		opt  Options
		is   error
		want string
	}{
		"no directory":        {Options{}, nil, "no storage directory"},
		"two replicas":        {Options{Dir: dir, Cluster: &ClusterOptions{Replicas: 2}}, ErrReplicas, "no majority"},
		"node without a name": {Options{Dir: dir, Cluster: &ClusterOptions{Replicas: 3}}, nil, "host name"},
		"no secret":           {Options{Dir: dir, Cluster: &ClusterOptions{Replicas: 3, Node: "a", Listen: ":0"}}, ErrSecret, "openssl rand -hex 32"},
		"a short secret":      {Options{Dir: dir, Cluster: &ClusterOptions{Replicas: 3, Node: "a", Listen: ":0", Secret: testSecret[:31]}}, ErrSecret, "of 31 bytes"},
		"a file in the path":  {Options{Dir: filepath.Join(file, "data")}, syscall.ENOTDIR, "a part of the path is a file"},
		"listen address":      {Options{Dir: dir + "/a", Cluster: &ClusterOptions{Replicas: 3, Node: "a", Listen: "6222", Secret: testSecret}}, nil, "write host:port"},
		"route":               {Options{Dir: dir + "/b", Cluster: &ClusterOptions{Replicas: 3, Node: "a", Listen: ":0", Routes: []string{"x"}, Secret: testSecret}}, nil, "nats://host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Start(deadline(t), test.opt)
			if err == nil {
				t.Fatal(errors.Join(errors.New("it was started"), b.Close()))
			}
			var e *Error
			if !errors.As(err, &e) || e.Hint == "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

func TestADirectoryIsUsedByOneOnly(t *testing.T) {
	dir := t.TempDir()
	start(t, Options{Dir: dir})
	if _, err := Start(deadline(t), Options{Dir: dir}); !errors.Is(err, ErrLocked) {
		t.Errorf("%v, want ErrLocked", err)
	}
}

func TestTheNumberOfReplicasIsChosenOnce(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Start(deadline(t), Options{Dir: dir, Cluster: &ClusterOptions{Replicas: 3, Node: "a", Listen: "127.0.0.1:0", Secret: testSecret}})
	if !errors.Is(err, ErrReplicas) || !strings.Contains(err.Error(), "was created with 1 replicas, but 3 are requested") {
		t.Errorf("%v, want ErrReplicas", err)
	}
}

func TestADirectoryWithoutAccessIsRefused(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Start(deadline(t), Options{Dir: dir})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "write access") {
		t.Errorf("%v", err)
	}
}

func TestStorageErrorsSayWhatToDo(t *testing.T) {
	for err, want := range map[error]string{
		syscall.ENOSPC: "free some space",
		syscall.EDQUOT: "free some space",
		syscall.EROFS:  "read-only",
		syscall.EACCES: "write access",
		syscall.EIO:    "check the disk",
	} {
		got := storageError("/data", &fs.PathError{Op: "write", Path: "/data/probe", Err: err})
		if !errors.Is(got, err) || !strings.Contains(got.Error(), want) || !strings.Contains(got.Error(), `"/data"`) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestASingleNodeListensToNobody(t *testing.T) {
	b := start(t, Options{})
	if addr := b.server.Load().Addr(); addr != nil {
		t.Errorf("it listens on %s", addr)
	}
}

// A server whose JetStream has stopped is restarted in place; its users continue.
func TestTheServerIsRestartedBelowHandlersAndWatchers(t *testing.T) {
	b := start(t, Options{Logger: testLog(t), RetryMin: 10 * time.Millisecond})
	k := bucket(t, b, "reports", time.Hour)
	put(t, k, "before", "1")
	w := watch(t, k)
	jobs := make(chan string, 10)
	consume(t, b, 2, func(_ context.Context, job Job) error { jobs <- job.ID; return nil })
	publish(t, b, 1)
	if id := <-jobs; id != "job-0" {
		t.Errorf("job %q", id)
	}
	first := b.server.Load()
	if err := first.ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	if err := b.Healthy(); err == nil {
		t.Error("healthy without JetStream")
	}
	eventually(t, "health", func() bool { return b.server.Load() != first && b.Healthy() == nil })
	if err := b.Publish(deadline(t), "after", nil); err != nil {
		t.Fatal(err)
	}
	if id := <-jobs; id != "after" {
		t.Errorf("job %q", id)
	}
	put(t, k, "after", "2")
	eventually(t, "the watcher", func() bool { return fmt.Sprint(w.state()) == "map[after:2 before:1]" })
}
