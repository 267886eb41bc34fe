// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// culprit is one replica: a process that may be ended and started again over
// the same files.
type culprit struct {
	f       *field
	name    string
	address string   // host:port of its pages
	args    []string // further flags
	prefix  []string // a command that runs culprit's
	log     *log
	process *lab.Process // the last one
}

// log keeps what a process says.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// culprit chooses an address for a replica; start starts it.
func (f *field) culprit(name string, args ...string) (*culprit, error) {
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &culprit{f: f, name: name, address: address, args: args, log: &log{}}
	f.culprits = append(f.culprits, c)
	f.onClose(func() error {
		if c.process == nil || !c.process.Running() {
			return nil
		}
		return c.process.Kill()
	})
	return c, nil
}

// data is the folder of its queue and reports.
func (c *culprit) data() string { return filepath.Join(c.f.dir, c.name) }

// start starts the replica and returns when it is healthy.
func (c *culprit) start(ctx context.Context) error {
	file, err := c.f.config()
	if err != nil {
		return err
	}
	c.process, err = lab.StartProcess(ctx, lab.ProcessOptions{
		Binary: c.f.binary, ConfigFile: file, StoragePath: c.data(), Listen: c.address,
		Args: append([]string{"--reconcile.interval=2s"}, c.args...), Prefix: c.prefix, Log: c.log,
	})
	return err
}

// get asks for a path and returns the status and the body.
func (c *culprit) get(ctx context.Context, path string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(body)), err
}

// expect is nil if a path answers with the status and with a text in it.
func (c *culprit) expect(ctx context.Context, path string, status int, text string) error {
	got, body, err := c.get(ctx, path)
	if err == nil && (got != status || !strings.Contains(body, text)) {
		err = fmt.Errorf("%d %.200q, want %d %q", got, body, status, text)
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", path, c.name, err)
	}
	return nil
}

// ready is nil if the replica takes alerts.
func (c *culprit) ready(ctx context.Context) error {
	return c.expect(ctx, "/-/ready", http.StatusOK, "")
}

// reports lists all reports.
func (c *culprit) reports(ctx context.Context) ([]report.Report, error) {
	status, body, err := c.get(ctx, "/api/v1/reports?limit=1000")
	if err != nil || status != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("the reports of %s: status %d", c.name, status))
	}
	var list []report.Report
	return list, json.Unmarshal([]byte(body), &list)
}

// patience is how long a promise may take to come true: more than it does on a
// machine that is busy.
const patience = 2 * time.Minute

// eventually tries until there is no error any more, and returns the last one
// if that takes too long.
func eventually(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
