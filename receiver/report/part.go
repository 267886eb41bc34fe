// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// Part is a part of a KPI that somebody looks at by itself: that in which a label has
// a value, or all but that.
type Part struct {
	Label, Value string // an empty value is a label that is missing
	Without      bool
}

// Bounds of what is asked of a part.
const (
	maxParts     = 8
	maxPartValue = 1024 // bytes
)

// String says a part as people do.
func (p Part) String() string {
	text := combination(map[string]string{p.Label: p.Value})
	if p.Without {
		return "without " + text
	}
	return "only " + text
}

// CheckParts says what is wrong with the parts that somebody asks for together.
func CheckParts(parts []Part) error {
	if len(parts) > maxParts {
		return fmt.Errorf("%d labels are too many to hold to at once, at most %d are taken; hint: go back and leave some out", len(parts), maxParts)
	}
	for _, p := range parts {
		if !model.LegacyValidation.IsValidLabelName(p.Label) || p.Label == model.MetricNameLabel {
			return fmt.Errorf("%q is not a label name; hint: write it as in path=/pay", p.Label)
		}
		if len(p.Value) > maxPartValue || !utf8.ValidString(p.Value) || p.Value == "__other__" {
			return errors.New("the value of " + p.Label + " is none that series can have, or is too long; hint: choose one that the page lists")
		}
	}
	return nil
}
