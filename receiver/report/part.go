// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// Part is a part of a KPI: where a label has a value, or has not.
type Part struct {
	Label, Value string // an empty value is a missing label
	Without      bool
}

// Limits of a request.
const (
	maxParts     = 8
	maxPartValue = 1024 // bytes
)

// String describes a part.
func (p Part) String() string {
	text := combination(map[string]string{p.Label: p.Value})
	if p.Without {
		return "without " + text
	}
	return "only " + text
}

// CheckParts validates the parts of a request.
func CheckParts(parts []Part) error {
	if len(parts) > maxParts {
		return fmt.Errorf("%d labels are too many at once, the limit is %d; hint: go back and leave some out", len(parts), maxParts)
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
