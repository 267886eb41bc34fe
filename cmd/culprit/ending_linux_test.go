// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// binary builds culprit as it is released.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "culprit")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// What stops culprit, at its start or later, is the last line of its log, and the exit code tells
// the supervisor that the exit was not intended.
func TestAProcessThatCannotGoOnEndsWithItsReason(t *testing.T) {
	culprit, config := binary(t), write(t, "culprit.yml", "prometheus: {url: 'http://127.0.0.1:1'}\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	t.Run("its port is taken", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), culprit, "serve", "--config.file", config, "--storage.path", t.TempDir(), "--web.listen-address", taken.Addr().String())
		endsWith(t, cmd, nil, "address already in use")
	})
	t.Run("its storage is a file", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), culprit, "serve", "--config.file", config, "--storage.path", config, "--web.listen-address", "127.0.0.1:0")
		endsWith(t, cmd, nil, "a part of the path is a file")
	})
	t.Run("its socket ends while it works", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = l.Close(), file.Close() })
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, culprit, "serve", "--web.systemd-socket",
			"--web.external-url=http://culprit.example.org", "--storage.path", t.TempDir(), "--config.file", config)
		cmd.ExtraFiles = []*os.File{file}
		endsWith(t, cmd, func() error { // both processes have the one socket
			raw, err := l.(*net.TCPListener).SyscallConn()
			if err != nil {
				return err
			}
			return errors.Join(raw.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) }), err)
		}, "serving HTTP")
	})
}

// endsWith runs culprit, breaks it once it works, and compares the last line of its log.
func endsWith(t *testing.T, cmd *exec.Cmd, harm func() error, want string) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for lines := bufio.NewScanner(io.TeeReader(stderr, &log)); lines.Scan(); {
		if harm == nil || !strings.Contains(lines.Text(), "Taking alerts") {
			continue
		}
		if err := harm(); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFinding {
		t.Errorf("it ended with %v", err)
	}
	all := strings.Split(strings.TrimSpace(log.String()), "\n")
	if strings.HasPrefix(all[len(all)-1], "hint: ") { // what to do about it
		all = all[:len(all)-1]
	}
	if last := all[len(all)-1]; !strings.HasPrefix(last, "error: ") || !strings.Contains(last, want) {
		t.Errorf("the last line is %q, want %q; the log:\n%s", last, want, log.String())
	}
}
