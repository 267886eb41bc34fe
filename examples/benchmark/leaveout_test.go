// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// of is a ranking whose first service has this lift, and this margin to the next.
func of(lift, margin float64) rank.Result {
	return rank.Result{Trust: 1, Services: []rank.Service{{Score: 1, Lift: lift, Margin: margin, Other: -1}}}
}

// The most lenient marks win that are wrong at most once and fire at most once in quiet windows.
func TestMarksKeepThePromise(t *testing.T) {
	v := verdicts{set: "one"}
	for range 10 {
		v.faults, v.right = append(v.faults, of(1.7, 1)), append(v.right, true)
		v.faults, v.right = append(v.faults, of(1.25, 1), of(1.7, 0.2)), append(v.right, false, false)
		v.quiet = append(v.quiet, of(1.4, 1))
	}
	marks, ok := choose([]verdicts{v})
	if s := v.under(marks); !ok || s.right != 10 || s.all != 10 || s.quietSaid != 0 || marks.Lift < 1.4 || marks.Margin < 0.2 {
		t.Errorf("chosen are %+v, which say %+v", marks, s)
	}
	for range 30 {
		v.quiet = append(v.quiet, of(9, 1))
	}
	if marks, ok := choose([]verdicts{v}); ok {
		t.Errorf("quiet windows are as loud as faults, and %+v keep the promise", marks)
	}
}

func TestSetsOfOneSystemAreLeftOutTogether(t *testing.T) {
	if systemOf("bookinfo-e") != systemOf("bookinfo-e2") || systemOf("rcd-ss") != systemOf("ss-nirc-pod") || systemOf("nezha-ob-a") != systemOf("ob-irc") {
		t.Error("two sets of one system are two systems")
	}
	if systemOf("a") != "a" || systemOf("tt-udev") == systemOf("petshop-high") {
		t.Error("two systems are one")
	}
}
