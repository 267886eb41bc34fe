// SPDX-License-Identifier: Apache-2.0

package fleet

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

// Culprit is one replica: a process that may be ended and started again over
// the same files.
type Culprit struct {
	Name    string
	Address string   // host:port of its pages
	Prefix  []string // a command that runs culprit's
	Log     *Log
	Process *lab.Process // the last one

	field *Field
	args  []string // further flags
}

// Log keeps what a process says.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Culprit chooses an address for a replica; Start starts it.
func (f *Field) Culprit(name string, args ...string) (*Culprit, error) {
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Culprit{field: f, Name: name, Address: address, args: args, Log: &Log{}}
	f.Culprits = append(f.Culprits, c)
	f.OnClose(func() error {
		if c.Process == nil || !c.Process.Running() {
			return nil
		}
		return c.Process.Kill()
	})
	return c, nil
}

// Data is the folder of its queue and reports.
func (c *Culprit) Data() string { return filepath.Join(c.field.Dir, c.Name) }

// Start starts the replica and returns when it is healthy.
func (c *Culprit) Start(ctx context.Context) error {
	file, err := c.field.Config()
	if err != nil {
		return err
	}
	c.Process, err = lab.StartProcess(ctx, lab.ProcessOptions{
		Binary: c.field.Binary, ConfigFile: file, StoragePath: c.Data(), Listen: c.Address,
		Args: append([]string{"--reconcile.interval=2s"}, c.args...), Prefix: c.Prefix, Log: c.Log,
	})
	return err
}

// Get asks for a path and returns the status and the body.
func (c *Culprit) Get(ctx context.Context, path string) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Address+path, nil)
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

// Expect is nil if a path answers with the status and with a text in it.
func (c *Culprit) Expect(ctx context.Context, path string, status int, text string) error {
	got, body, err := c.Get(ctx, path)
	if err == nil && (got != status || !strings.Contains(body, text)) {
		err = fmt.Errorf("%d %.200q, want %d %q", got, body, status, text)
	}
	if err != nil {
		return fmt.Errorf("%s of %s: %w", path, c.Name, err)
	}
	return nil
}

// Ready is nil if the replica takes alerts.
func (c *Culprit) Ready(ctx context.Context) error {
	return c.Expect(ctx, "/-/ready", http.StatusOK, "")
}

// Reports lists all reports.
func (c *Culprit) Reports(ctx context.Context) ([]report.Report, error) {
	status, body, err := c.Get(ctx, "/api/v1/reports?limit=1000")
	if err != nil || status != http.StatusOK {
		return nil, errors.Join(err, fmt.Errorf("the reports of %s: status %d", c.Name, status))
	}
	var list []report.Report
	return list, json.Unmarshal([]byte(body), &list)
}

// Patience is how long a promise may take to come true: more than it does on a
// machine that is busy.
const Patience = 2 * time.Minute

// Eventually tries until there is no error any more, and returns the last one
// if that takes too long.
func Eventually(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
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
