// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// maxList bounds the rows of an answer, in bytes of JSON: together with the line and the frame of
// the protocol they stay below 4 kB.
const maxList = 3 << 10

// encoded is the size of a value as JSON: a control character takes six bytes.
func encoded(v any) int {
	text, _ := json.Marshal(v) // can't fail: only texts and numbers
	return len(text)
}

// short reduces a text to one line of at most limit bytes of JSON, without quotes.
func short(text string, limit int) string {
	text = report.OneLine(text, limit)
	for encoded(text)-2 > limit {
		text = report.OneLine(text, len(text)*3/4)
	}
	return text
}

// fitting returns the first rows that fit into room bytes of JSON.
func fitting[T any](rows []T, room int) []T {
	for i, row := range rows {
		if room -= encoded(row) + 1; room < 0 {
			return rows[:i]
		}
	}
	return rows
}

const (
	maxName  = 64  // bytes of a label's name
	maxValue = 120 // bytes of a label's value
)

// shortLabels returns the labels that fit into room bytes of JSON, alertname first, and how many
// are left out.
func shortLabels(set model.LabelSet, room int) (some map[string]string, left int) {
	some = map[string]string{}
	names := slices.Sorted(maps.Keys(set))
	if _, ok := set[model.AlertNameLabel]; ok {
		names = append([]model.LabelName{model.AlertNameLabel}, slices.DeleteFunc(names, func(n model.LabelName) bool { return n == model.AlertNameLabel })...)
	}
	for _, name := range names {
		key, value := short(string(name), maxName), short(string(set[name]), maxValue)
		if _, twice := some[key]; twice || encoded(key)+encoded(value)+2 > room {
			left++
			continue
		}
		room -= encoded(key) + encoded(value) + 2
		some[key] = value
	}
	return some, left
}

// many formats a count.
func many(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
