// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	blockLimit = 400 // bytes of our part of a comment, including the space and brackets

	silenceLeft  = time.Minute     // a silence that ends sooner is left alone
	silenceRest  = 5 * time.Second // after a change, until all peers of the cluster have it
	maxRewrites  = 2               // of one silence for one incident
	deleteTries  = 3               // to delete a silence made by mistake
	deletePause  = 200 * time.Millisecond
	undoTimeout  = 5 * time.Second // for all of them
	rewriteMark  = "#2"            // ends the ref of the second write
	blockOpen    = " [culprit: "
	blockClose   = "]"
	tooLargeText = "maximum size" // part of Alertmanager's refusal
)

// Silences appends the causes to the comment of a silence that a person has set on the alert, by
// updating the silence in place.
//
// The comment keeps what the person wrote. Ours is one line in brackets at its end, never before
// it, because other tools recognize silences by how the comment begins. Matchers, start, end and
// author are unchanged.
//
// If the silence has expired meanwhile, Alertmanager's update creates a new, active one, which
// would undo what a person did. So a silence is updated only if every peer that has it says it is
// active, it lasts another minute, and it has not changed for five seconds. After each update the
// ID is compared: if it is new, that silence is expired at once.
//
// A silence is written once per incident, and once more if the first cause changes. What a person
// removes from the comment stays removed.
type Silences struct {
	base
	peers    []*alertmanager.Client
	updates  *prometheus.CounterVec
	mistakes *prometheus.CounterVec
	locks    locks
	written  cache[writing]
}

// writing records what was written into a silence for an incident.
type writing struct {
	times int
	top   string // the first cause at that time; empty: unknown
}

// NewSilences makes the sink for the peers of an Alertmanager cluster.
func NewSilences(peers []*alertmanager.Client, opts Options) *Silences {
	return &Silences{
		base: newBase(NameSilence, opts), peers: peers,
		updates: counters(opts.Registerer, "culprit_silence_updates_total",
			"Updates of silence comments, by outcome.", "outcome"),
		mistakes: counters(opts.Registerer, "culprit_silences_by_mistake_total",
			"Silences that an update created by mistake, by whether they could be expired again. It should stay 0.", "outcome"),
	}
}

// Send writes the causes into the silences that mute the alert now, on any peer. The ref of an
// outcome begins with the ID of the silence. [Silences.Reconcile] finds silences that appear later.
func (s *Silences) Send(ctx context.Context, m Message) []report.Sent {
	var sent []report.Sent
	done := map[string]bool{}
	for _, peer := range s.peers {
		sent = append(sent, s.Of(peer).send(ctx, m, done)...)
	}
	return sent
}

// SilencesOf handles the silences of one peer.
type SilencesOf struct {
	all  *Silences
	peer *alertmanager.Client
}

// Of returns the part of the sink for one peer, so that one that hangs holds up no other.
func (s *Silences) Of(peer *alertmanager.Client) SilencesOf { return SilencesOf{s, peer} }

// Send is [Silences.Send] for one peer.
func (o SilencesOf) Send(ctx context.Context, m Message) []report.Sent {
	return o.send(ctx, m, map[string]bool{})
}

func (o SilencesOf) send(ctx context.Context, m Message, done map[string]bool) []report.Sent {
	if m.Resolved || len(m.causes()) == 0 {
		return nil
	}
	alerts, err := o.peer.Alerts(ctx, alertmanager.Exactly(m.Report.Alert.Labels))
	if err != nil {
		return []report.Sent{o.all.count(o.all.failed(o.peer.Address(), err))}
	}
	alert, ok := index(alerts)[m.Report.Alert.Fingerprint]
	if !ok {
		return nil
	}
	return o.all.comment(ctx, alert.SilencedBy, m, done)
}

// Reconcile writes the causes into silences that have appeared over alerts with a report. alerts
// are all alerts just read from one peer; open holds the messages by fingerprint. It returns
// outcomes by fingerprint, only for silences that were written or should have been.
func (s *Silences) Reconcile(ctx context.Context, alerts []alertmanager.Alert, open map[string]Message) map[string][]report.Sent {
	sent := map[string][]report.Sent{}
	done := map[string]map[string]bool{} // by incident
	for _, alert := range alerts {
		m, ok := open[alert.Fingerprint]
		if !ok || m.Resolved || len(alert.SilencedBy) == 0 || len(m.causes()) == 0 {
			continue
		}
		if done[m.key()] == nil {
			done[m.key()] = map[string]bool{}
		}
		if outcomes := s.comment(ctx, alert.SilencedBy, m, done[m.key()]); len(outcomes) > 0 {
			sent[alert.Fingerprint] = outcomes
		}
	}
	return sent
}

