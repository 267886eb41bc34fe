// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package fleet

import "errors"

// Disk is a small file system, available on Linux only.
type Disk struct{}

var errNoDisk = errors.New("no small disk: this is not Linux")

// Disk fails.
func (*Culprit) Disk(int) (*Disk, error) { return nil, errNoDisk }

// Fill fails.
func (*Disk) Fill() error { return errNoDisk }

// Free fails.
func (*Disk) Free() error { return errNoDisk }
