// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package broker

import "errors"

// fillDisk needs the namespaces of Linux.
func fillDisk(string) error { return errors.ErrUnsupported }
