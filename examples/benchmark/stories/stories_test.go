// SPDX-License-Identifier: Apache-2.0

package stories

import (
	"strings"
	"testing"
)

// One round of the kinds: the culprit is named, and no other change is.
func TestWhatWasDoneIsNamedAndNobodyElse(t *testing.T) {
	for number := range Kinds() {
		o, err := New(1, number).Ask(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !o.Right() {
			t.Errorf("%s, generation %d: %s\n%s", o.Story.Test.Name, o.Story.Generation, o.Line, strings.Join(o.Causes, "\n"))
		}
	}
}
