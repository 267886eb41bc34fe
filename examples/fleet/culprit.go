// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Culprit is one replica: a process that can be stopped and restarted with the same files.
type Culprit struct {
	Name    string
	Address string   // host:port of HTTP
	Prefix  []string // a command that runs culprit's
	Log     *Log
	Process *lab.Process // the last one

	field *Field
	args  []string // further flags
}

// Log keeps the output of a process.
type Log struct {
	To io.Writer // nil: memory

	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.To != nil {
		return l.To.Write(p)
	}
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

// Data is the directory of its queue and reports.
func (c *Culprit) Data() string { return filepath.Join(c.field.Dir, c.Name) }

// Start starts the replica and returns when it is healthy.
func (c *Culprit) Start(ctx context.Context) error {
	file, err := c.field.Config()
	if err != nil {
		return err
	}
	c.Process, err = lab.StartProcess(ctx, lab.ProcessOptions{
		Binary: c.field.Binary, ConfigFile: file, StoragePath: c.Data(), Listen: c.Address,
		Args: slices.Concat(c.field.flags(), c.args), Prefix: c.Prefix, Log: c.Log,
	})
	return err
}

func (f *Field) flags() []string {
	if len(f.Flags) > 0 {
		return f.Flags
	}
	return []string{"--reconcile.interval=2s"}
}

// Get requests a path and returns status and body.
func (c *Culprit) Get(ctx context.Context, path string) (int, string, error) {
	resp, body, err := c.ask(ctx, http.MethodGet, path)
	if err != nil {
		return 0, "", err
	}
	return resp.StatusCode, strings.TrimSpace(string(body)), nil
}

// Reload has it reload its configuration, and expects the given status.
func (c *Culprit) Reload(ctx context.Context, status int) error {
	resp, body, err := c.ask(ctx, http.MethodPost, "/-/reload")
	if err == nil && resp.StatusCode != status {
		err = fmt.Errorf("reload of %s: %s %.200q, want %d", c.Name, resp.Status, body, status)
	}
	return err
}

func (c *Culprit) ask(ctx context.Context, method, path string) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.Address+path, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// Expect fails unless a path answers with the status and a body that contains the text.
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

// Ready fails unless the replica accepts alerts.
func (c *Culprit) Ready(ctx context.Context) error {
	return c.Expect(ctx, "/-/ready", http.StatusOK, "")
}

// Reports lists all reports. It reads page by page: a thousand at once would time out on a busy
// machine.
func (c *Culprit) Reports(ctx context.Context) (list []report.Report, err error) {
	err = Pages(ctx, c, "/api/v1/reports?limit=200", func(page []report.Report) bool {
		list = append(list, page...)
		return true
	})
	return list, err
}

// next matches the address of the next page.
var next = regexp.MustCompile(`<([^>]+)>; rel="next"`)

// Pages reads a list page by page, newest first, until it ends or visit returns false.
func Pages[T any](ctx context.Context, c *Culprit, path string, visit func([]T) (more bool)) error {
	for path != "" {
		resp, body, err := c.ask(ctx, http.MethodGet, path)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s of %s: %s", path, c.Name, resp.Status)
		}
		if err != nil {
			return err
		}
		var page []T
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		m := next.FindStringSubmatch(resp.Header.Get("Link"))
		if !visit(page) || m == nil {
			return nil
		}
		path = m[1]
	}
	return nil
}

// Patience is how long a promise may take to come true, on a busy machine.
const Patience = 2 * time.Minute

// Eventually retries until there is no error, and returns the last error once Patience is over. An
// attempt that the deadline cuts short says nothing about the reason, so its error is dropped.
func Eventually(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-time.After(100 * time.Millisecond):
		}
	}
}
