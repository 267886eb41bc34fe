// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// Limits of one message. Texts are in bytes.
const (
	maxChanges = 1000 // per message
	maxTitle   = 300
	maxValue   = 512 // of from, to and label values
	maxName    = 128 // of label names and sources
	maxID      = 256
	maxURL     = 2048
	maxLabels  = 32

	maxSpan  = 7 * 24 * time.Hour // from at to until
	maxAhead = time.Hour          // clock difference, and announcements of planned changes
)

// example is a valid message, for errors.
const example = `{"title": "checkout v42", "at": "2026-11-30T14:03:00Z", "labels": {"service": "checkout"}, "from": "v41", "to": "v42", "source": "deploys"}`

// Posted is a change as received.
type Posted struct {
	ID     string            `json:"id"`
	Title  string            `json:"title"`
	At     moment            `json:"at"`
	Until  moment            `json:"until"`
	Labels map[string]string `json:"labels"`
	From   string            `json:"from"`
	To     string            `json:"to"`
	Source string            `json:"source"`
	URL    string            `json:"url"`
}

// moment is RFC 3339 or Unix seconds.
type moment struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (m *moment) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) || bytes.Equal(text, []byte(`""`)) {
		return nil
	}
	if text[0] != '"' {
		var s float64
		if err := json.Unmarshal(text, &s); err != nil {
			return unclear("%.40s is not a time; hint: write RFC 3339 or Unix seconds", text)
		}
		if s >= 1e11 {
			return unclear("the time %.0f lies in the year %d; hint: it is in milliseconds, write seconds", s, 1970+int(s/31_556_952))
		}
		m.Time = time.UnixMilli(int64(s * 1000)).UTC()
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return unclear("%.40q is not a time; hint: write RFC 3339, such as 2026-11-30T14:03:00Z, or Unix seconds", s)
	}
	m.Time = t.UTC()
	return nil
}

// errUnclear means that the sender must fix the message.
var errUnclear = errors.New("the message can't be accepted")

func unclear(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUnclear}, args...)...)
}

// read decodes and checks a message of one change or a list of them.
func read(r io.Reader, now time.Time, lifetime time.Duration) ([]Change, error) {
	first, rest, err := peek(r)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(rest)
	dec.DisallowUnknownFields()
	if first == '[' {
		return several(dec, now, lifetime)
	}
	c, err := next(dec, now, lifetime)
	if err != nil {
		return nil, err
	}
	return []Change{c}, atEnd(dec)
}

// peek returns the first character of a message after white space, and the message from there.
func peek(r io.Reader) (byte, io.Reader, error) {
	var head [1]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 0, nil, notJSON(err)
		}
		if !strings.ContainsRune(" \t\r\n", rune(head[0])) {
			return head[0], io.MultiReader(bytes.NewReader(head[:]), r), nil
		}
	}
}

func several(dec *json.Decoder, now time.Time, lifetime time.Duration) ([]Change, error) {
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	}
	var list []Change
	for dec.More() {
		if len(list) == maxChanges {
			return nil, unclear("it has more than %d changes; hint: send several messages", maxChanges)
		}
		c, err := next(dec, now, lifetime)
		if err != nil {
			return nil, fmt.Errorf("change %d: %w", len(list)+1, err)
		}
		list = append(list, c)
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON(err)
	}
	return list, atEnd(dec)
}

func next(dec *json.Decoder, now time.Time, lifetime time.Duration) (Change, error) {
	var p Posted
	if err := dec.Decode(&p); err != nil {
		return Change{}, notJSON(err)
	}
	return p.change(now, lifetime)
}

func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return notJSON(errors.New("there is more after it"))
	}
	return nil
}

// notJSON says what the message should be. Errors of the connection or of a limit stay wrapped.
func notJSON(err error) error {
	if errors.Is(err, errUnclear) {
		return err
	}
	return fmt.Errorf("%w: %w; hint: send JSON such as %s, or a list of these", errUnclear, err, example)
}

// change checks a posted change. Its time may be missing; the book fills it in.
func (p Posted) change(now time.Time, lifetime time.Duration) (Change, error) {
	c := Change{
		Sender: p.ID, Title: p.Title, At: p.At.Time, Until: p.Until.Time, Labels: p.Labels, From: p.From, To: p.To, Source: p.Source, URL: p.URL,
	}
	if c.Source == "" {
		c.Source = "api"
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	return c, c.check(now, lifetime)
}

func (c Change) check(now time.Time, lifetime time.Duration) error {
	if strings.TrimSpace(c.Title) == "" {
		return unclear("title is empty; hint: say what was changed, in a few words: %s", example)
	}
	for _, t := range []struct {
		key, text string
		most      int
	}{{"title", c.Title, maxTitle}, {"id", c.Sender, maxID}, {"from", c.From, maxValue}, {"to", c.To, maxValue}, {"source", c.Source, maxName}, {"url", c.URL, maxURL}} {
		if err := checkText(t.key, t.text, t.most); err != nil {
			return err
		}
	}
	return errors.Join(c.checkURL(), c.checkLabels(), c.checkTimes(now, lifetime))
}

// checkText rejects characters that a line of text must not have.
func checkText(key, text string, most int) error {
	switch {
	case len(text) > most:
		return unclear("%s has %d bytes, the limit is %d; hint: put a long text on the page behind url", key, len(text), most)
	case !utf8.ValidString(text):
		return unclear("%s is %.40q, which is not UTF-8", key, text)
	case strings.ContainsFunc(text, control):
		return unclear("%s is %.40q, with an invisible character; hint: write one line of text", key, text)
	}
	return nil
}

// control reports whether a character affects a terminal or the direction of text.
func control(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

func (c Change) checkURL() error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return unclear("url is %.80q; hint: write the address of a web page, such as https://ci.example.org/runs/7, without a password in it", c.URL)
	}
	return nil
}

func (c Change) checkLabels() error {
	if len(c.Labels) > maxLabels {
		return unclear("it has %d labels, the limit is %d; hint: keep those that say where: service, namespace, cluster, version", len(c.Labels), maxLabels)
	}
	for name, value := range c.Labels {
		if !model.LegacyValidation.IsValidLabelName(name) || len(name) > maxName {
			return unclear("labels has %.40q, which is not a label name; hint: use letters, digits and _, as in Prometheus", name)
		}
		if err := checkText("label "+name, value, maxValue); err != nil {
			return err
		}
	}
	return nil
}

func (c Change) checkTimes(now time.Time, lifetime time.Duration) error {
	at := cmp.Or(c.At, c.Until, now)
	switch {
	case at.After(now.Add(maxAhead)):
		return unclear("at is %s, and it is %s; hint: compare the clocks, or send it when it happens", at.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case at.Before(now.Add(-lifetime)):
		return unclear("at is %s, longer ago than changes are kept (changes.lifetime, %s)", at.Format(time.RFC3339), model.Duration(lifetime))
	}
	return c.checkSpan(at)
}

// checkSpan checks the end of a change against its start.
func (c Change) checkSpan(at time.Time) error {
	switch {
	case !c.Until.IsZero() && c.Until.Before(at):
		return unclear("until is %s, before at, %s", c.Until.Format(time.RFC3339), at.Format(time.RFC3339))
	case c.Until.After(at.Add(maxSpan)):
		return unclear("until is %s, more than %s after at, %s; hint: send the end when it comes, with the same id; what takes longer is two changes, its beginning and its end, each with an id",
			c.Until.Format(time.RFC3339), model.Duration(maxSpan), at.Format(time.RFC3339))
	}
	return nil
}
