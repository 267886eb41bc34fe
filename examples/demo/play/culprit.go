// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/culprit-dev/culprit/receiver"
)

// startCulprit runs culprit in this process, logging errors only.
func (w *world) startCulprit(ctx context.Context) error {
	level := promslog.NewLevel()
	if err := level.Set("error"); err != nil {
		return err
	}
	daemon, err := receiver.New(ctx, receiver.Options{
		ConfigFile:    w.configFile(),
		StoragePath:   filepath.Join(w.dir, "data"),
		ListenAddress: w.culpritAddress,
		Reconcile:     w.options.reconcile,
		Logger:        promslog.New(&promslog.Config{Level: level}),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- daemon.Run(ctx) }()
	w.onClose(func() error {
		stop()
		select {
		case err := <-done:
			return err
		case <-time.After(30 * time.Second):
			return context.DeadlineExceeded
		}
	})
	w.say("culprit answers at %s", daemon.URL())
	return nil
}
