//go:build !unix

package lab

// MaxRSS returns 0: this system does not tell.
func (p *Process) MaxRSS() int64 { return 0 }