// causes are those of the incident, or else of the report.
func (m Message) causes() []string {
	if len(m.Incident.Causes) > 0 {
		return m.Incident.CauseLines(1)
	}
	return m.Report.CauseLines(1)
}

// top is the first cause as the block names it.
func (m Message) top() string {
	if len(m.Incident.Reports) > 1 && len(m.Incident.Causes) > 0 {
		return report.Title(m.Incident.Causes[0])
	}
	return m.Report.Top()
}

// comment writes into the silences that are not in done.
func (s *Silences) comment(ctx context.Context, ids []string, m Message, done map[string]bool) []report.Sent {
	var sent []report.Sent
	for _, id := range ids {
		if done[id] {
			continue
		}
		done[id] = true
		if one, ok := s.update(ctx, id, m); ok {
			sent = append(sent, s.count(one))
		}
	}
	return sent
}

func (s *Silences) count(one report.Sent) report.Sent {
	s.updates.WithLabelValues(one.Status).Inc()
	return one
}

// update writes into one silence. ok is false if there was nothing to do.
func (s *Silences) update(ctx context.Context, id string, m Message) (one report.Sent, ok bool) {
	unlock, err := s.locks.lock(ctx, id)
	if err != nil {
		return s.failed(id, retryError{err}), true
	}
	defer unlock()

	key := id + " " + m.key()
	past, known := s.past(key, id, m)
	if past.times >= maxRewrites || known && past.times > 0 && past.top == m.top() {
		return report.Sent{}, false
	}
	peer, silence, why, err := s.read(ctx, id)
	switch {
	case err != nil:
		return s.failed(id, err), true
	case why != "":
		return s.skipped(id, why), true
	}
	comment := withBlock(silence.Comment, blockOf(m))
	there := ourBlock().FindString(silence.Comment)
	if past.times == 0 && m.isOurs(there) {
		past.times = 1 // but the outcome was lost
	}
	removed := past.times > 0 && there == "" // by a person
	if removed || past.times > 0 && !known && namesCause(there, m.top()) || comment == silence.Comment {
		s.written.put(key, writing{times: max(past.times, 1), top: m.top()})
		return report.Sent{}, false
	}
	if err := s.post(ctx, peer, silence, comment, m); err != nil {
		return s.failed(id, err), true
	}
	past = writing{times: past.times + 1, top: m.top()}
	s.written.put(key, past)
	if past.times >= maxRewrites {
		return s.ok(id + rewriteMark), true
	}
	return s.ok(id), true
}

// past returns how often the silence was written for the incident, from memory or else from the
// outcomes in the message. Those lack the first cause; known is false then.
func (s *Silences) past(key, id string, m Message) (past writing, known bool) {
	if past, ok := s.written.get(key); ok {
		return past, true
	}
	for _, ref := range m.sent(NameSilence) {
		switch ref {
		case id:
			past.times = max(past.times, 1)
		case id + rewriteMark:
			past.times = maxRewrites
		}
	}
	return past, false
}

// read reads a silence from every reachable peer, because one may not know yet that it was expired:
// an update there would bring it back everywhere. It returns the newest copy and its peer, or why
// the silence is left alone.
func (s *Silences) read(ctx context.Context, id string) (peer *alertmanager.Client, newest alertmanager.Silence, why string, err error) {
	copies, errs := make([]alertmanager.Silence, len(s.peers)), make([]error, len(s.peers))
	var wg sync.WaitGroup
	for i, p := range s.peers {
		wg.Go(func() { copies[i], errs[i] = p.Silence(ctx, id) })
	}
	wg.Wait()
	for i, silence := range copies {
		if errs[i] != nil {
			continue
		}
		if why := untouchable(silence); why != "" {
			return nil, silence, why, nil
		}
		if peer == nil || silence.UpdatedAt.After(newest.UpdatedAt) {
			peer, newest = s.peers[i], silence
		}
	}
	if peer == nil {
		return nil, newest, "", errors.Join(errs...)
	}
	return peer, newest, "", nil
}

