// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

// The alert's labels are shown next to the line.
func TestALineDoesNotRepeatTheLabelsOfTheAlert(t *testing.T) {
	named := func(name string) analysis.Finding {
		return with(dbConnections(), func(f *analysis.Finding) { f.Name, f.Series = name, name })
	}
	low := func(f *analysis.Finding) { f.Confidence = analysis.Low }
	for _, tt := range []struct {
		name   string
		labels model.LabelSet
		causes []analysis.Finding
		want   string
	}{
		{
			"a label of the place",
			model.LabelSet{"path": "/pay"},
			[]analysis.Finding{payV2()},
			"82 % of the rise is version=v2 (checkout errors 3.1/s → 41/s)",
		},
		{
			"another value of it",
			model.LabelSet{"path": "/cart"},
			[]analysis.Finding{payV2()},
			"82 % of the rise is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)",
		},
		{
			"a label by which the places differ",
			model.LabelSet{"path": "/pay"},
			[]analysis.Finding{with(payV2(), func(f *analysis.Finding) {
				f.Labels = []map[string]string{{"version": "v2", "path": "/pay"}, {"version": "v2", "path": "/cart"}}
			})},
			"82 % of the rise is path=/pay, version=v2 and path=/cart, version=v2 (checkout errors 3.1/s → 41/s)",
		},
		{
			"a label by which the causes differ",
			model.LabelSet{"path": "/pay"},
			[]analysis.Finding{
				with(payV2(), func(f *analysis.Finding) { f.Share = 0.5 }),
				with(payV2(), func(f *analysis.Finding) {
					f.Rank, f.Share, f.Labels = 2, 0.4, []map[string]string{{"version": "v2", "path": "/cart"}}
				}),
			},
			"50 % of the rise is path=/pay, version=v2, 40 % path=/cart, version=v2 (checkout errors 3.1/s → 41/s)",
		},
		{
			"all labels of the place",
			model.LabelSet{"path": "/pay", "version": "v2"},
			[]analysis.Finding{payV2()},
			"82 % of the rise is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)",
		},
		{
			"a label by which the series differ",
			model.LabelSet{"service": "pay"},
			[]analysis.Finding{named(`conns{service="pay"}`), with(named(`conns{service="cart"}`), func(f *analysis.Finding) { f.Rank = 2 })},
			`conns{service="pay"} rose ×13, 61 % of the rise (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a label of the series",
			model.LabelSet{"job": "node", "instance": "a:9100"},
			[]analysis.Finding{named(`load{instance="a:9100", job="node", mode="idle"}`)},
			`load{mode="idle"} rose ×13, 61 % of the rise (checkout errors 3.1/s → 41/s)`,
		},
		{
			"all labels of the series",
			model.LabelSet{"job": "node", "instance": "a:9100"},
			[]analysis.Finding{named(`load{instance="a:9100", job="node"}`)},
			`load rose ×13, 61 % of the rise (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a label in the middle, and a value that looks like another",
			model.LabelSet{"b": "1", "c": "x"},
			[]analysis.Finding{named(`load{a="\", c=\"x\", ", b="1", d="c=\"x\""}`)},
			`load{a="\", c=\"x\", ", d="c=\"x\""} rose ×13, 61 % of the rise (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a series without a name",
			model.LabelSet{"job": "node"},
			[]analysis.Finding{named(`{job="node"}`)},
			`{job="node"} rose ×13, 61 % of the rise (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a guess",
			model.LabelSet{"path": "/pay"},
			[]analysis.Finding{with(payV2(), low)},
			"No cause found: checkout errors 3.1/s → 41/s, but nothing stands out; a guess: version=v2",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := input(analysis.Explained, tt.causes...)
			if !Confident(tt.causes[0]) {
				in.Result.Verdict = analysis.NoConfidentCause
			}
			for name, value := range tt.labels {
				in.Alert.Labels[name] = value
			}
			r := New(in)
			if diff := cmp.Diff(tt.want, r.Line()); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
			if !strings.Contains(r.Line(), r.Top()) {
				t.Errorf("%q is not in the line", r.Top())
			}
			if diff := cmp.Diff(tt.causes[0].Labels, r.Result.Causes[0].Labels); diff != "" {
				t.Errorf("the cause itself is changed:\n%s", diff)
			}
		})
	}
}

// A list of possibilities is noise at night: there is at most one guess, marked as such, and none
// next to confident causes.
func TestCauseLinesHoldAtMostOneGuess(t *testing.T) {
	low := func(f *analysis.Finding) { f.Confidence = analysis.Low }
	guesses := []analysis.Finding{with(payV2(), low), with(dbConnections(), low)}
	for _, tt := range []struct {
		name string
		in   Input
		want []string
	}{
		{"only guesses", input(analysis.NoConfidentCause, guesses...), []string{"A guess: path=/pay, version=v2: 82 % of the rise, 1.1/s → 32.2/s"}},
		{"one that is sure, and guesses", input(analysis.Explained, append([]analysis.Finding{payV2()}, guesses...)...), []string{"1. path=/pay, version=v2: 82 % of the rise, 1.1/s → 32.2/s, high confidence"}},
		{"guesses beside another answer", input(analysis.External, guesses...), nil},
		{"a guess that stood still", looked(input(analysis.NoConfidentCause, guesses[1])), nil},
		{"a guess without figures", input(analysis.NoConfidentCause, analysis.Finding{Kind: analysis.KindSeries, Name: "cpu", Confidence: analysis.Low}), []string{"A guess: cpu"}},
	} {
		if got := New(tt.in).CauseLines(5); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	i := Open("group", start, "").Merge([]Report{New(input(analysis.NoConfidentCause, guesses...)), New(input(analysis.NoConfidentCause))}, start)
	if got := i.CauseLines(5); len(got) != 1 || !strings.HasPrefix(got[0], "A guess: ") {
		t.Errorf("the incident says %q", got)
	}
}

// A series has the unit of its own query, whatever the KPI's.
func TestTheFiguresOfASeriesHaveItsUnit(t *testing.T) {
	for query, want := range map[string]string{
		`sum by (pod) (rate(connections_opened_total[2m]))`:    "15.2/s → 196/s",
		`container_memory_working_set_bytes{namespace="cart"}`: "15.2 B → 196 B",
		`db_latency_seconds`: "15.2 s → 3.27 min",
		`db_connections`:     "15.2 → 196",
	} {
		in := input(analysis.Explained, with(dbConnections(), func(f *analysis.Finding) { f.Evidence.Query = "candidate" }))
		in.Plan.Queries = append(in.Plan.Queries, Query{Role: RoleCandidate, Name: "candidate", Query: query})
		if got := New(in).CauseLines(1)[0]; !strings.Contains(got, want+", high") {
			t.Errorf("%s: %q", query, got)
		}
	}
}
