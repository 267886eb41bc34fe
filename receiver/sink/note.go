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
	maxNotes  = 20 // active at a time
)

// Notes leaves a note among the silences, for people who look there first: a
// silence that silences nothing, with the causes as its comment.
//
// Its matchers are the labels of the alert, so that it is found beside it, and
// two that contradict each other, so that no alert, with whatever labels, can
// ever match. There is one note for an incident, it lives two hours, and it is
// expired when the incident ends. At most twenty are active at a time: every
// note counts towards Alertmanager's limit of silences.
type Notes struct {
	base
	peers []*alertmanager.Client
	busy  locks
}

// NewNotes makes the sink for all peers of an Alertmanager cluster.
func NewNotes(peers []*alertmanager.Client, opts Options) *Notes {
	return &Notes{base: newBase(NameNote, opts), peers: peers}
}

// Send makes the note of an incident, or expires it when the incident has
// ended. The ref is the id of the silence. One peer is enough, because they
// tell each other of silences: the first that answers.
func (n *Notes) Send(ctx context.Context, m Message) []report.Sent {
	refs := m.sent(NameNote)
	if m.closed() {
		return n.expire(ctx, m, refs)
	}
	if m.Resolved || len(refs) > 0 || len(m.causes()) == 0 {
		return nil
	}
	unlock, err := n.busy.lock(ctx, NameNote) // one at a time, or the limit would not hold
	if err != nil {
		return []report.Sent{n.failed("", later{err})}
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

// make makes the note unless it is there already, as after a crash between the
// write and its record.
func (n *Notes) make(ctx context.Context, peer *alertmanager.Client, m Message) (report.Sent, error) {
	notes, err := peer.Silences(ctx, noteLabel+`=""`)
	if err != nil {
		return report.Sent{}, err
	}
	active := 0
	for _, s := range notes {
		if isNoteOf(s, m) {
			return n.ok(s.ID), nil // also one that a person has expired
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

// noteOf writes the note.
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

// expire ends the note of an incident that has ended. Nothing is told when
// there is none.
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
