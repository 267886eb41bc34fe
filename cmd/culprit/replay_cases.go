// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// readCases reads the output of `culprit export`: one case, or one per line.
func readCases(files []string) ([]report.ReplayCase, error) {
	var all []report.ReplayCase
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		cases, err := decodeCases(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s, case %d: %w; hint: write it with culprit export", file, len(cases)+1, err)
		}
		all = append(all, cases...)
	}
	return all, nil
}

func decodeCases(r io.Reader) (cases []report.ReplayCase, err error) {
	dec := json.NewDecoder(r)
	for {
		var c report.ReplayCase
		err := dec.Decode(&c)
		if errors.Is(err, io.EOF) {
			return cases, nil
		}
		if err == nil && (len(c.Alert.Labels) == 0 || c.At.IsZero()) {
			err = errors.New("it has no alert or no time")
		}
		if err != nil {
			return cases, err
		}
		cases = append(cases, c)
	}
}

// questionOf makes the question of a case: the same alert, at the same time, with the changes
// reported then.
func questionOf(cfg *config.Config, c report.ReplayCase) explain.Question {
	q := explain.QuestionOf(cfg, find.Subject{Alert: c.Alert, Onset: c.Onset, Now: c.At})
	if len(c.Changes) > 0 {
		q.Changes = c
	}
	return q
}

// compared is a case with today's answer.
type compared struct {
	Case    report.ReplayCase `json:"case"`
	Summary string            `json:"summary"`
	Verdict string            `json:"verdict"`
}

func compare(cases []report.ReplayCase, reports []report.Report) []compared {
	all := make([]compared, 0, len(reports))
	for _, r := range reports {
		at := slices.IndexFunc(cases, func(c report.ReplayCase) bool {
			return c.Alert.Fingerprint == r.Alert.Fingerprint && c.Alert.StartsAt.Equal(r.Alert.StartsAt)
		})
		if at >= 0 {
			all = append(all, compared{cases[at], r.Summary, cases[at].Compare(r)})
		}
	}
	return all
}

// printCompared prints for each case the earlier answer, the feedback, and today's answer.
func printCompared(w io.Writer, all []compared) error {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	counts := map[string]int{}
	for _, c := range all {
		counts[c.Verdict]++
		fmt.Fprintf(t, "%s\t%s\t%s\n", c.Case.Alert.StartsAt.UTC().Format(timeLayout), c.Case.Report, c.Verdict)
		fmt.Fprintf(t, "\tthen\t%s\n", c.Case.Summary)
		if f := c.Case.Feedback; f != nil {
			fmt.Fprintf(t, "\tpeople\t%s %s\n", f.Says, f.Was)
		}
		fmt.Fprintf(t, "\tnow\t%s\n", c.Summary)
	}
	_ = t.Flush() // writing to a buffer can't fail
	for _, v := range []string{report.StillRight, report.NowOther, report.StillWrong, report.NoMore, report.SameAnswer, report.NewAnswer} {
		if n := counts[v]; n > 0 {
			fmt.Fprintf(&text, "%d of %d: %s\n", n, len(all), v)
		}
	}
	_, err := w.Write(trimLines(text.Bytes()))
	return err
}
