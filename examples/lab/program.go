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

// Program is an installed server that runs as a separate process.
type Program struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
	said said
}

// programStart and programEnd limit how long a server may take to answer and to exit.
const programStart, programEnd = time.Minute, 20 * time.Second

// StartProgram starts a server and returns when its health URL answers with 200.
func StartProgram(ctx context.Context, health, command string, args ...string) (*Program, error) {
	p := &Program{cmd: exec.Command(command, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", command, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the output says how it ended
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

// Version returns the first line of the program's --version.
func (p *Program) Version() string {
	out, _ := exec.Command(p.cmd.Path, "--version").CombinedOutput() // older ones write it to stderr
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// Close interrupts the program, and kills it if that doesn't help.
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
