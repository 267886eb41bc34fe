// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// tally counts the accepted messages of a hook by status.
func tally(h *hook) (firing, resolved int) {
	for _, one := range h.accepted() {
		if strings.Contains(one, " resolved ") {
			resolved++
		} else {
			firing++
		}
	}
	return firing, resolved
}

func TestSinksThatFailHoldUpNoOther(t *testing.T) {
	w := newWorldWithSinks(t, 4)
	hanging, failing, refusing, good := w.hooks[0], w.hooks[1], w.hooks[2], w.hooks[3]
	hanging.set(0)
	failing.set(http.StatusInternalServerError)
	refusing.set(http.StatusBadRequest)
	w.grafanaGate.Refuse(http.StatusUnauthorized)
	w.gate.Hold() // one of two peers hangs
	start := w.fire("ErrorsHigh")

	w.await("the good hook is told", func() bool { return len(good.accepted()) == 1 })
	w.await("the alert is annotated through the peer that answers", func() bool { return w.annotation("ErrorsHigh", "culprit_summary") != "" })
	w.await("those that fail were tried", func() bool {
		return len(hanging.statuses()) > 0 && len(failing.statuses()) > 1 && len(refusing.statuses()) > 0
	})
	w.await("a metric tells of each that is not done", func() bool {
		return w.backlog(hanging.URL) == "1" && w.backlog(failing.URL) == "1" && w.backlog(w.grafanaGate.URL()) == "1" &&
			w.backlog(good.URL) == "0" && w.backlog(refusing.URL) == "0"
	})

	hanging.set(http.StatusOK)
	failing.set(http.StatusOK)
	refusing.set(http.StatusOK)
	w.grafanaGate.Pass()
	w.gate.Pass()
	w.await("all are told when they answer", func() bool {
		all, _ := w.regions()
		return len(hanging.accepted()) > 0 && len(failing.accepted()) == 1 && all == 1
	})
	if n := len(refusing.accepted()); n != 0 {
		t.Errorf("what was refused as it is was sent again %d times", n)
	}
	w.post("ErrorsHigh", start, false)
	w.await("the end is told to those who know of the incident", func() bool {
		_, closed := w.regions()
		ended := func(h *hook) bool { _, n := tally(h); return n == 1 }
		return closed == 1 && ended(hanging) && ended(failing) && ended(good)
	})
	if got := refusing.statuses(); slices.Contains(got, "resolved") {
		t.Errorf("the hook that took nothing heard %v", got)
	}
	for _, h := range []*hook{failing, good} {
		if firing, resolved := tally(h); firing != 1 || resolved != 1 {
			t.Errorf("one that was told: %v", h.accepted())
		}
	}
	if all, closed := w.regions(); all != 1 || closed != 1 {
		t.Errorf("%d regions, %d closed", all, closed)
	}
}

func TestWithEverySinkHangingTheDaemonStopsAndSendsTheRestAfterwards(t *testing.T) {
	w := newWorldWithSinks(t, 2)
	for _, h := range w.hooks {
		h.set(0)
	}
	w.grafanaGate.Hold()
	w.gate.Hold()
	w.fire("ErrorsHigh")
	w.await("every sink hangs", func() bool {
		return len(w.hooks[0].statuses()) > 0 && len(w.hooks[1].statuses()) > 0 && w.grafanaGate.Held() > 0 && w.gate.Held() > 0
	})
	w.stop() // fails the test if it takes longer than promised
	for _, h := range w.hooks {
		h.set(http.StatusOK)
	}
	w.grafanaGate.Pass()
	w.gate.Pass()
	w.start()
	w.await("the rest is told", func() bool {
		all, _ := w.regions()
		return all == 1 && len(w.hooks[0].accepted()) == 1 && len(w.hooks[1].accepted()) == 1
	})
	w.stop()
	w.start()
	w.await("the daemon is ready", func() bool { return w.get("/-/ready", nil) == http.StatusOK })
	time.Sleep(time.Second) // three rounds of the reconcile loop
	for _, h := range w.hooks {
		if n := len(h.accepted()); n != 1 {
			t.Errorf("a hook took %d messages about one incident", n)
		}
	}
	if all, _ := w.regions(); all != 1 {
		t.Errorf("%d regions", all)
	}
}

