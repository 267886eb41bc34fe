// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lab

import (
	"runtime"
	"syscall"
)

// MaxRSS returns the most memory that the process ever had in use, in bytes.
// It is 0 while the process runs.
func (p *Process) MaxRSS() int64 {
	if p.Running() {
		return 0
	}
	usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return usage.Maxrss // bytes there, KiB elsewhere
	}
	return usage.Maxrss << 10
}

// Pause stops the process where it stands, as one that hangs, until Resume.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
