// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/examples/lab"
)

func TestAProcessThatEndsAtOnceIsToldFromOneThatIsNotThere(t *testing.T) {
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for binary, want := range map[string]string{
		"/no/such/binary": "start culprit:",
		"false":           "has ended before it was healthy",
	} {
		p, err := lab.StartProcess(t.Context(), lab.ProcessOptions{Binary: binary, Listen: address})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: have %v and error %v, want %q", binary, p, err, want)
		}
	}
}

func TestAnAddressIsFreeAfterItWasFound(t *testing.T) {
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := lab.FreeAddress(address); err != nil || again != address {
		t.Errorf("%s is %s now, error %v", address, again, err)
	}
}