func TestTheEndOfAnIncidentIsSentAfterARestart(t *testing.T) {
	w := newWorldWithSinks(t, 2)
	known, never := w.hooks[0], w.hooks[1]
	never.set(http.StatusServiceUnavailable)
	start := w.fire("ErrorsHigh")
	w.await("one hook and Grafana know of it", func() bool {
		all, _ := w.regions()
		return all == 1 && len(known.accepted()) == 1 && len(never.statuses()) > 0
	})
	// A write that crosses the alert's end would restart it for seconds, as another incident.
	w.await("nothing more is written to the alert", func() bool { return w.annotated() == 2 })
	known.set(http.StatusServiceUnavailable)
	w.grafanaGate.Refuse(http.StatusBadGateway)
	w.post("ErrorsHigh", start, false)
	w.await("its end is tried", func() bool { return slices.Contains(known.statuses(), "resolved") })
	w.stop()
	known.set(http.StatusOK)
	never.set(http.StatusOK)
	w.grafanaGate.Pass()
	w.start()
	w.await("its end is told", func() bool {
		_, resolved := tally(known)
		_, closed := w.regions()
		return resolved == 1 && closed == 1
	})
	if firing, _ := tally(known); firing != 1 {
		t.Errorf("%v", known.accepted())
	}
	time.Sleep(time.Second) // three rounds of the reconcile loop
	if got := never.accepted(); len(got) != 0 {
		t.Errorf("a hook that was not told of the incident was told %v", got)
	}
}

func TestAReloadKeepsTheQueueOfAHookAndEndsThatOfARemovedOne(t *testing.T) {
	w := newWorldWithSinks(t, 2)
	kept, gone := w.hooks[0], w.hooks[1]
	kept.set(http.StatusServiceUnavailable)
	gone.set(http.StatusServiceUnavailable)
	w.fire("ErrorsHigh")
	w.await("both are waited for", func() bool { return w.backlog(kept.URL) == "1" && w.backlog(gone.URL) == "1" })
	twice := "  - {url: \"" + kept.URL + "/secret-path\"}\n"
	w.configure(strings.Replace(w.configuration(), twice, twice+twice, 1))
	w.must(w.daemon.Reload())
	w.must(w.daemon.Reload())
	w.await("a hook that is named twice has one queue", func() bool { return w.backlog(kept.URL) == "1" })
	w.configure(strings.Replace(w.configuration(), "  - {url: \""+gone.URL+"/secret-path\"}\n", "", 1))
	w.must(w.daemon.Reload())
	w.await("the queue of one has ended", func() bool { return w.backlog(gone.URL) == "" && w.backlog(kept.URL) == "1" })
	kept.set(http.StatusOK)
	gone.set(http.StatusOK)
	w.await("the other is told", func() bool { return len(kept.accepted()) == 1 })
	if n := len(gone.accepted()); n != 0 {
		t.Errorf("a hook that is not configured any more took %d messages", n)
	}
}

// Receivers drop messages with a known key, so a new firing needs a new key, even if its message is
// otherwise equal.
func TestAReopenedIncidentIsNoDuplicateForItsHook(t *testing.T) {
	w := newWorldWithSinks(t, 1)
	h := w.hooks[0]
	start := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	says := func(status string) {
		tell(t, io.Discard, http.MethodPost, w.daemon.URL()+"/api/v1/webhook", `{"version":"4","receiver":"culprit","groupKey":"g","groupLabels":{},"alerts":[`+
			`{"status":"`+status+`","labels":{"alertname":"ErrorsHigh","service":"shop"},"startsAt":"`+start+`"}]}`)
	}
	for round := range 2 {
		says("firing")
		w.await("the hook is told of the fire", func() bool { firing, _ := tally(h); return firing == round+1 })
		says("resolved")
		w.await("the hook is told of the end", func() bool { _, resolved := tally(h); return resolved == round+1 })
	}
	all := h.accepted()
	if first, _, _ := strings.Cut(all[0], " "); !strings.HasPrefix(all[3], first+" ") {
		t.Fatalf("these are two incidents: %v", all)
	}
	if slices.Sort(all); len(slices.Compact(all)) != 4 {
		t.Errorf("messages with the key of another: %v", all)
	}
}
