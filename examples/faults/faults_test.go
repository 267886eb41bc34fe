// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// once runs a scenario once and expects all its promises to hold.
func once(t *testing.T, name string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"--only", name, "--runs", "1", "--logs"}, &out, &errs)
	t.Logf("%s", out.String())
	if code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestNoAnswerIsTooMuch(t *testing.T)           { once(t, "answers") }
func TestAKillInAStormLosesNothing(t *testing.T)   { once(t, "kills") }
func TestAFullDiskIsSaidAndSurvived(t *testing.T)  { once(t, "disk") }
func TestSinksThatHangHoldUpNobody(t *testing.T)   { once(t, "sinks") }
func TestAClusterWaitsForItsReplicas(t *testing.T) { once(t, "clusters") }

// These scenarios measure times, which tests can't; this tests how they count.
func TestOfEachAlertTheFirstMessageCounts(t *testing.T) {
	said := func(number, summary string) lab.Message {
		a := template.Alert{Labels: template.KV{"number": number}, Annotations: template.KV{}}
		if summary != "" {
			a.Annotations[sink.AnnotationSummary] = summary
		}
		return lab.Message{Message: webhook.Message{Data: &template.Data{Alerts: template.Alerts{a}}}}
	}
	told := firsts([]lab.Message{said("1", "x rose"), said("2", ""), said("2", "x rose"), said("1", "")})
	if len(told) != 2 || !told["1"] || told["2"] || withCauses(told) != 1 {
		t.Errorf("%v", told)
	}
	if err := allOf(2, withCauses(told), "have them"); err == nil || err.Error() != "1 of 2 have them" {
		t.Errorf("error %v", err)
	}
}

func TestALapseBeginsWhenAnAlertHadItsCausesLast(t *testing.T) {
	l := lapses{since: map[string]time.Time{}}
	start := time.Now()
	for i, with := range []bool{false, true, true, false, false, true} { // a look a second
		a := fleet.Shown{Fingerprint: "f", Annotations: map[string]string{}}
		if with {
			a.Annotations[sink.AnnotationSummary] = "x rose"
		}
		l.look([]fleet.Shown{a}, start.Add(time.Duration(i)*time.Second))
	}
	if l.seen != 5 || l.without != 2 || l.longest != 2*time.Second {
		t.Errorf("%+v", l)
	}
}

func TestWrongCallsAreRefused(t *testing.T) {
	for _, args := range []string{"--only nothing", "--runs 0", "--what"} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%s: exit %d, says %q", args, code, errs.String())
		}
	}
}

func TestTheTableSaysWhatDidNotHold(t *testing.T) {
	var all tally
	all.add("kills", promise{"nothing is lost", nil})
	all.add("disk", promise{"it says so", nil})
	if all.broken() {
		t.Error("broken, and all held")
	}
	all.add("kills", promise{"nothing is lost", errors.New("3 alerts")})
	all.add("kills", promise{"nothing is lost", errors.New("5 alerts")})
	var out bytes.Buffer
	all.print(&out)
	const want = "kills  nothing is lost  1 of 3  3 alerts\ndisk   it says so       1 of 1\n"
	if out.String() != want || !all.broken() {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
