// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// catchUpPause is the interval at which failed writes are retried.
const catchUpPause = time.Second

// delivery records what one sink has received about a report or an incident. It is a store entry of
// its own, so that sinks don't wait for each other and a write is small however large the incident
// is.
type delivery struct {
	About string `json:"about"` // ID of the report or incident
	Lane  string `json:"lane"`

	Begun bool          `json:"begun,omitempty"` // the sink has received it, or may have
	Told  string        `json:"told,omitempty"`  // digest of the last message that the sink accepted
	Over  bool          `json:"over,omitempty"`  // the sink accepted the end
	Ends  int           `json:"ends,omitempty"`  // how many ends it accepted: an incident may reopen
	Took  float64       `json:"took,omitempty"`  // seconds from first due to accepted
	Sent  []report.Sent `json:"sent,omitempty"`

	Writes int `json:"writes"` // version: the copy with more writes wins
}

// key is the store key.
func (d delivery) key() string { return d.About + "/" + d.Lane }

// deliveries stores records in a bucket, with an index in memory that follows it.
type deliveries struct {
	bucket   *broker.Bucket
	log      *slog.Logger
	updating keyedMutex

	mu        sync.RWMutex
	of        map[string]map[string]delivery // id → lane → delivery
	unwritten map[laneKey]bool               // failed writes, to be retried
}

// laneKey identifies a delivery.
type laneKey struct{ about, lane string }

// openDeliveries loads the records. The index follows the bucket until ctx ends.
func openDeliveries(ctx context.Context, b *broker.Broker, ttl time.Duration, log *slog.Logger) (*deliveries, error) {
	d := &deliveries{log: log, of: map[string]map[string]delivery{}, unwritten: map[laneKey]bool{}}
	var err error
	if d.bucket, err = b.Bucket(ctx, "deliveries", ttl); err != nil {
		return nil, err
	}
	if err := d.bucket.Watch(ctx, d.index); err != nil {
		return nil, err
	}
	go d.catchUp(ctx)
	return d, nil
}

func (d *deliveries) index(e broker.Entry, deleted bool) {
	about, lane, _ := strings.Cut(e.Key, "/")
	if deleted {
		d.mu.Lock()
		defer d.mu.Unlock()
		if delete(d.of[about], lane); len(d.of[about]) == 0 {
			delete(d.of, about)
		}
		return
	}
	var one delivery
	if err := json.Unmarshal(e.Value, &one); err != nil {
		d.log.Error("The record of a write-back can't be read; it is sent again", "key", e.Key, "err", err)
		return
	}
	d.remember(one)
}

// remember indexes a record, unless the index has a newer copy.
func (d *deliveries) remember(one delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lanes := d.of[one.About]
	if lanes == nil {
		lanes = map[string]delivery{}
		d.of[one.About] = lanes
	}
	if known, ok := lanes[one.Lane]; !ok || known.Writes < one.Writes {
		lanes[one.Lane] = one
	}
}

// get returns the record of a lane, or an empty one.
func (d *deliveries) get(about, lane string) delivery {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if one, ok := d.of[about][lane]; ok {
		return one
	}
	return delivery{About: about, Lane: lane}
}

// sent returns the outcomes of all lanes, ordered by lane.
func (d *deliveries) sent(about string) []report.Sent {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []report.Sent
	for _, lane := range slices.Sorted(maps.Keys(d.of[about])) {
		all = append(all, d.of[about][lane].Sent...)
	}
	return all
}

// took returns the seconds until the slowest lane had delivered.
func (d *deliveries) took(about string) float64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	most := 0.0
	for _, one := range d.of[about] {
		most = max(most, one.Took)
	}
	return most
}

// update applies change to a record, and stores it if change returns true. If the write fails
// memory still has the new record, and the write is retried, so that the other replicas see it as
// soon as the cluster has a leader again.
func (d *deliveries) update(ctx context.Context, about, lane string, change func(*delivery) bool) error {
	unlock := d.updating.lock(about + "/" + lane)
	defer unlock()
	one := d.get(about, lane)
	one.Sent = slices.Clone(one.Sent)
	if !change(&one) {
		return nil
	}
	one.Writes++
	d.remember(one)
	return d.write(ctx, one)
}

