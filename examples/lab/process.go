// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// ProcessOptions configure culprit as a separate process.
type ProcessOptions struct {
	Binary      string // of [BuildCulprit]
	ConfigFile  string
	StoragePath string
	Listen      string   // host:port; fixed, because Alertmanager has to know it
	Args        []string // further flags
	Prefix      []string // a command that runs culprit's, such as nice; it must not fork
	Log         io.Writer
}

// Process is culprit as a separate process that can be measured and killed.
type Process struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has exited
	err  error         // of its exit
}

// BuildCulprit compiles culprit into a folder and returns the path. It needs
// the go command, and a working directory inside the module.
func BuildCulprit(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "culprit")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/culprit-dev/culprit/cmd/culprit")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build culprit: %w\n%s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// The ports from which [FreeAddress] chooses. Systems take those of outgoing
// connections and of listeners on port 0 from higher ones: Linux from 32768,
// others from 49152.
const firstPort, ports = 20000, 12768

// FreeAddress returns the address with port 0 replaced by a free port. Alertmanager must know
// culprit's address before culprit runs, and a restarted replica keeps its own: the port is outside
// the range that the system hands out, so that it stays free until then.
func FreeAddress(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if port != "0" {
		return unused(listen)
	}
	for range 100 {
		address, err := unused(net.JoinHostPort(host, strconv.Itoa(firstPort+rand.IntN(ports))))
		if err == nil {
			return address, nil
		}
	}
	return unused(listen)
}

func unused(address string) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// StartProcess starts culprit and returns when it is healthy.
func StartProcess(ctx context.Context, o ProcessOptions) (*Process, error) {
	command := slices.Concat(o.Prefix, []string{
		o.Binary, "serve", "--config.file=" + o.ConfigFile, "--storage.path=" + o.StoragePath, "--web.listen-address=" + o.Listen,
	}, o.Args)
	p := &Process{url: "http://" + o.Listen, cmd: exec.Command(command[0], command[1:]...), done: make(chan struct{})}
	log := cmp.Or[io.Writer](o.Log, io.Discard)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start culprit: %w", err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	if err := p.waitHealthy(ctx); err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return p, nil
}

// waitHealthy returns when the process answers.
func (p *Process) waitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/-/healthy", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("culprit has ended before it was healthy: %w", cmp.Or(p.err, errors.New("exit status 0")))
		case <-ctx.Done():
			return fmt.Errorf("culprit is not healthy: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// URL is where culprit answers.
func (p *Process) URL() string { return p.url }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Running reports whether the process runs.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill kills the process, as kill -9 does, and waits for its exit.
func (p *Process) Kill() error {
	err := p.cmd.Process.Kill()
	<-p.done
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// stopTimeout is how long a process may take to shut down.
const stopTimeout = 45 * time.Second

// Stop sends SIGTERM, waits, and returns the exit error. A process that doesn't exit is killed,
// after it has printed its stacks.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(stopTimeout):
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // the runtime prints all stacks
	time.Sleep(time.Second)
	return errors.Join(fmt.Errorf("culprit has not ended %s after it was asked to", stopTimeout), p.Kill())
}
