// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
)

func TestIDs(t *testing.T) {
	const fp = "5ef77f1f8a3ecf8d"
	id := ID(fp, start)
	if id != ID(fp, start.In(time.FixedZone("elsewhere", 3600))) {
		t.Error("the same instant in another zone has another id")
	}
	seen := map[string]bool{id: true}
	for _, other := range []string{ID(fp, start.Add(time.Nanosecond)), ID("5ef77f1f8a3ecf8e", start), IncidentID(fp, start), IncidentID("", start)} {
		if seen[other] {
			t.Errorf("the id %s is there twice", other)
		}
		seen[other] = true
	}
	for id := range seen {
		if !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(id) {
			t.Errorf("%q is not safe as a key", id)
		}
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		name string
		in   Input
		want Status
	}{
		{"all was there", input(analysis.Explained, payV2()), Complete},
		{"a doubt of a method", doubtful(input(analysis.Explained), "adtributor", "few leaves"), Complete},
		{"a query by its name", doubtful(input(analysis.Explained), "checkout errors", "timeout"), Partial},
		{"a query by its role", doubtful(input(analysis.External), "target", "timeout"), Partial},
		{"the server", doubtful(input(analysis.External), "prometheus", "connection refused"), Partial},
		{"what was left out for its cost", doubtful(input(analysis.External), "cost", "3 queries were left out"), Partial},
		{"a breakdown", doubtful(input(analysis.External), "checkout errors: breakdown", "timeout"), Partial},
		{"nothing could be said", doubtful(input(analysis.InsufficientEvidence), "target", "timeout"), Failed},
		{"no verdict at all", Input{}, Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := New(tt.in).Status; got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestEmptyListsAreWrittenAsLists(t *testing.T) {
	body, err := json.Marshal(New(Input{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"causes":[]`, `"dimensions":[]`, `"warnings":[]`, `"nodes":[]`, `"edges":[]`, `"queries":[]`, `"sent":[]`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
}

func TestLinks(t *testing.T) {
	in := input(analysis.External)
	if got, want := New(in).URL, "https://culprit.example.org/reports/"+New(in).ID; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	in.Base = ""
	if got := New(in).URL; got != "" {
		t.Errorf("no external URL, but a link %s", got)
	}
}

func frame(rows int, f func(i int) float64) analysis.Frame {
	fr := analysis.Frame{Targets: []analysis.Target{{Name: "kpi", Candidates: []analysis.Series{{Name: dbConnections().Series}, {Name: "other"}}}}}
	for i := range rows {
		fr.Times = append(fr.Times, float64(30*i))
		fr.Targets[0].Values = append(fr.Targets[0].Values, f(i))
		for c := range fr.Targets[0].Candidates {
			s := &fr.Targets[0].Candidates[c]
			s.Values = append(s.Values, -f(i))
		}
	}
	return fr
}

func TestChartsAreTheKPIAndTheCauses(t *testing.T) {
	fr := frame(3, func(i int) float64 { return []float64{1, math.NaN(), 3}[i] })
	charts := Charts(fr, []analysis.Finding{payV2(), dbConnections(), {Kind: analysis.KindSeries, Series: "unknown"}})
	one, three, minusOne, minusThree := 1.0, 3.0, -1.0, -3.0
	want := []Chart{
		{Name: "kpi", Times: []float64{0, 30, 60}, Values: []*float64{&one, nil, &three}},
		{Name: dbConnections().Series, Times: []float64{0, 30, 60}, Values: []*float64{&minusOne, nil, &minusThree}},
	}
	if diff := cmp.Diff(want, charts); diff != "" {
		t.Error(diff)
	}
	if got := Charts(analysis.Frame{}, nil); got != nil {
		t.Errorf("no target, but charts %v", got)
	}
}

func TestIncidentIsMoreThanASliverOfItsChart(t *testing.T) {
	fr := frame(2000, func(i int) float64 { return float64(i) }) // a row each 30 s
	for _, tt := range []struct{ onset, first float64 }{
		{0, 0},                                // no onset known: everything
		{1999*30 - 600, 1999*30 - 600 - 4800}, // ten minutes: eight times as much before
		{1999*30 - 60, 1960 * 30},             // a minute: a quarter of an hour, but 40 rows at the least
		{100 * 30, 0},                         // nearly all of it
	} {
		fr.Onset = tt.onset
		if got := Charts(fr, nil)[0].Times[0]; got > tt.first || got < tt.first-300 {
			t.Errorf("onset %g: the chart begins at %g, want %g", tt.onset, got, tt.first)
		}
	}
}

func TestThinningLosesNoSpike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 3000).Draw(t, "rows")
		spike, hole := rapid.IntRange(0, rows-1).Draw(t, "spike"), rapid.IntRange(0, rows-1).Draw(t, "hole")
		c := Charts(frame(rows, func(i int) float64 {
			switch i {
			case spike:
				return 100
			case hole:
				return math.NaN()
			default:
				return float64(i % 7)
			}
		}), nil)[0]
		if len(c.Values) > 240 || len(c.Values) != len(c.Times) {
			t.Fatalf("%d points, %d times", len(c.Values), len(c.Times))
		}
		if !slices.IsSorted(c.Times) {
			t.Fatal("times do not ascend")
		}
		if !slices.ContainsFunc(c.Values, func(v *float64) bool { return v != nil && *v == 100 }) {
			t.Fatal("the spike is lost")
		}
	})
}