// write stores a record. If that fails it is noted for a retry.
func (d *deliveries) write(ctx context.Context, one delivery) error {
	body, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encoding the delivery %s: %w", one.key(), err)
	}
	_, err = d.bucket.Put(ctx, one.key(), body)
	d.mu.Lock()
	defer d.mu.Unlock()
	if at := (laneKey{one.About, one.Lane}); err != nil {
		d.unwritten[at] = true
	} else {
		delete(d.unwritten, at)
	}
	return err
}

// catchUp retries failed writes until ctx ends.
func (d *deliveries) catchUp(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, catchUpPause)
		d.mu.RLock()
		late := slices.Collect(maps.Keys(d.unwritten))
		d.mu.RUnlock()
		for _, at := range late {
			if d.writeLate(ctx, at) != nil {
				break // the store still takes no writes
			}
		}
	}
}

// writeLate stores the current state of a record, unless it was deleted meanwhile.
func (d *deliveries) writeLate(ctx context.Context, at laneKey) error {
	unlock := d.updating.lock(at.about + "/" + at.lane)
	defer unlock()
	d.mu.Lock()
	one, known := d.of[at.about][at.lane]
	if !known {
		delete(d.unwritten, at)
	}
	d.mu.Unlock()
	if !known {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	return d.write(ctx, one)
}

// forget deletes the records of a deleted report or incident. What can't be deleted expires.
func (d *deliveries) forget(ctx context.Context, about string) {
	d.mu.RLock()
	lanes := slices.Collect(maps.Keys(d.of[about]))
	d.mu.RUnlock()
	for _, lane := range lanes {
		one := delivery{About: about, Lane: lane}
		if err := d.bucket.Delete(ctx, one.key()); err != nil {
			d.log.Debug("The record of a write-back of a deleted report can't be deleted", "key", one.key(), "err", err)
			return
		}
	}
}

// mergeSent merges new outcomes into the known ones, by target. A skipped write-back does not
// replace one that was made; one that was made replaces a failure of the whole place.
func mergeSent(known, outcomes []report.Sent) (merged []report.Sent, changed bool) {
	merged = append(merged, known...)
	for _, o := range outcomes {
		at := slices.IndexFunc(merged, func(k report.Sent) bool { return sameThing(k, o) })
		if at < 0 {
			at = slices.IndexFunc(merged, func(k report.Sent) bool { return failedWhole(k, o) })
		}
		switch {
		case at < 0:
			merged, changed = append(merged, o), true
		case o.Status == report.SentSkipped && merged[at].Status == report.SentOK:
		case merged[at].Status != o.Status || merged[at].Ref != o.Ref || merged[at].Place != o.Place:
			o.Attempts = cmp.Or(merged[at].Attempts, 1) + 1
			merged[at], changed = o, true
		default:
			merged[at].Attempts = cmp.Or(merged[at].Attempts, 1) + 1
		}
	}
	return merged, changed
}

// sameThing reports whether two outcomes have the same target. In a ref, what follows the first
// space is only a version.
func sameThing(known, now report.Sent) bool {
	a, _, _ := strings.Cut(known.Ref, " ")
	b, _, _ := strings.Cut(now.Ref, " ")
	return known.Sink == now.Sink && a == b
}

// failedWhole reports whether the known outcome is a failure of the whole place, without a target
// of its own.
func failedWhole(known, now report.Sent) bool {
	return known.Sink == now.Sink && known.Place == now.Place && known.Status != report.SentOK && (known.Ref == "" || known.Ref == known.Place)
}

// unsent reports whether a write-back failed and is to be retried.
func unsent(sent []report.Sent) bool {
	return slices.ContainsFunc(sent, func(s report.Sent) bool { return s.Status == report.SentFailed && s.Retryable })
}
