// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// packages maps the required programs to their Debian packages.
var packages = map[string]string{
	"prometheus-alertmanager":      "prometheus-alertmanager",
	"prometheus-node-exporter":     "prometheus-node-exporter",
	"prometheus-process-exporter":  "prometheus-process-exporter",
	"prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
	"prometheus-redis-exporter":    "prometheus-redis-exporter",
	"prometheus-postgres-exporter": "prometheus-postgres-exporter",
	"redis-server":                 "redis-server",
	"haproxy":                      "haproxy",
	"initdb":                       "postgresql",
	"postgres":                     "postgresql",
	"psql":                         "postgresql-client",
	"pgbench":                      "postgresql",
	"setpriv":                      "util-linux",
	"mount":                        "mount",
}

// missing lists the missing programs, and how to get them.
func missing(prometheus string) error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("this wants Linux and root: it mounts file systems and fills them\nhint: run it in a virtual machine or a privileged container")
	}
	absent := []string{}
	for name, pkg := range packages {
		if find(name) == "" {
			absent = append(absent, pkg)
		}
	}
	if find(prometheus) == "" {
		absent = append(absent, "prometheus")
	}
	if len(absent) == 0 {
		return nil
	}
	slices.Sort(absent)
	return fmt.Errorf("programs are absent\nhint: apt-get install --no-install-recommends %s", strings.Join(slices.Compact(absent), " "))
}

// find returns the path of a program, or nothing. Distributions keep PostgreSQL's outside PATH,
// newest last.
func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	paths, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if sbin, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		paths = append(paths, sbin)
	}
	if len(paths) == 0 {
		return ""
	}
	return paths[len(paths)-1]
}

// program is a running server.
type program struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
}

// start starts a program with a log file. Closing the field stops it.
func (f *field) start(name, command string, args ...string) (*program, error) {
	log, err := os.OpenFile(filepath.Join(f.dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	p := &program{name: name, cmd: exec.Command(command, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, f.dir
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the users of the program notice
		_ = log.Close()
	}()
	f.onClose(p.stop)
	return p, nil
}

// asPostgres prefixes a command that must not run as root.
func asPostgres(command string, args ...string) (string, []string) {
	return find("setpriv"), append([]string{"--reuid=postgres", "--regid=postgres", "--clear-groups", find(command)}, args...)
}

// stop interrupts a program, and kills it if that doesn't help.
func (p *program) stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		return p.kill()
	}
}

// kill kills a program.
func (p *program) kill() error {
	err := p.cmd.Process.Kill()
	<-p.done
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// do runs a command to completion.
func (f *field) do(ctx context.Context, command string, args ...string) error {
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = f.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(command), strings.Join(args, " "), err, out)
	}
	return nil
}
