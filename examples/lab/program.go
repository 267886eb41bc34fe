// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Program is a server that is installed on this machine and runs as a process of
// its own.
type Program struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	said said
}

// programStart is how long a server may take to answer, and to end.
const programStart, programEnd = time.Minute, 20 * time.Second

// StartProgram starts a server and returns when an address of it answers with
// 200.
func StartProgram(ctx context.Context, health, command string, args ...string) (*Program, error) {
	p := &Program{cmd: exec.Command(command, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is told by what it said
	}()
	ctx, cancel := context.WithTimeout(ctx, programStart)
	defer cancel()
	for !answers(ctx, health) {
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s has ended:\n%s", command, p.said.String())
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("%s does not answer at %s: %w\n%s", command, health, ctx.Err(), p.said.String()), p.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return p, nil
}

func answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Version is the first line of what the program says of itself.
func (p *Program) Version() string {
	out, _ := exec.Command(p.cmd.Path, "--version").CombinedOutput() // older ones write it to stderr
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// Close asks the program to end, and ends it if it does not.
func (p *Program) Close() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.done:
	case <-time.After(programEnd):
		_ = p.cmd.Process.Kill() // or it has ended
		<-p.done
	}
	return nil
}

// said keeps what a program says.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
