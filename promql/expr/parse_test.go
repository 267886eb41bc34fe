// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"testing"
)

// A ratio whose numerator only requires that a label exists can still be broken down.
func TestMatchersThatChooseNoValue(t *testing.T) {
	for text, want := range map[string][]string{
		`a{code="500"}`:            {`code="500"`},
		`a{code=~"5.."} + b{}`:     {`code=~"5.."`},
		`a{code!="200",code!=""}`:  {`code!="200"`},
		`a{code!=""}`:              nil,
		`a{code=~".+"}`:            nil,
		`a{code!~""}`:              nil,
		`a{code=""}`:               {`code=""`},
		`a{job="x"} / b{job!~"y"}`: nil,
	} {
		if got := MatchersOn(MustParse(text), "code"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
