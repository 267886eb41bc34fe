// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lab

import (
	"runtime"
	"syscall"
)

// MaxRSS returns the peak memory of the process in bytes; 0 while it runs.
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

// Pause suspends the process, as if it hung, until Resume.
func (p *Process) Pause() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume resumes a paused process.
func (p *Process) Resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
