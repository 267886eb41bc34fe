// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/examples/lab"
)

// startAlertmanager starts a real Alertmanager with these routes below people's, and a receiver for
// culprit.
func startAlertmanager(t *testing.T, receiver, routes string) string {
	t.Helper()
	limit := ""
	if receiver == "culprit" {
		limit = ", max_alerts: 5"
	}
	am, err := lab.StartAlertmanager(lab.AlertmanagerOptions{Config: `
route: {receiver: people, group_wait: 30s, routes: [` + routes + `]}
receivers:
  - {name: people, webhook_configs: [{url: "http://127.0.0.1:1/"}]}
  - {name: ` + receiver + `, webhook_configs: [{url: "http://127.0.0.1:2/api/v1/webhook"` + limit + `}]}
`})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = am.Close() })
	return am.URL()
}

func TestRoutesThatTakeAlertsFromPeopleAreAFinding(t *testing.T) {
	url := startAlertmanager(t, "culprit", "{receiver: culprit, group_wait: 5s, continue: true}")
	c := culprit(t, "check", "config", write(t, "culprit.yml", shopConfig), "--alertmanager.url", url)
	if c.code != exitFinding {
		t.Errorf("exit %d", c.code)
	}
	for _, want := range []string{
		url + `: people_not_told: an alert such as {alertname="AnyAlert"} reaches culprit and no longer "people"` + "\n",
		"group_wait: route.routes[0] has group_wait: 5s",
		`max_alerts: the webhook of "culprit" has max_alerts: 5`,
		"\n    - receiver: people # without this line only culprit would be notified\n",
	} {
		if !strings.Contains(c.err, want) {
			t.Errorf("it does not say %q:\n%s", want, c.err)
		}
	}
}

func TestRoutesThatTellEverybodyAreFine(t *testing.T) {
	good := startAlertmanager(t, "why", "{receiver: why, group_wait: 0s, group_interval: 10s, continue: true}, {receiver: people}")
	config := write(t, "culprit.yml", strings.ReplaceAll(shopConfig, "http://a:9093", good)+"\n")
	named := write(t, "named.yml", "prometheus: {url: http://p:9090}\nalertmanagers: [{url: "+good+"/, receiver: why}]\n")
	if c := culprit(t, "check", "config", config, "--alertmanager.url", good); c.code != exitFinding || !strings.Contains(c.err, "not_routed") || !strings.Contains(c.err, `if one of "people", "why" is, say so`) {
		t.Errorf("a receiver that nobody named: exit %d: %s%s", c.code, c.out, c.err)
	}
	typo := write(t, "typo.yml", "prometheus: {url: http://p:9090}\nalertmanagers: [{url: "+good+", receiver: whY}]\n")
	if c := culprit(t, "check", "config", typo, "--alertmanager.url", good); c.code != exitFinding || !strings.Contains(c.err, `has no receiver "whY" with a webhook`) {
		t.Errorf("a name that is not there: exit %d: %s%s", c.code, c.out, c.err)
	}
	c := culprit(t, "check", "config", named, "--alertmanager.url", good, "--prometheus.url", startShopNow(t, errorRule))
	if c.code != exitOK || !strings.Contains(c.out, "nobody is left out because of culprit: every alert goes on") || !strings.Contains(c.out, "fine") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

func TestAlertmanagersThatDoNotAnswerAreReported(t *testing.T) {
	file := write(t, "culprit.yml", shopConfig)
	c := culprit(t, "check", "config", file, file, "--alertmanager.url", "http://127.0.0.1:1", "--alertmanager.url", startAlertmanager(t, "why", ""))
	if c.code != exitFinding || strings.Count(c.err, "Alertmanager at http://127.0.0.1:1 can't be asked for its routes") != 1 || strings.Count(c.err, "not_routed") != 1 {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
	if c := culprit(t, "check", "config", file, "--alertmanager.url", "there"); c.code != exitUsage || !strings.Contains(c.err, "--alertmanager.url") {
		t.Errorf("exit %d: %s", c.code, c.err)
	}
}
