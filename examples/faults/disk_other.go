// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"
	"fmt"
)

// disk needs a disk that is small enough to be filled.
func disk(context.Context, *field) error { return fmt.Errorf("%w: no small disk", errSkip) }
