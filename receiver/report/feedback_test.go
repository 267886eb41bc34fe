// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"testing"
)

func TestFeedbackIsCheckedAndOneLine(t *testing.T) {
	for _, c := range []struct {
		f     Feedback
		says  Judgement
		was   string
		wrong string
	}{
		{Feedback{Says: Right}, Right, "", ""},
		{Feedback{Says: Wrong, Was: " the disk\nof node\u202e 7 "}, Wrong, "the disk of node 7", ""},
		{Feedback{Was: "the disk"}, Other, "the disk", ""},
		{Feedback{}, "", "", "hint:"},
		{Feedback{Says: "maybe"}, "", "", `"maybe"`},
		{Feedback{Says: Other, Was: "\n"}, "", "", "was is empty"},
		{Feedback{Was: strings.Repeat("x", 501)}, "", "", "501 bytes"},
	} {
		got, err := c.f.Check()
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%+v: %v", c.f, err)
			}
			continue
		}
		if err != nil || got.Says != c.says || got.Was != c.was {
			t.Errorf("%+v: %+v, %v", c.f, got, err)
		}
	}
}

func TestFeedbackIsBoundedAndNotRepeated(t *testing.T) {
	r := Report{Summary: "it is a"}
	if !r.Told(Feedback{Says: Right}) || r.Told(Feedback{Says: Right}) || len(r.Feedback) != 1 || r.Feedback[0].Summary != "it is a" {
		t.Errorf("%+v", r.Feedback)
	}
	for i := range 50 {
		r.Told(Feedback{Was: fmt.Sprint(i)})
	}
	if last, _ := r.Judged(); len(r.Feedback) != maxFeedback || last.Was != "49" {
		t.Errorf("%d, %+v", len(r.Feedback), last)
	}
}

func TestACommentOfASilenceIsFeedback(t *testing.T) {
	reader := NewCommentReader()
	for comment, want := range map[string]string{
		"culprit: right":                                   "right ",
		"ACK OPS-1. Culprit: Right, restarting":            "right ",
		"culprit: wrong":                                   "wrong ",
		"culprit: it was the disk of node 7":               "other the disk of node 7",
		"culprit: it was the disk\nsecond line":            "other the disk",
		"looking [culprit: right = 5, 88 % http://x/r/1]":  "",
		"looking [culprit: a http://x/r/1] culprit: wrong": "wrong ",
		"culprit: was right":                               "right ",
		"culprit: I don't know":                            "",
		"the culprit is right here":                        "",
		"":                                                 "",
		"culprit: rightsizing of checkout, OPS-7":          "",
		"culprit: wrongly scaled by hand":                  "",
		"culprit: right-hand node":                         "",
		"culprit: right now I am looking":                  "",
		"I doubt that: culprit: right?":                    "",
		"see http://x/culprit: right":                      "",
		"culprit: right – restarting":                      "right ",
		"culprit: it was right":                            "right ",
		"(culprit: wrong)":                                 "wrong ",
		"culprit: it was wrong DNS entries":                "other wrong DNS entries",
		"culprit: wrong, it was the disk":                  "wrong the disk",
		"Culprit: Wrong. It was the disk, again":           "wrong the disk, again",
		"culprit: wrong, but it was close":                 "wrong ",
		"culprit: right, it was that":                      "right ",
	} {
		got := ""
		if f, ok := reader.Read(comment); ok {
			got = string(f.Says) + " " + f.Was
		}
		if got != want {
			t.Errorf("%q: %q, want %q", comment, got, want)
		}
	}
}
