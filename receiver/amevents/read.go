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
	maxAlerts = 10_000    // of one notification; whoever is behind them is not told of it
	maxAhead  = time.Hour // by which clocks may differ
)

// errNoEvents is the error of a message that Alertmanager did not send.
var errNoEvents = errors.New("this is not what Alertmanager's event recorder sends; hint: name this address in a webhook_outputs of event_recorder")

// read reads one event or a list of them, as the recorder sends with batch: true.
// It returns the facts in them that are not older than a lifetime, and how many
// events there were. Events of other kinds, those of later versions too, hold none.
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

// isList says whether the first character that is no space opens a list.
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

// readEvent reads an event by Alertmanager's own definition of it.
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

// factOf is the fact in an event; of nothing if there is none.
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

// notified is what was sent, of the alerts that fired. Each notification is a fact
// of its own.
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

// silenced is one alert that a silence mutes, which is told again and again.
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

// inhibited is one alert that another mutes, which is told again and again.
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

// nameOf is the name of an inhibition rule, or what it wants of the alerts that
// inhibit: older Alertmanagers don't tell the name, and few people give one.
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

// fingerprint is that of an alert with these labels. Made here, it is right whoever
// sent them.
func fingerprint(set *eventrecorderpb.LabelSet) string {
	labels := model.LabelSet{}
	for _, l := range set.GetLabels() {
		labels[model.LabelName(l.GetKey())] = model.LabelValue(l.GetValue())
	}
	return labels.Fingerprint().String()
}
