// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis/changes"
)

// changesExample is an example of a file of changes.
const changesExample = `[{"at": "2022-08-22T03:54:00Z", "title": "rollout", "labels": {"service": "cart"}, "from": "v41", "to": "v42"}]`

// sourceFile is the source of a change that names none.
const sourceFile = "file"

// ReadChanges reads a JSON array of objects with at (Unix seconds or RFC 3339), and optionally
// until (the same), title, labels, from, to, source and url. Other keys are ignored.
func ReadChanges(r io.Reader) ([]changes.Change, error) {
	var rows []json.RawMessage
	dec := json.NewDecoder(r)
	switch err := dec.Decode(&rows); {
	case err == io.EOF:
		return nil, errors.New("the file is empty; hint: write [] if nothing was changed, else " + changesExample)
	case err != nil:
		return nil, fmt.Errorf("this is not a JSON array of changes: %w; hint: write %s", err, changesExample)
	case rows == nil:
		return nil, errors.New("this is null, not a JSON array of changes; hint: write [] if nothing was changed, else " + changesExample)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is more behind the array of changes; hint: write one array, as %s", changesExample)
	}
	list := make([]changes.Change, len(rows))
	for i, row := range rows {
		c, err := readChange(row)
		if err != nil {
			return nil, fmt.Errorf("change %d: %w", i+1, err)
		}
		list[i] = c
	}
	return list, nil
}

func readChange(row json.RawMessage) (changes.Change, error) {
	c := changes.Change{Labels: map[string]string{}, Source: sourceFile}
	var in map[string]json.RawMessage // a struct would match keys of any case
	if err := json.Unmarshal(row, &in); err != nil || in == nil {
		return c, fmt.Errorf("%s is not an object; hint: write %s", excerpt(row), changesExample[1:len(changesExample)-1])
	}
	if absent(in["at"]) {
		return c, fmt.Errorf(`%s has no "at"; hint: say when it was done, in Unix seconds or as "2022-08-22T03:54:00Z"`, excerpt(row))
	}
	if err := readTimes(&c, in); err != nil {
		return c, err
	}
	for _, field := range []struct {
		name string
		to   *string
	}{{"title", &c.Title}, {"from", &c.From}, {"to", &c.To}, {"source", &c.Source}, {"url", &c.URL}} {
		if err := textInto(field.to, in[field.name]); err != nil {
			return c, fmt.Errorf("%s: %w", field.name, err)
		}
	}
	return c, labelsInto(c.Labels, in["labels"])
}

// readTimes reads the beginning and the completion of a change.
func readTimes(c *changes.Change, in map[string]json.RawMessage) error {
	if err := timeInto(&c.At, in["at"]); err != nil {
		return fmt.Errorf("at: %w", err)
	}
	if err := timeInto(&c.Until, in["until"]); err != nil {
		return fmt.Errorf("until: %w", err)
	}
	if c.Until != 0 && c.Until < c.At {
		return fmt.Errorf("until (%s) is before at (%s); hint: until is when it was complete", in["until"], in["at"])
	}
	return nil
}

// labelsInto reads labels; null has none.
func labelsInto(to map[string]string, raw json.RawMessage) error {
	if absent(raw) {
		return nil
	}
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf(`labels are %s; hint: write an object, as {"service": "cart"}`, excerpt(raw))
	}
	for name, raw := range in {
		value := ""
		if err := textInto(&value, raw); err != nil {
			return fmt.Errorf("label %q: %w", name, err)
		}
		to[name] = value
	}
	return nil
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// timeInto reads a time from a number or a string; without one it leaves the value alone.
func timeInto(to *float64, raw json.RawMessage) error {
	if absent(raw) {
		return nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	v, err := ParseTime(text)
	if err != nil {
		return err
	}
	if v < 0 || v > latestTime {
		return fmt.Errorf("%s is not a time in Unix seconds (%s); hint: seconds and not milliseconds since 1970", text, outOfRange(v))
	}
	*to = v
	return nil
}

// latestTime is the year 5138 in seconds, and 1973 in milliseconds.
const latestTime = 1e11

// outOfRange says what an implausible time may mean.
func outOfRange(v float64) string {
	if v < 0 {
		return "before 1970"
	}
	if ms := v / 1000; ms <= latestTime {
		return "as milliseconds it is " + time.Unix(int64(ms), 0).UTC().Format(time.RFC3339)
	}
	return "too far in the future"
}

// textInto reads a string; a number is accepted too, as in "to": 42.
func textInto(to *string, raw json.RawMessage) error {
	switch {
	case absent(raw):
		return nil
	case raw[0] == '"':
		return json.Unmarshal(raw, to)
	case raw[0] == '{' || raw[0] == '[':
		return fmt.Errorf(`%s is not a string; hint: write it in quotes`, excerpt(raw))
	}
	*to = string(raw)
	return nil
}

// excerpt returns the beginning of a JSON value.
func excerpt(raw json.RawMessage) string {
	const most = 80
	text := strings.Join(strings.Fields(string(raw)), " ")
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
