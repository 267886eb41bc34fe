// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
)

func TestPartsAreLabelsAndValues(t *testing.T) {
	for _, c := range []struct {
		parts []Part
		wrong string
	}{
		{nil, ""},
		{[]Part{{Label: "path", Value: "/pay"}, {Label: "zone", Without: true}}, ""},
		{[]Part{{Label: "path", Value: `a"} or up{x="`}}, ""}, // a value, however it is written
		{[]Part{{Label: `path="/", x`, Value: "a"}}, "is not a label name"},
		{[]Part{{Label: "__name__", Value: "up"}}, "is not a label name"},
		{[]Part{{Value: "/pay"}}, "is not a label name"},
		{[]Part{{Label: "path", Value: "__other__"}}, "none that series can have"},
		{[]Part{{Label: "path", Value: "\xff"}}, "none that series can have"},
		{[]Part{{Label: "path", Value: strings.Repeat("a", 1025)}}, "too long"},
		{make([]Part, 9), "9 labels are too many"},
	} {
		err := CheckParts(c.parts)
		if c.wrong == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%v: %v", c.parts, err)
		}
	}
	if got := (Part{Label: "path", Value: "", Without: true}).String(); got != `without path=""` {
		t.Error(got)
	}
}
