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

// maxList is how much of an answer its rows may take, in bytes of JSON: less than
// 4 kB with the line and the frame of the protocol around it.
const maxList = 3 << 10

// encoded is how many bytes something takes as JSON: a control character takes six.
func encoded(v any) int {
	text, _ := json.Marshal(v) // texts, numbers and what is made of them
	return len(text)
}

// short is one line of a text that takes at most so many bytes of JSON, quotes aside.
func short(text string, limit int) string {
	text = report.OneLine(text, limit)
	for encoded(text)-2 > limit {
		text = report.OneLine(text, len(text)*3/4)
	}
	return text
}

// fitting are the first rows that take at most so many bytes of JSON together.
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

// shortLabels are labels within so many bytes of JSON, the alert's name first; left
// is how many have no room.
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

// many writes a number of things.
func many(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
