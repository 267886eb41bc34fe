// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"

	"github.com/culprit-dev/culprit/config"
)

// readChanges imports Grafana's annotations as changes until ctx ends. It restarts after each
// reload.
func (d *Daemon) readChanges(ctx context.Context) {
	for ctx.Err() == nil {
		current, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if g := d.live.Load().changes; g != nil {
				d.changes.Follow(current, g)
			}
		}()
		select {
		case <-ctx.Done():
		case <-d.rereading:
		}
		stop()
		<-done
	}
}

// tokenOfChanges is the token file that authenticates posted changes.
func (d *Daemon) tokenOfChanges() string { return d.live.Load().config.Changes.TokenFile }

// eventsTaken is the configuration of Alertmanager's event recorder; nil if it may not post events.
func (d *Daemon) eventsTaken() *config.AlertmanagerEvents {
	return d.live.Load().config.AlertmanagerEvents
}
