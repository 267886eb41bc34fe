// SPDX-License-Identifier: Apache-2.0

package amevents

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/eventrecorder/eventrecorderpb"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	maxAlerts = 10_000    // of one notification; the rest are ignored
	maxAhead  = time.Hour // tolerated clock difference
)

// errNoEvents rejects a message that Alertmanager did not send.
var errNoEvents = errors.New("this is not what Alertmanager's event recorder sends; hint: name this address in a webhook_outputs of event_recorder")

// read decodes one event or a list of them, as the recorder sends with batch: true. It returns the
// facts within the lifetime, and the number of events. Other kinds of events, including future
// ones, contain no facts.
func read(r io.Reader, now time.Time, lifetime time.Duration) (facts []Fact, events int, err error) {
	buffered := bufio.NewReader(r)
	dec := json.NewDecoder(buffered)
	listed, err := isList(buffered)
	if err == nil && listed {
		_, err = dec.Token()
	}
	for err == nil && (listed && dec.More() || !listed && events == 0) {
		var one json.RawMessage
		if err = dec.Decode(&one); err != nil {
			break
		}
		var fact Fact
		var told bool
		if fact, told, err = readEvent(one, now, lifetime); told {
			facts = append(facts, fact)
		}
		events++
	}
	if err == nil && listed {
		_, err = dec.Token()
	}
	if err == nil {
		err = atEnd(dec)
	}
	if err != nil {
		return nil, events, fmt.Errorf("%w: event %d: %w", errNoEvents, events+1, err)
	}
	return facts, events, nil
}

// isList reports whether the first character after white space opens a list.
func isList(r *bufio.Reader) (bool, error) {
	for {
		c, err := r.ReadByte()
		switch {
		case err != nil:
			return false, err
		case !strings.ContainsRune(" \t\r\n", rune(c)):
			return c == '[', r.UnreadByte()
		}
	}
}

func atEnd(dec *json.Decoder) error {
	switch _, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errors.New("there is more after it")
}

// readEvent decodes an event using Alertmanager's own definition.
func readEvent(text []byte, now time.Time, lifetime time.Duration) (fact Fact, told bool, err error) {
	var e eventrecorderpb.Event
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &e); err != nil {
		return Fact{}, false, err
	}
	at := e.GetTimestamp().AsTime()
	if e.GetTimestamp().CheckValid() != nil || at.After(now.Add(maxAhead)) || at.Before(now.Add(-lifetime)) {
		return Fact{}, false, nil
	}
	fact = factOf(&e)
	fact.First, fact.Last = at, at
	fact.Handled = fact.Bounded()
	return fact, len(fact.Of) > 0, nil
}

// factOf extracts the fact of an event, or an empty one.
func factOf(e *eventrecorderpb.Event) Fact {
	data := e.GetData()
	switch {
	case data.GetNotification() != nil:
		return notified(e, data.GetNotification())
	case data.GetSilenceMutedAlert() != nil:
		return silenced(data.GetSilenceMutedAlert())
	case data.GetInhibitionMutedAlert() != nil:
		return inhibited(data.GetInhibitionMutedAlert())
	}
	return Fact{}
}

// notified is a notification, for its firing alerts. Each is a fact of its own.
func notified(e *eventrecorderpb.Event, n *eventrecorderpb.NotificationEvent) (f Fact) {
	for _, a := range n.GetAlerts() {
		if d := a.GetDetails(); len(d.GetLabels().GetLabels()) > 0 && !d.GetResolved() && len(f.Of) < maxAlerts {
			f.Of = append(f.Of, fingerprint(d.GetLabels()))
		}
	}
	slices.Sort(f.Of)
	f.Of = slices.Compact(f.Of)
	group, integration := n.GetGroupInfo(), n.GetIntegration()
	f.What, f.Times = report.Notified, 1
	f.By = fmt.Sprintf("%s (%s)", group.GetReceiverName(), integration.GetName())
	f.key = keyOf(string(f.What), e.GetInstance(), e.GetTimestamp().AsTime().String(), group.GetGroupKey(), group.GetReceiverName(),
		integration.GetName(), strconv.FormatInt(integration.GetIndex(), 10))
	return f
}

// silenced is one alert muted by a silence, which is reported repeatedly.
func silenced(m *eventrecorderpb.SilenceMutedAlertEvent) (f Fact) {
	set, silence := m.GetMutedAlert().GetLabels(), m.GetSilence()
	if len(set.GetLabels()) == 0 {
		return f
	}
	f.Of = []string{fingerprint(set)}
	f.What, f.By, f.Comment = report.Silenced, silence.GetCreatedBy(), silence.GetComment()
	if silence.GetEndsAt().CheckValid() == nil {
		f.Until = silence.GetEndsAt().AsTime()
	}
	f.key = keyOf(string(f.What), f.Of[0], silence.GetId())
	return f
}

// inhibited is one alert muted by another, which is reported repeatedly.
func inhibited(m *eventrecorderpb.InhibitionMutedAlertEvent) (f Fact) {
	set := m.GetMutedAlert().GetLabels()
	if len(set.GetLabels()) == 0 {
		return f
	}
	f.Of = []string{fingerprint(set)}
	f.What = report.Inhibited
	if rules := m.GetInhibitRules(); len(rules) > 0 {
		f.By = nameOf(rules[0])
	}
	if sources := m.GetInhibitingFingerprints(); len(sources) > 0 {
		f.Source = model.Fingerprint(sources[0]).String()
	}
	f.key = keyOf(string(f.What), f.Of[0], f.By, f.Source)
	return f
}

// nameOf is the name of an inhibition rule, or else its source matchers: older versions of
// Alertmanager don't report the name, and few people set one.
func nameOf(rule *eventrecorderpb.InhibitRule) string {
	if rule.GetName() != "" {
		return rule.GetName()
	}
	var rendered []string
	for _, m := range rule.GetSourceMatchers() {
		rendered = append(rendered, m.GetRendered())
	}
	return strings.Join(rendered, ",")
}

// fingerprint is computed here, so that it is right whoever sent the event.
func fingerprint(set *eventrecorderpb.LabelSet) string {
	labels := model.LabelSet{}
	for _, l := range set.GetLabels() {
		labels[model.LabelName(l.GetKey())] = model.LabelValue(l.GetValue())
	}
	return labels.Fingerprint().String()
}
