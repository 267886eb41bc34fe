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
