// SPDX-License-Identifier: Apache-2.0

package confidence

import (
	"encoding/json"
	"testing"
)

// The zero value is Low, in memory and in JSON.
func TestZeroValueIsLow(t *testing.T) {
	var f struct {
		Confidence Level           `json:"confidence"`
		Of         map[Level]Level `json:"of"`
	}
	f.Of = map[Level]Level{High: f.Confidence}
	text, err := json.Marshal(f)
	if want := `{"confidence":"low","of":{"high":"low"}}`; err != nil || string(text) != want {
		t.Errorf("%s (%v), want %s", text, err, want)
	}
	if err := json.Unmarshal([]byte(`{"confidence":""}`), &f); err != nil || f.Confidence != Low {
		t.Errorf("no word is %v (%v), want low", f.Confidence, err)
	}
}

// Names, order and rank agree.
func TestLevelsRoundTrip(t *testing.T) {
	all := []Level{High, Medium, Low}
	for place, l := range all {
		if read, err := Parse(l.String()); err != nil || read != l || l.Rank() != place {
			t.Errorf("%v has the rank %d and is read as %v (%v)", l, l.Rank(), read, err)
		}
		if place > 0 && l >= all[place-1] {
			t.Errorf("%v is not less than %v", l, all[place-1])
		}
	}
	for _, word := range []string{"High", "some", " low"} {
		if l, err := Parse(word); err == nil || l != Low {
			t.Errorf("%q is %v (%v), want an error", word, l, err)
		}
	}
}
