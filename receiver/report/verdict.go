// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// Answer is how a verdict is worded and shown.
type Answer struct {
	Verdict    analysis.Verdict
	Everywhere analysis.Everywhere // for the verdict external: the reason

	Look    string // on a page, in two or three words
	Class   string // CSS class on a page: found, none or failed
	Nothing string // replaces an empty list of causes

	Placeless bool // the KPI moved, but no label locates the change
	Still     bool // no place was looked for: nothing changed, or too little is known
	Failed    bool // not an answer: the report counts as failed

	sentences func(Report) []string // of the line, most important first
}

// Answers lists all verdicts, most helpful first. Everything that depends on the verdict, outside
// package analysis, is here.
func Answers() []Answer {
	const nothing = "Nothing examined explains enough of the change to be called its cause."
	return []Answer{
		{
			Verdict: analysis.Explained, Look: "Cause found", Class: "found", Nothing: nothing,
			sentences: Report.sayCauses,
		},
		{
			Verdict: analysis.External, Everywhere: analysis.MovedAlike, Look: "No single place", Class: "none",
			Nothing:   "No label value moved more than the others, and no series moved with the KPI. The cause is outside what was examined.",
			Placeless: true, sentences: Report.sayAlike,
		},
		{
			Verdict: analysis.External, Everywhere: analysis.MixShifted, Look: "Traffic mix", Class: "none",
			Nothing:   "Each label value is as expected for its traffic. What changed is how traffic is distributed.",
			sentences: Report.sayMix,
		},
		{
			Verdict: analysis.External, Everywhere: analysis.AllStopped, Look: "Everything stopped", Class: "none",
			Nothing:   "All label values stopped together, so none of them stands out.",
			sentences: Report.sayStopped,
		},
		{
			Verdict: analysis.NoConfidentCause, Look: "No cause found", Class: "none", Nothing: nothing,
			Placeless: true, sentences: Report.sayCauses,
		},
		{
			Verdict: analysis.NoChange, Look: "No change", Class: "none",
			Nothing: "The KPI is as expected, so there is no change to explain.",
			Still:   true, sentences: Report.sayNoChange,
		},
		noAnswer(),
	}
}

func noAnswer() Answer {
	return Answer{
		Verdict: analysis.InsufficientEvidence, Look: "No answer", Class: "failed",
		Nothing: "There was too little evidence to look for a cause. What was missing is listed below.",
		Failed:  true, sentences: Report.sayNoAnswer,
	}
}

// Verdicts lists the verdicts in the order of [Answers].
func Verdicts() []analysis.Verdict {
	var list []analysis.Verdict
	for _, a := range Answers() {
		list = append(list, a.Verdict)
	}
	return slices.Compact(list)
}

// AnswerOf returns the answer of a result. An unknown verdict, from a newer version, counts as no
// answer.
func AnswerOf(r analysis.Result) Answer {
	why := r.Everywhere
	if r.Verdict == analysis.External {
		why = cmp.Or(why, analysis.MovedAlike)
	}
	for _, a := range Answers() {
		if a.Verdict == r.Verdict && (a.Everywhere == why || a.Everywhere == "") {
			return a
		}
	}
	return noAnswer()
}
