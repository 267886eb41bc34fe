// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package lab

import "errors"

// MaxRSS returns 0: this system doesn't report it.
func (p *Process) MaxRSS() int64 { return 0 }

// Pause fails: this system can't suspend a process.
func (p *Process) Pause() error { return errors.ErrUnsupported }

// Resume fails: see Pause.
func (p *Process) Resume() error { return errors.ErrUnsupported }
