// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"

	"github.com/culprit-dev/culprit/config"
)

// readChanges reads Grafana's annotations as changes, with what the configuration
// of the moment chooses, until ctx ends.
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

// tokenOfChanges is the file of the token that whoever posts a change must have.
func (d *Daemon) tokenOfChanges() string { return d.live.Load().config.Changes.TokenFile }

// eventsTaken says whether Alertmanager's event recorder may tell of its work, and
// who that is.
func (d *Daemon) eventsTaken() *config.AlertmanagerEvents {
	return d.live.Load().config.AlertmanagerEvents
}
