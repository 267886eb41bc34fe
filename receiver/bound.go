// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// What is kept of an alert, in bytes. Everything above is no alert that people
// write; it stands in the way of the others.
const (
	maxAnnotation  = 8 << 10  // of one annotation; the rest is cut off, and marked
	maxAnnotations = 64 << 10 // of all; those that don't fit are left out, and marked
	maxMark        = 64       // of the mark of what was cut
	maxIdentity    = 64 << 10 // of all labels, and of the generator's URL
)

// errAlertTooLarge says that an alert can't be explained: it is known by its
// labels, so they can't be cut.
var errAlertTooLarge = errors.New("the alert is too large")

// bounded returns an alert of which the annotations are no longer than they may
// be.
func bounded(a report.Alert) (report.Alert, error) {
	if n := sizeOf(a.Labels); n > maxIdentity {
		return a, fmt.Errorf("%w: its labels have %d bytes, and may have %d", errAlertTooLarge, n, maxIdentity)
	}
	if n := len(a.GeneratorURL); n > maxIdentity {
		return a, fmt.Errorf("%w: its generatorURL has %d bytes, and may have %d", errAlertTooLarge, n, maxIdentity)
	}
	a.Annotations = boundAnnotations(a.Annotations)
	return a, nil
}

// boundAnnotations cuts in the order of the names.
func boundAnnotations(all model.LabelSet) model.LabelSet {
	cut := make(model.LabelSet, len(all))
	room := maxAnnotations
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text := boundText(string(all[name]), maxAnnotation)
		if room -= len(name) + len(text); room < 0 {
			text = cutMark(len(all[name]))
		}
		if room < -maxAnnotations { // thousands of names
			break
		}
		cut[name] = model.LabelValue(text)
	}
	return cut
}

// boundText cuts a text at the end of a character.
func boundText(text string, limit int) string {
	if len(text) <= limit+maxMark { // it may have been cut before, by the scanner
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + cutMark(len(text))
}

func sizeOf(set model.LabelSet) int {
	n := 0
	for name, value := range set {
		n += len(name) + len(value)
	}
	return n
}
