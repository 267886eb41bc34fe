// SPDX-License-Identifier: Apache-2.0

package receiver

import "testing"

func TestTheReceiverThatAWebhookNamedIsOurs(t *testing.T) {
	r := &receivers{}
	check := func(when, name string, want bool) {
		t.Helper()
		if r.ours(name) != want {
			t.Errorf("%s: %s is ours: %v", when, name, !want)
		}
	}
	check("before anything is known", "team/culprit/hook", true)
	check("before anything is known", "causes", false)
	r.found = []string{"causes"}
	check("found in Alertmanager", "causes", true)
	check("found in Alertmanager", "culprit-people", false)
	r.learn("why")
	check("named by a webhook", "why", true)
	check("named by a webhook", "causes", false)
	r.named = []string{"root cause"}
	check("named by the configuration", "root cause", true)
	check("named by the configuration", "why", false)
}
