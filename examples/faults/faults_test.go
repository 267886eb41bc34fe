// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// once runs a scenario once and wants all of its promises held.
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
