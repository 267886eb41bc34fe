// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
)

//go:embed etc
var etc embed.FS

// field is the setting of a run: a directory, addresses, and programs.
type field struct {
	dir       string
	addresses map[string]string
	lastPort  int
	programs  map[string]*program // those that a fault stops and restarts
	options   options
	say       func(string, ...any)

	mu      sync.Mutex
	closers []func() error
}

func (f *field) onClose(stop func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closers = append(f.closers, stop)
}

// Close stops everything, the last started first.
func (f *field) Close() error {
	f.mu.Lock()
	closers := f.closers
	f.mu.Unlock()
	var errs []error
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i]())
	}
	return errors.Join(errs...)
}

// at returns the address of a server, chosen at the first call.
func (f *field) at(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a, ok := f.addresses[name]; ok {
		return a, nil
	}
	for range portsOfRun {
		f.lastPort++
		if a, err := lab.FreeAddress(fmt.Sprintf("127.0.0.1:%d", f.lastPort)); err == nil {
			f.addresses[name] = a
			return a, nil
		}
	}
	return "", fmt.Errorf("no free port below %d for %s", f.lastPort, name)
}

// portsOfRun is the number of ports reserved for a run.
const portsOfRun = 100

// startOfPorts is the port before the servers' first. Each run has its own range, as another run
// may have chosen a port that it has not opened yet. It is below the ports that the system gives to
// connections.
func startOfPorts() int { return 20_000 + os.Getpid()%portsOfRun*portsOfRun }

// port returns the port of a server.
func (f *field) port(name string) string {
	a, _ := f.at(name)
	_, port, _ := net.SplitHostPort(a)
	return port
}

// url returns the base URL of a server.
func (f *field) url(name string) string {
	a, _ := f.at(name)
	return "http://" + a
}

// newField creates the directory and writes every configuration into it.
func newField(ctx context.Context, o options, say func(string, ...any)) (_ *field, err error) {
	f := &field{dir: o.dir, addresses: map[string]string{}, lastPort: startOfPorts(), programs: map[string]*program{}, options: o, say: say}
	if f.dir == "" {
		if f.dir, err = os.MkdirTemp("", "culprit-servers-"); err != nil {
			return nil, err
		}
		f.onClose(func() error { return os.RemoveAll(f.dir) })
	}
	if f.dir, err = filepath.Abs(f.dir); err != nil {
		return f, err
	}
	for _, sub := range []string{"logs", "reports", "postgres", "redis", "volumes"} {
		if err := os.MkdirAll(filepath.Join(f.dir, sub), 0o755); err != nil {
			return f, err
		}
	}
	if err := os.Chmod(f.dir, 0o755); err != nil {
		return f, err
	}
	return f, f.configure(ctx)
}

