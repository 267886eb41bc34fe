// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// routeTo replaces the Alertmanager by one with other routes.
func (w *world) routeTo(address, routes, receiver string) {
	w.t.Helper()
	w.must(w.alertmanager.Close())
	var err error
	w.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Listen: address, Config: fmt.Sprintf(`
route: {receiver: people, group_by: [service], group_wait: 0s, group_interval: 1s, routes: [%s]}
receivers:
  - {name: people, webhook_configs: [{url: "http://127.0.0.1:1/"}]}
  - {name: %s, webhook_configs: [{url: "http://%s/api/v1/webhook"}]}
`, routes, receiver, w.opt.ListenAddress)})
	w.must(err)
	w.t.Cleanup(func() { _ = w.alertmanager.Close() })
}

// TestTheDaemonSaysWhoIsNoLongerNotified changes the routes of a real Alertmanager while the daemon
// runs.
func TestTheDaemonSaysWhoIsNoLongerNotified(t *testing.T) {
	w := newWorld(t, false)
	w.stop()
	log := &lines{}
	w.opt.Logger = slog.New(slog.NewTextHandler(log, nil))
	w.start()
	address := strings.TrimPrefix(w.alertmanager.URL(), "http://")
	problem := func(kind string) string {
		return w.metric(fmt.Sprintf(`culprit_alertmanager_route_problems{alertmanager="%s",problem="%s"}`, w.alertmanager.URL(), kind))
	}
	w.await("no route is told of", func() bool { return problem("not_routed") == "1" && problem("people_not_told") == "0" })

	w.routeTo(address, "{receiver: culprit, continue: true}", "culprit")
	w.await("people who are no longer told are told of", func() bool { return problem("people_not_told") == "1" && problem("not_routed") == "0" })
	for _, want := range []string{"reaches culprit and no longer", "problem=people_not_told", "check config FILE --alertmanager.url " + w.alertmanager.URL()} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}

	w.routeTo(address, "{receiver: culprit, continue: true}, {receiver: people}", "culprit")
	w.await("what was mended is no longer told", func() bool { return problem("people_not_told") == "0" })
	if n := strings.Count(log.String(), "problem=people_not_told"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// TestTheReceiverOfTheWebhookIsTrusted has a receiver with an unrelated name: Alertmanager hides
// the URL, so only its webhook shows that it is culprit's.
func TestTheReceiverOfTheWebhookIsTrusted(t *testing.T) {
	w := newWorld(t, false)
	address := strings.TrimPrefix(w.alertmanager.URL(), "http://")
	w.routeTo(address, "{receiver: why}, {receiver: people}", "why")
	problem := func(kind string) string {
		return w.metric(fmt.Sprintf(`culprit_alertmanager_route_problems{alertmanager="%s",problem="%s"}`, w.alertmanager.URL(), kind))
	}
	w.await("no route is known", func() bool { return problem("not_routed") == "1" })
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("the webhook tells that people lose alerts", func() bool { return problem("not_routed") == "0" && problem("people_not_told") == "1" })

	// After a restart it is known from the report.
	w.stop()
	w.start()
	if !w.daemon.receivers.ours("why") || w.daemon.receivers.ours("culprit") {
		t.Error("the receiver is forgotten")
	}
}

func TestTheConfigurationNamesTheReceiver(t *testing.T) {
	w := newWorld(t, false)
	address := strings.TrimPrefix(w.alertmanager.URL(), "http://")
	w.routeTo(address, "{receiver: why, continue: true}", "why")
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q, receiver: why}]\n", w.prometheus.URL(), w.alertmanager.URL()) + testRules)
	w.must(w.daemon.Reload())
	w.await("the named receiver is judged", func() bool {
		return w.metric(fmt.Sprintf(`culprit_alertmanager_route_problems{alertmanager="%s",problem="people_not_told"}`, w.alertmanager.URL())) == "1"
	})
	// A server removed from the configuration has no problems.
	w.configure(fmt.Sprintf("prometheus: {url: %q}\n", w.prometheus.URL()) + testRules)
	w.must(w.daemon.Reload())
	w.await("nothing is said of it any more", func() bool {
		return w.metric(fmt.Sprintf(`culprit_alertmanager_route_problems{alertmanager="%s",problem="people_not_told"}`, w.alertmanager.URL())) == ""
	})
}
