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

// Limits of a stored alert, in bytes. No alert that people write is larger; one that is would get
// in the way of the others.
const (
	maxAnnotation  = 8 << 10  // each annotation; the rest is cut off and marked
	maxAnnotations = 64 << 10 // all annotations; those that don't fit are dropped and marked
	maxMark        = 64       // the mark of a cut
	maxIdentity    = 64 << 10 // all labels, and the generator URL
)

// errAlertTooLarge means that an alert can't be explained: its labels identify it, so they can't be
// cut.
var errAlertTooLarge = errors.New("the alert is too large")

// bounded returns an alert with its annotations cut to the limits.
func bounded(a report.Alert) (report.Alert, error) {
	if n := sizeOf(a.Labels); n > maxIdentity {
		return a, fmt.Errorf("%w: its labels have %d bytes, the limit is %d", errAlertTooLarge, n, maxIdentity)
	}
	if n := len(a.GeneratorURL); n > maxIdentity {
		return a, fmt.Errorf("%w: its generatorURL has %d bytes, the limit is %d", errAlertTooLarge, n, maxIdentity)
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

// boundText cuts a text at a character boundary.
func boundText(text string, limit int) string {
	if len(text) <= limit+maxMark { // the scanner may have cut it already
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
