// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/culprit-dev/culprit/examples/fleet"
)

// field is the setting of one run, and its results.
type field struct {
	*fleet.Field
	say      func(string, ...any)
	promises []promise
}

func newField(binary string, say func(string, ...any)) (*field, error) {
	f, err := fleet.New(binary)
	return &field{Field: f, say: say}, err
}

// holds records whether a promise held; err is what happened instead.
func (f *field) holds(text string, err error) {
	f.promises = append(f.promises, promise{text, err})
	if err != nil {
		f.say("  not held: %s: %v", text, err)
		return
	}
	f.say("  held: %s", text)
}

// culprit is a replica whose reports can be counted.
type culprit struct{ *fleet.Culprit }

// culprit chooses an address for a single replica.
func (f *field) culprit(args ...string) (*culprit, error) {
	c, err := f.Culprit("culprit", args...)
	return &culprit{c}, err
}

// eventually retries until there is no error, or time is up.
func eventually(ctx context.Context, try func(context.Context) error) error {
	return fleet.Eventually(ctx, try)
}

func (c *culprit) kill() error { return c.Process.Kill() }

func (c *culprit) pause() error {
	if err := c.Process.Pause(); err != nil {
		return fmt.Errorf("%w: %w", errSkip, err)
	}
	return nil
}