// untouchable returns why a silence is left alone, or "" if it may be updated.
func untouchable(s alertmanager.Silence) string {
	switch {
	case s.State != alertmanager.SilenceActive:
		return "the silence is " + s.State
	case s.EndsAt.Sub(s.ReadAt) <= silenceLeft:
		return "the silence ends within a minute"
	case s.ReadAt.Sub(s.UpdatedAt) < silenceRest:
		return "the silence was changed less than 5 s ago; it is looked at again"
	default:
		return ""
	}
}

// post updates a silence and verifies that it kept its ID. If the server limits the size of
// silences it gets the comment alone.
func (s *Silences) post(ctx context.Context, peer *alertmanager.Client, silence alertmanager.Silence, comment string, m Message) error {
	id, err := peer.PostSilence(ctx, silence.Update(comment, silenceAnnotations(m)))
	if err != nil && strings.Contains(err.Error(), tooLargeText) {
		id, err = peer.PostSilence(ctx, silence.Update(comment, nil))
	}
	if err != nil {
		return err
	}
	if id == silence.ID {
		return nil
	}
	return s.undo(ctx, peer, silence.ID, id)
}

// silenceAnnotations are kept by Alertmanager since 0.32; older versions drop them.
func silenceAnnotations(m Message) model.LabelSet {
	all := annotationsOf(m)
	ls := model.LabelSet{}
	for _, name := range []model.LabelName{AnnotationSummary, AnnotationReport} {
		if all[name] != "" {
			ls[name] = all[name]
		}
	}
	return ls
}

// undo expires a silence created by mistake. It goes on even if ctx ends.
func (s *Silences) undo(ctx context.Context, peer *alertmanager.Client, old, made string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var err error
	for try := range deleteTries {
		if try > 0 {
			time.Sleep(deletePause)
		}
		if err = peer.DeleteSilence(ctx, made); err == nil {
			s.mistakes.WithLabelValues("expired").Inc()
			return fmt.Errorf("silence %s had just expired: Alertmanager made %s in its place, which was expired at once", old, made)
		}
	}
	s.mistakes.WithLabelValues("left").Inc()
	s.log.Error("A silence that was made by mistake could not be expired; expire it by hand",
		"alertmanager", peer.Address(), "silence", made, "err", err)
	return fmt.Errorf("silence %s had just expired: Alertmanager made %s in its place, and it could not be expired (expire it by hand): %w", old, made, err)
}

// ourBlock matches our part of a comment.
func ourBlock() *regexp.Regexp { return regexp.MustCompile(` ?\[culprit: [^\]]*\]`) }

// withBlock puts our part after the person's text, replacing an older one.
func withBlock(comment, block string) string {
	head, tail := strings.TrimRight(comment, " \n\t"), ""
	if at := ourBlock().FindStringIndex(comment); at != nil {
		head, tail = comment[:at[0]], comment[at[1]:]
	}
	if head == "" {
		block = strings.TrimPrefix(block, " ")
	}
	return head + block + tail
}

// blockOf renders our part of a comment: one line, with the whole URL or none.
func blockOf(m Message) string {
	text, address := m.Report.Line(), m.Report.URL
	if len(m.Incident.Reports) > 1 {
		text, address = m.Incident.Line(), m.Incident.URL
	}
	room := blockLimit - len(blockOpen) - len(blockClose)
	address = escapeBlock(address)
	if address != "" && len(address) < room/2 {
		room -= len(address) + 1
		address = " " + address
	} else {
		address = ""
	}
	return blockOpen + clip(escapeBlock(oneLine(text)), room) + address + blockClose
}

// escapeBlock replaces brackets, which would end the block.
func escapeBlock(text string) string {
	return strings.NewReplacer("[", "(", "]", ")").Replace(text)
}

// namesCause reports whether a block names a cause. Long names are shortened in the middle, so a
// prefix decides.
func namesCause(block, cause string) bool {
	const enough = 24 // bytes
	cause = escapeBlock(oneLine(cause))
	return strings.Contains(block, strings.ToValidUTF8(cause[:min(len(cause), enough)], ""))
}

// isOurs reports whether a block belongs to this message's incident or report.
func (m Message) isOurs(block string) bool {
	for _, address := range []string{m.Report.URL, m.Incident.URL} {
		if address != "" && strings.Contains(block, " "+escapeBlock(address)+blockClose) {
			return true
		}
	}
	return false
}
