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

// catchUpPause is how long what could not be stored waits.
const catchUpPause = time.Second

// delivery is what one sink was told of an alert or of an incident. It is an
// entry of its own in the store: what becomes of one sink waits for no other,
// and costs a small write however large the incident is.
type delivery struct {
	About string `json:"about"` // the id of a report or of an incident
	Lane  string `json:"lane"`

	Begun bool          `json:"begun,omitempty"` // the sink knows of it, or may know
	Told  string        `json:"told,omitempty"`  // digest of what the sink took last
	Over  bool          `json:"over,omitempty"`  // the sink took its end
	Ends  int           `json:"ends,omitempty"`  // that the sink took: an incident may open again
	Took  float64       `json:"took,omitempty"`  // seconds from when it was first due until the sink took it
	Sent  []report.Sent `json:"sent,omitempty"`

	Writes int `json:"writes"` // of two copies the one with more is newer
}

// key is that of the entry.
func (d delivery) key() string { return d.About + "/" + d.Lane }

// deliveries are in a bucket, and in memory as an index that follows it.
type deliveries struct {
	bucket *broker.Bucket
	log    *slog.Logger
	busy   keyedMutex

	mu        sync.RWMutex
	of        map[string]map[string]delivery // id → lane → delivery
	unwritten map[laneKey]bool               // those that could not be stored
}

// laneKey is a lane of a report or of an incident.
type laneKey struct{ about, lane string }

// openDeliveries reads what was delivered. Until ctx ends the index follows the
// bucket.
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

// remember indexes a delivery, unless a newer copy of it is known.
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

// get returns what a lane has delivered; that of a new one is empty.
func (d *deliveries) get(about, lane string) delivery {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if one, ok := d.of[about][lane]; ok {
		return one
	}
	return delivery{About: about, Lane: lane}
}

// sent returns the outcomes of all lanes, in the order of their names.
func (d *deliveries) sent(about string) []report.Sent {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var all []report.Sent
	for _, lane := range slices.Sorted(maps.Keys(d.of[about])) {
		all = append(all, d.of[about][lane].Sent...)
	}
	return all
}

// took returns the seconds until the last of the lanes had delivered.
func (d *deliveries) took(about string) float64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	most := 0.0
	for _, one := range d.of[about] {
		most = max(most, one.Took)
	}
	return most
}

// update changes a delivery, and writes it if change says that it did. What is
// known in memory is right also when the write fails; it is written later, as soon
// as a cluster has a leader again, so that the other replicas know of it, too.
func (d *deliveries) update(ctx context.Context, about, lane string, change func(*delivery) bool) error {
	unlock := d.busy.lock(about + "/" + lane)
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

// write stores a delivery, or notes that it is not stored.
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

// catchUp stores what could not be stored, until ctx ends.
func (d *deliveries) catchUp(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, catchUpPause)
		d.mu.RLock()
		late := slices.Collect(maps.Keys(d.unwritten))
		d.mu.RUnlock()
		for _, at := range late {
			if d.writeLate(ctx, at) != nil {
				break // there is still nobody who takes it
			}
		}
	}
}

// writeLate stores a delivery as it is now, unless what it is about is gone.
func (d *deliveries) writeLate(ctx context.Context, at laneKey) error {
	unlock := d.busy.lock(at.about + "/" + at.lane)
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

// forget deletes what was delivered of a report or an incident that is gone.
// What can't be deleted goes when it has outlived its lifetime.
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

// mergeSent puts new outcomes in the place of those of the same thing. A write-back
// that was skipped does not replace one that was made; one that was made replaces
// a failure of its whole place.
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

// sameThing says whether two outcomes are about one thing: what stands behind the
// first space of a ref is which version of it.
func sameThing(known, now report.Sent) bool {
	a, _, _ := strings.Cut(known.Ref, " ")
	b, _, _ := strings.Cut(now.Ref, " ")
	return known.Sink == now.Sink && a == b
}

// failedWhole says whether nothing could be made at the place of an outcome: it
// names no thing of its own.
func failedWhole(known, now report.Sent) bool {
	return known.Sink == now.Sink && known.Place == now.Place && known.Status != report.SentOK && (known.Ref == "" || known.Ref == known.Place)
}

// unsent says whether a write-back failed and is worth another try.
func unsent(sent []report.Sent) bool {
	return slices.ContainsFunc(sent, func(s report.Sent) bool { return s.Status == report.SentFailed && s.Retryable })
}
