// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

// receivers knows which receivers of Alertmanager are culprit's: those that the configuration
// names; else those that webhooks came from; else those found in Alertmanager's configuration; else
// any with culprit in its name.
type receivers struct {
	mu      sync.RWMutex
	named   []string        // in culprit's configuration
	learned map[string]bool // from accepted webhooks
	found   []string        // in Alertmanager's configuration
}

// maxLearned bounds the learned names: whoever may post a webhook may invent them.
const maxLearned = 16

// learn remembers the receiver of a webhook.
func (r *receivers) learn(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.learned == nil {
		r.learned = map[string]bool{}
	}
	if name != "" && len(r.learned) < maxLearned {
		r.learned[name] = true
	}
}

// name sets the names in culprit's configuration.
func (r *receivers) name(cfg *config.Config) {
	var names []string
	for _, am := range cfg.Alertmanagers {
		if am.Receiver != "" && !slices.Contains(names, am.Receiver) {
			names = append(names, am.Receiver)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.named = names
}

// find sets the names found in Alertmanager's configuration.
func (r *receivers) find(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = names
}

// relearn restores the learned receivers from the open reports.
func (r *receivers) relearn(s *store) {
	for _, known := range s.openRecords() {
		if known.Group.Key != "" {
			r.learn(known.Group.Receiver)
		}
	}
}

// ours reports whether a receiver is culprit's.
func (r *receivers) ours(name string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case len(r.named) > 0:
		return slices.Contains(r.named, name)
	case len(r.learned) > 0:
		return r.learned[name]
	case len(r.found) > 0:
		return slices.Contains(r.found, name)
	}
	return strings.Contains(strings.ToLower(name), "culprit")
}

// names returns the configured or else the learned names, sorted.
func (r *receivers) names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.named) > 0 {
		return slices.Clone(r.named)
	}
	return slices.Sorted(maps.Keys(r.learned))
}

// readGroups reads the alert groups from the first peer that answers.
func (v *view) readGroups(ctx context.Context) {
	v.groups = map[string]group{}
	for _, p := range v.peers {
		if p.err != nil || len(p.alerts) == 0 {
			continue
		}
		groups, err := p.client.Groups(ctx, alertmanager.Filter{})
		if err != nil {
			continue
		}
		for _, g := range groups {
			for _, a := range g.Alerts {
				known, ok := v.groups[a.Fingerprint]
				if !ok || v.ours(g.Receiver.Name) && !v.ours(known.Receiver) {
					v.groups[a.Fingerprint] = group{Receiver: g.Receiver.Name, Labels: g.Labels}
				}
			}
		}
		return
	}
}

// groupOf returns the group of an alert, reading the groups on first use. An alert without a group
// gets one of its own.
func (v *view) groupOf(ctx context.Context, a alertmanager.Alert) group {
	if v.groups == nil {
		v.readGroups(ctx)
	}
	if g, ok := v.groups[a.Fingerprint]; ok {
		return g
	}
	return group{Labels: a.Labels}
}
