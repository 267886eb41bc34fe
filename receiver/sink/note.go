// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	// noteLabel is a label that no alert has.
	noteLabel = "culprit_note"
	noteOwner = "culprit"
	noteLife  = 2 * time.Hour
	maxNotes  = 20 // active at once
)

// Notes writes a note for people who look at silences first: a silence that silences nothing, with
// the causes as its comment.
//
// Its matchers are the alert's labels, so that people find it next to the alert, plus two that
// contradict each other, so that no alert can ever match. There is one note per incident. It lasts
// two hours and is expired when the incident ends. At most twenty are active at once, because each
// counts towards Alertmanager's limit of silences.
type Notes struct {
	base
	peers []*alertmanager.Client
	locks locks
}

// NewNotes makes the sink for the peers of an Alertmanager cluster.
func NewNotes(peers []*alertmanager.Client, opts Options) *Notes {
	return &Notes{base: newBase(NameNote, opts), peers: peers}
}

// Send makes the note of an incident, or expires it when the incident has ended. The ref is the ID
// of the silence. It uses the first peer that answers, because peers replicate silences.
func (n *Notes) Send(ctx context.Context, m Message) []report.Sent {
	refs := m.sent(NameNote)
	if m.closed() {
		return n.expire(ctx, m, refs)
	}
	if m.Resolved || len(refs) > 0 || len(m.causes()) == 0 {
		return nil
	}
	unlock, err := n.locks.lock(ctx, NameNote) // serialized, to enforce maxNotes
	if err != nil {
		return []report.Sent{n.failed("", retryError{err})}
	}
	defer unlock()
	var errs []error
	for _, peer := range n.peers {
		sent, err := n.make(ctx, peer, m)
		if err == nil {
			return []report.Sent{sent}
		}
		errs = append(errs, err)
	}
	return []report.Sent{n.failed("", errors.Join(errs...))}
}

// make makes the note unless it exists, as after a crash between the write and its record.
func (n *Notes) make(ctx context.Context, peer *alertmanager.Client, m Message) (report.Sent, error) {
	notes, err := peer.Silences(ctx, noteLabel+`=""`)
	if err != nil {
		return report.Sent{}, err
	}
	active := 0
	for _, s := range notes {
		if isNoteOf(s, m) {
			return n.ok(s.ID), nil // even if a person has expired it
		}
		if s.State == alertmanager.SilenceActive && s.CreatedBy == noteOwner {
			active++
		}
	}
	if active >= maxNotes {
		return n.skipped("", fmt.Sprintf("%d notes are active already", active)), nil
	}
	id, err := peer.PostSilence(ctx, noteOf(m, n.now()))
	if err != nil {
		return report.Sent{}, err
	}
	return n.ok(id), nil
}

// noteOf builds the note.
func noteOf(m Message, now time.Time) alertmanager.NewSilence {
	note := alertmanager.NewSilence{
		StartsAt: now, EndsAt: now.Add(noteLife), CreatedBy: noteOwner,
		Comment: "Silences nothing, it is a note." + blockOf(m),
	}
	labels := m.Report.Alert.Labels
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		note.Matchers = append(note.Matchers, alertmanager.Matcher{Name: string(name), Value: string(labels[name]), IsEqual: true})
	}
	note.Matchers = append(note.Matchers,
		alertmanager.Matcher{Name: noteLabel, Value: m.key(), IsEqual: true},
		alertmanager.Matcher{Name: noteLabel, Value: "", IsEqual: true})
	return note
}

func isNoteOf(s alertmanager.Silence, m Message) bool {
	for _, matcher := range s.Matchers {
		if matcher.Name == noteLabel && matcher.Value == m.key() {
			return s.CreatedBy == noteOwner
		}
	}
	return false
}

// expire ends the note of an incident that is over. It returns no outcome if there is none.
func (n *Notes) expire(ctx context.Context, m Message, refs []string) []report.Sent {
	var errs []error
	for _, peer := range n.peers {
		notes, err := peer.Silences(ctx, noteLabel+`="`+m.key()+`"`)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, s := range notes {
			if s.State != alertmanager.SilenceActive || !isNoteOf(s, m) {
				continue
			}
			if err := peer.DeleteSilence(ctx, s.ID); err != nil {
				return []report.Sent{n.failed(s.ID, err)}
			}
			return []report.Sent{n.ok(s.ID)}
		}
	}
	if len(errs) > 0 && len(refs) > 0 {
		return []report.Sent{n.failed(refs[0], errors.Join(errs...))}
	}
	return nil
}
