// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
)

func TestLine(t *testing.T) {
	medium := func(f *analysis.Finding) { f.Confidence = analysis.Medium }
	low := func(f *analysis.Finding) { f.Confidence = analysis.Low }
	tests := []struct {
		name string
		in   Input
		want string
	}{
		{
			"both kinds confident", input(analysis.Explained, payV2(), dbConnections()),
			`82 % of the rise is path=/pay, version=v2; db connections{pod="cart-db-0"} rose ×13 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a change that is more", input(analysis.Explained, analysis.Finding{
				Rank: 1, Kind: analysis.KindChange, Confidence: analysis.High, Name: "checkout was rolled out (v41 → v42)",
				Sentence: "checkout was rolled out 90 s before (v41 → v42); 82 % of the change of errors is version=v42",
			}, with(dbConnections(), low)),
			`checkout was rolled out 90 s before (v41 → v42); 82 % of the change of errors is version=v42 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a likely change beside a place", input(analysis.Explained, analysis.Finding{
				Rank: 1, Kind: analysis.KindChange, Confidence: analysis.Medium, Name: "a flag", Sentence: "flag fast was switched 4 min before",
			}, payV2()),
			`likely flag fast was switched 4 min before; 82 % of the rise is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"why before where", input(analysis.Explained,
				with(dbConnections(), func(f *analysis.Finding) { f.Rank = 1 }), with(payV2(), func(f *analysis.Finding) { f.Rank = 2; medium(f) })),
			`db connections{pod="cart-db-0"} rose ×13; likely 82 % of the rise is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"only where", input(analysis.Explained, payV2(), with(dbConnections(), low)),
			`82 % of the rise is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"only why, without figures", input(analysis.Explained, with(dbConnections(), func(f *analysis.Finding) { f.Share, f.Evidence = 0, analysis.Evidence{} })),
			`db connections{pod="cart-db-0"} moved with it (checkout errors 3.1/s → 41/s)`,
		},
		{
			"several values of one label", input(analysis.Explained, with(payV2(), func(f *analysis.Finding) {
				f.Labels = []map[string]string{{"path": "/a"}, {"path": "/b"}}
			})),
			`82 % of the rise is path=/a and /b (checkout errors 3.1/s → 41/s)`,
		},
		{
			"several combinations", input(analysis.Explained, with(payV2(), func(f *analysis.Finding) {
				f.Labels = []map[string]string{{"path": "/a", "zone": ""}, {"path": "/b"}}
			})),
			`82 % of the rise is path=/a, zone="" and path=/b (checkout errors 3.1/s → 41/s)`,
		},
		{
			"a fall", fall(input(analysis.Explained, payV2())),
			`82 % of the fall is path=/pay, version=v2 (checkout errors 41/s → 3.1/s)`,
		},
		{
			"nothing stands out", input(analysis.NoConfidentCause),
			`No cause found: checkout errors 3.1/s → 41/s, but nothing stands out`,
		},
		{
			"nothing passes its mark", input(analysis.NoConfidentCause, with(payV2(), low)),
			`No cause found: checkout errors 3.1/s → 41/s, but nothing stands out; a guess: path=/pay, version=v2`,
		},
		{
			"series were looked at, and none moved", looked(input(analysis.NoConfidentCause, with(dbConnections(), low)), "Redis", "node_exporter"),
			`No cause found: checkout errors 3.1/s → 41/s, but none of 14 series of Redis and node_exporter moved`,
		},
		{
			"the same of so many exporters that nobody reads their names", looked(input(analysis.NoConfidentCause, with(payV2(), low)), "a", "b", "c", "d", "e"),
			`No cause found: checkout errors 3.1/s → 41/s, but none of 14 series moved; a guess: path=/pay, version=v2`,
		},
		{
			"alike everywhere, and no series moved", looked(everywhere(analysis.MovedAlike), "HAProxy"),
			`No single place: checkout errors 3.1/s → 41/s is spread alike over all labels; look upstream: demand, a shared dependency, a rollout everywhere; 14 series of HAProxy were looked at; none moved`,
		},
		{
			"a guess, and what makes it one", unclear("svc2 stands out as much as the first", input(analysis.NoConfidentCause, with(payV2(), low))),
			`No cause found: checkout errors 3.1/s → 41/s, but svc2 stands out as much as the first; a guess: path=/pay, version=v2`,
		},
		{
			"common load", loaded(analysis.Load{Series: "lb|requests", Factor: 1.8, Moved: 24, Of: 37}),
			`Load rose everywhere: lb|requests +80 % (checkout errors 3.1/s → 41/s); look at who asks: callers, clients, a batch job`,
		},
		{
			"common load that nobody measures", loaded(analysis.Load{Factor: 0.5, Moved: 24, Of: 37}),
			`Load fell everywhere: 24 of 37 series by 50 % (checkout errors 3.1/s → 41/s); look at who asks: callers, clients, a batch job`,
		},
		{
			"everything moved alike", everywhere(analysis.MovedAlike),
			`No single place: checkout errors 3.1/s → 41/s is spread alike over all labels; look upstream: demand, a shared dependency, a rollout everywhere`,
		},
		{
			"everything moved alike by the labels that were looked at", split(everywhere(analysis.MovedAlike)),
			`No single place: checkout errors 3.1/s → 41/s is spread alike over path, zone; look upstream: demand, a shared dependency, a rollout everywhere`,
		},
		{
			"the mix of traffic", everywhere(analysis.MixShifted),
			`No part changed: checkout errors 3.1/s → 41/s because traffic shifted to parts where it was already higher; look at what moved the traffic: routing, a failover, a new caller`,
		},
		{
			"the mix of traffic, downwards", fall(everywhere(analysis.MixShifted)),
			`No part changed: checkout errors 41/s → 3.1/s because traffic shifted to parts where it was already lower; look at what moved the traffic: routing, a failover, a new caller`,
		},
		{
			"an outage", split(fall(everywhere(analysis.AllStopped))),
			`Everything stopped: checkout errors 41/s → 3.1/s under every label; look at what all of it depends on, and whether it is still scraped`,
		},
		{
			"no change", still(input(analysis.NoChange)),
			`No change found: checkout errors is 41/s, as expected (40.6/s); the alert is about a level, not about a move`,
		},
		{
			"the alert's own series and no other", input(analysis.Explained, with(payV2(), only)),
			`only path=/pay, version=v2 of 18 series (checkout errors 3.1/s → 41/s)`,
		},
		{
			"one of several, and nothing inside of it", input(analysis.Explained, with(payV2(), beside(1, 1, "pod", "zone"))),
			`only path=/pay, version=v2 of 18 series (checkout errors 3.1/s → 41/s); inside it no pod or zone stands out`,
		},
		{
			"one of several, which has another name", input(analysis.Explained, with(with(payV2(), only), called("instance", "b:80"))),
			`only path=/pay, version=v2 of 18 series (checkout errors 3.1/s → 41/s); that is instance=b:80`,
		},
		{
			"all of one value", input(analysis.Explained, with(payV2(), beside(3, 3))),
			`only path=/pay, version=v2, 3 of 18 series (checkout errors 3.1/s → 41/s)`,
		},
		{
			"one of several, and some that are elsewhere", input(analysis.Explained, with(payV2(), beside(1, 5))),
			`path=/pay, version=v2 and 4 more of 18 series (checkout errors 3.1/s → 41/s)`,
		},
		{
			"the alert's own series and all others", among(everywhere(analysis.MovedAlike)),
			`Not this one alone: all 20 series moved alike (checkout errors 3.1/s → 41/s); look upstream: demand, a shared dependency, a rollout everywhere`,
		},
		{
			"an outage of a series and all others", among(fall(everywhere(analysis.AllStopped))),
			`Everything stopped: checkout errors 41/s → 3.1/s, and so have all 20 series; look at what all of it depends on, and whether it is still scraped`,
		},
		{
			"nothing is left of what has no parts", fall(everywhere(analysis.AllStopped)),
			`Everything stopped: checkout errors 41/s → 3.1/s; look at what all of it depends on, and whether it is still scraped`,
		},
		{
			"a time since", clock(93600, true, 7200),
			`Only the clock moved: time since backup_seconds is 26 h and grows by itself; the job that resets it has not run (the 19 others: 2 h)`,
		},
		{
			"a time until", clock(86400*13, false, 0),
			`Only the clock moved: time since backup_seconds is 13 days and falls by itself; nothing has renewed it`,
		},
		{
			"no change of an expression", nobodys(still(input(analysis.NoChange))),
			`No change found: checkout errors is 41/s, as expected (40.6/s)`,
		},
		{
			"parts that moved in a total that stood still", input(analysis.Explained, with(payV2(), func(f *analysis.Finding) { f.Evidence.Gross = true })),
			`82 % of all that moved is path=/pay, version=v2 (checkout errors 3.1/s → 41/s)`,
		},
		{
			"no history", doubtful(input(analysis.InsufficientEvidence), "history", "only 3 samples before the onset"),
			`No answer: only 3 samples before the onset`,
		},
		{
			"the reason and a footnote", doubtful(doubtful(input(analysis.InsufficientEvidence), "onset", "the onset is taken from startsAt"), "expression", "vector(1): it measures no series"),
			`No answer: vector(1): it measures no series`,
		},
		{
			"a footnote alone", doubtful(input(analysis.InsufficientEvidence), "onset", "the onset is taken from startsAt"),
			`No answer: the onset is taken from startsAt`,
		},
		{
			"no words for it", input(analysis.InsufficientEvidence),
			`No answer: there was too little evidence`,
		},
		{
			"a target without a name goes by the alert", unnamed(input(analysis.NoConfidentCause)),
			`No cause found: 3.1/s → 41/s, but nothing stands out`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := New(tt.in)
			if diff := cmp.Diff(tt.want, r.Line()); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
			if r.Summary != r.Line() {
				t.Errorf("the summary is %q, not the line", r.Summary)
			}
		})
	}
}

// only makes a cause the alert's own series, one of 18.
func only(f *analysis.Finding) { f.Evidence = analysis.Evidence{OnlyOf: 18} }

// beside makes a cause a place with that many of 18 series, with others that moved along.
func beside(leaves, along int, inside ...string) func(*analysis.Finding) {
	return func(f *analysis.Finding) {
		f.Evidence = analysis.Evidence{OnlyOf: 18, Leaves: leaves, Along: along, Inside: inside}
	}
}

// called renames a cause.
func called(label, v string) func(*analysis.Finding) {
	return func(f *analysis.Finding) { f.Evidence.Same = append(f.Evidence.Same, analysis.Set{label: v}) }
}

// among compares the KPI with 19 siblings.
func among(in Input) Input {
	c := *in.Result.Change
	c.Siblings = 19
	in.Result.Change = &c
	return in
}

// clock is an alert on the time since or until something.
func clock(now float64, since bool, others float64) Input {
	in := input(analysis.NoChange)
	in.Plan.Queries = []Query{{Role: RoleTarget, Query: "time() - backup_seconds"}}
	in.Result.Change = &analysis.Change{Target: "time since backup_seconds", Actual: now, Rising: since, Clock: true, Others: others, Siblings: 19}
	return in
}

// looked has examined 14 series that did not move.
func looked(in Input, of ...string) Input {
	in.Result.Fit = &analysis.Fit{Series: 14, Of: of}
	return in
}

// split has broken the KPI down by label.
func split(in Input) Input {
	in.Result.Dimensions = []analysis.Dimension{
		{Label: "zone", Elements: []analysis.Element{{Value: "a"}}},
		{Label: "path", Elements: []analysis.Element{{Value: "/pay"}}},
		{Label: "instance", Note: "not broken down: it has too many values"},
	}
	return in
}

func fall(in Input) Input {
	in.Result.Change = &analysis.Change{Target: "checkout errors", Forecast: 41, Actual: 3.1}
	return in
}

func still(in Input) Input {
	in.Result.Change = &analysis.Change{Target: "checkout errors", Forecast: 40.6, Actual: 41}
	return in
}

func everywhere(why analysis.Everywhere) Input {
	in := input(analysis.External)
	in.Result.Everywhere = why
	return in
}

func unclear(why string, in Input) Input {
	in.Result.Unclear = why
	return in
}

func loaded(l analysis.Load) Input {
	in := everywhere(analysis.MovedAlike)
	in.Result.Load = &l
	return in
}

// nobodys is a question about an expression, without an alert.
func nobodys(in Input) Input {
	in.Alert.Labels = nil
	return in
}

func unnamed(in Input) Input {
	in.Result.Change.Target = ""
	return in
}

func doubtful(in Input, source, text string) Input {
	in.Result.Warnings = append(in.Result.Warnings, analysis.Warning{Source: source, Text: text})
	return in
}

func TestCauseLines(t *testing.T) {
	r := New(input(analysis.Explained, payV2(), dbConnections(), with(dbConnections(), func(f *analysis.Finding) {
		f.Name, f.Share, f.Confidence, f.Evidence = "cpu", 0, analysis.Low, analysis.Evidence{}
	})))
	want := []string{
		"1. path=/pay, version=v2: 82 % of the rise, 1.1/s → 32.2/s, high confidence",
		`2. db connections{pod="cart-db-0"}: 61 % of the rise, 15.2 → 196, high confidence`,
	}
	if diff := cmp.Diff(want, r.CauseLines(5)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got := r.CauseLines(2); !slices.Equal(got, want[:2]) {
		t.Errorf("two lines asked, got %q", got)
	}
	if got := New(input(analysis.External)).CauseLines(5); len(got) != 0 {
		t.Errorf("no causes, got %q", got)
	}
}

// Parts of a ratio have the unit of its numerator, not percent.
func TestPartsOfARatioAreInTheUnitOfItsNumerator(t *testing.T) {
	in := input(analysis.Explained, payV2())
	in.Plan.Queries[0].Query = "sum(rate(errors_total[2m])) / sum(rate(requests_total[2m]))"
	in.Result.Change = &analysis.Change{Target: "error ratio", Forecast: 0.003, Actual: 0.063, Rising: true}
	r := New(in)
	if want := "82 % of the rise is path=/pay, version=v2 (error ratio 0.3 % → 6.3 %)"; r.Line() != want {
		t.Errorf("got %s", r.Line())
	}
	if want := "1. path=/pay, version=v2: 82 % of the rise, 1.1/s → 32.2/s, high confidence"; r.CauseLines(1)[0] != want {
		t.Errorf("got %s", r.CauseLines(1)[0])
	}
}

// Whatever the labels contain, a line is one line of at most 200 bytes of valid UTF-8 without
// invisible characters.
func TestLinesHoldWhateverTheLabelsAre(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.Just("a\nb\x1b[31m\u202e\u200b\xff"), rapid.StringN(200, 400, -1))
	rapid.Check(t, func(t *rapid.T) {
		in := input(rapid.SampledFrom(Verdicts()).Draw(t, "verdict"))
		in.Alert.Labels = model.LabelSet{"alertname": model.LabelValue(text.Draw(t, "alertname"))}
		in.Result.Change.Target = text.Draw(t, "target")
		in.Result.Warnings = []analysis.Warning{{Source: "x", Text: text.Draw(t, "warning")}}
		in.Result.Causes = []analysis.Finding{
			with(payV2(), func(f *analysis.Finding) {
				f.Labels = []map[string]string{{text.Draw(t, "label"): text.Draw(t, "value")}}
			}),
			with(dbConnections(), func(f *analysis.Finding) { f.Name = text.Draw(t, "name") }),
		}
		one, two := New(in), New(in)
		two.ID, two.Alert.Labels = "x", model.LabelSet{"alertname": "B", "x": model.LabelValue(text.Draw(t, "x"))}
		inc := Open("group", start, "").Merge([]Report{one, two}, start)
		for _, line := range slices.Concat([]string{one.Line(), inc.Line()}, one.CauseLines(5), inc.CauseLines(5)) {
			if len(line) > 200 || !utf8.ValidString(line) || strings.TrimSpace(line) == "" {
				t.Fatalf("%d bytes, valid %t: %q", len(line), utf8.ValidString(line), line)
			}
			if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
				t.Fatalf("control character at %d of %q", i, line)
			}
		}
	})
}

func TestMiddleKeepsBothEnds(t *testing.T) {
	name := `container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d8b"}`
	got := middle(name, 40)
	if len(got) > 40 || !strings.HasPrefix(got, "container_cpu_") || !strings.HasSuffix(got, `5d8b"}`) || !strings.Contains(got, "…") {
		t.Errorf("got %q", got)
	}
	if got := middle("ÄÖÜÄÖÜÄÖÜÄÖÜ", 12); !utf8.ValidString(got) || len(got) > 12 {
		t.Errorf("got %q, %d bytes", got, len(got))
	}
}

// A series is mentioned together with those of its kind that moved alike.
func TestASeriesIsToldWithThoseThatMovedAsItDid(t *testing.T) {
	for of, want := range map[int]string{3: "the 2 others", 5: "2 more of 5"} {
		f := analysis.Finding{Kind: analysis.KindSeries, Name: "heap", Share: .4, Evidence: analysis.Evidence{
			Before: new(1.), After: new(2.), Along: 3, OnlyOf: of,
		}}
		if got := saySeries(f, "the rise"); got != "heap and "+want+" rose ×2, 40 % of the rise" {
			t.Errorf("%s", got)
		}
		if got := describe(f, "the rise", "1 → 2"); got != "heap: 40 % of the rise, 1 → 2, as did "+want {
			t.Errorf("%s", got)
		}
	}
	f := analysis.Finding{Kind: analysis.KindSeries, Name: "heap", Evidence: analysis.Evidence{Before: new(1.), After: new(2.), Along: 2, OnlyOf: 2}}
	if got := saySeries(f, ""); got != "heap and the other one rose ×2" {
		t.Errorf("%s", got)
	}
}
