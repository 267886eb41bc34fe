// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"context"
	"errors"

	"github.com/culprit-dev/culprit/receiver/broker"
)

// trimAtOnce bounds the deletions per Put: more than one, so that an overfull book shrinks, but
// few, so that no sender waits for thousands.
const trimAtOnce = 4

// trim deletes some of the oldest changes if there are too many.
func (b *Book) trim(ctx context.Context) {
	b.trimming.Lock()
	defer b.trimming.Unlock()
	old := b.surplus()
	for _, c := range old {
		if err := b.bucket.Delete(ctx, c.ID); err != nil && !errors.Is(err, broker.ErrNotFound) {
			if suppressed, ok := b.says.May("delete", b.opt.Now()); ok {
				b.opt.Log.Warn("An old change can't be deleted", "change", c.ID, "err", err, "suppressed", suppressed)
			}
			return
		}
		b.forget(c.ID, c.revision)
		b.metrics.dropped.Inc()
	}
	if len(old) == 0 {
		return
	}
	if suppressed, ok := b.says.May("trim", b.opt.Now()); ok {
		b.opt.Log.Warn("The oldest changes are deleted to make room; culprit_changes_dropped_total counts them",
			"limit_bytes", b.opt.maxBytes, "limit_changes", b.opt.maxStored, "suppressed", suppressed)
	}
}

// surplus returns the oldest changes to delete, a few at a time.
func (b *Book) surplus() (old []*entry) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	left := b.bytes
	for i, c := range b.order {
		if i == trimAtOnce || left <= b.opt.maxBytes && len(b.order)-i <= b.opt.maxStored {
			break
		}
		old, left = append(old, c), left-c.size
	}
	return old
}