// configure writes the configurations, with the addresses in them.
func (f *field) configure(ctx context.Context) error {
	native := ""
	if f.newPrometheus(ctx) {
		native = "scrape_native_histograms: true"
	}
	tmpl, err := template.New("").Funcs(template.FuncMap{"at": f.at}).ParseFS(etc, "etc/*")
	if err != nil {
		return err
	}
	for _, t := range tmpl.Templates() {
		var b bytes.Buffer
		if err := t.Execute(&b, map[string]string{"Native": native, "Interval": f.options.interval.String()}); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(f.dir, t.Name()), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return f.worker(true)
}

// newPrometheus reports whether native histograms are enabled in the configuration, and no longer
// by a flag.
func (f *field) newPrometheus(ctx context.Context) bool {
	out, _ := exec.CommandContext(ctx, find(f.options.prometheus), "--version").CombinedOutput()
	return strings.Contains(string(out), "version 3.")
}

// worker tells Prometheus of the worker, or that there is none.
func (f *field) worker(there bool) error {
	targets := "[]\n"
	if there {
		a, err := f.at("worker-1")
		if err != nil {
			return err
		}
		targets = fmt.Sprintf("- {targets: ['%s'], labels: {instance: worker-1}}\n", a)
	}
	return os.WriteFile(filepath.Join(f.dir, "worker.yml"), []byte(targets), 0o644)
}

// services are the names of those that run as [service].
var services = []string{"web-1", "web-2", "web-3", "reports-1", "reports-2", "worker-1", "partner", "docs", "status"}

// service starts or restarts one of them.
func (f *field) service(name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	a, err := f.at(name)
	if err != nil {
		return err
	}
	return f.keep(name, self, "service", name, a)
}

// redis starts one of the two Redis servers.
func (f *field) redis(name, policy string) error {
	return f.keep(name, find("redis-server"), "--port", f.port(name), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", filepath.Join(f.dir, "redis"), "--maxmemory", "20mb", "--maxmemory-policy", policy, "--maxclients", "100")
}

// keep starts a program that a fault may stop.
func (f *field) keep(name, command string, args ...string) error {
	p, err := f.start(name, command, args...)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.programs[name] = p
	return err
}

// kill kills a program that keep started.
func (f *field) kill(name string) error {
	f.mu.Lock()
	p := f.programs[name]
	f.mu.Unlock()
	return p.kill()
}

// servers starts all servers but culprit, dependencies first.
func (f *field) servers(ctx context.Context) error {
	if err := f.mounts(ctx); err != nil {
		return err
	}
	if err := f.postgres(ctx); err != nil {
		return err
	}
	for _, name := range services {
		if err := f.service(name); err != nil {
			return err
		}
	}
	if err := errors.Join(f.redis("redis-cache", "allkeys-lru"), f.redis("redis-sessions", "noeviction")); err != nil {
		return err
	}
	return f.watchers()
}

// watchers starts the monitoring: exporters, HAProxy, Alertmanager, Prometheus.
func (f *field) watchers() error {
	flag := func(name, server string) string { a, _ := f.at(server); return name + "=" + a }
	prometheus := []string{"--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", flag("--web.listen-address", "prometheus")}
	if !f.newPrometheus(context.Background()) {
		prometheus = append(prometheus, "--enable-feature=native-histograms")
	}
	for _, p := range []struct {
		name, command string
		args          []string
	}{
		{"haproxy", "haproxy", []string{"-db", "-f", "haproxy.cfg"}},
		{"node", "prometheus-node-exporter", []string{flag("--web.listen-address", "node")}},
		{"process", "prometheus-process-exporter", []string{flag("-web.listen-address", "process"), "-config.path=process.yml", "-gather-smaps=false", "-threads=false"}},
		{"redis-exporter", "prometheus-redis-exporter", []string{flag("-web.listen-address", "redis-exporter"), "-redis.addr="}},
		{"blackbox", "prometheus-blackbox-exporter", []string{flag("--web.listen-address", "blackbox"), "--config.file=blackbox.yml"}},
		{"postgres-exporter", "env", []string{
			"DATA_SOURCE_NAME=postgresql://postgres@127.0.0.1:" + f.port("postgres") + "/postgres?sslmode=disable",
			find("prometheus-postgres-exporter"), flag("--web.listen-address", "postgres-exporter"),
		}},
		{"alertmanager", "prometheus-alertmanager", []string{"--config.file=alertmanager.yml", "--storage.path=alertmanager", flag("--web.listen-address", "alertmanager"), "--cluster.listen-address="}},
		{"prometheus", f.options.prometheus, prometheus},
	} {
		if _, err := f.start(p.name, find(p.command), p.args...); err != nil {
			return err
		}
	}
	return nil
}

// culprit starts one of the two culprits and waits until it answers.
func (f *field) culprit(ctx context.Context, name string) error {
	listen, err := f.at(name)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(f.dir, "logs", name+".log"))
	if err != nil {
		return err
	}
	p, err := lab.StartProcess(ctx, lab.ProcessOptions{
		Binary: f.options.culprit, ConfigFile: filepath.Join(f.dir, name+".yml"), StoragePath: filepath.Join(f.dir, name+"-data"), Listen: listen, Log: log,
	})
	if err != nil {
		return fmt.Errorf("%w\nhint: its log is %s", err, log.Name())
	}
	f.onClose(func() error { return errors.Join(p.Stop(), log.Close()) })
	return nil
}

// suggest writes the rules that culprit suggests for Prometheus' rules.
func (f *field) suggest(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, f.options.culprit, "suggest", "--prometheus.url="+f.url("prometheus"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	rules, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("suggest: %w\n%s", err, errs.String())
	}
	return os.WriteFile(filepath.Join(f.dir, "suggested-rules.yml"), rules, 0o644)
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
