// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// reportOf makes an open report of a distinct alert.
func reportOf(n int, name string, causes ...analysis.Finding) Report {
	in := input(analysis.Explained, causes...)
	in.Alert.Labels = model.LabelSet{"alertname": model.LabelValue(name), "instance": model.LabelValue(fmt.Sprint(n))}
	in.Alert.Fingerprint = in.Alert.Labels.Fingerprint().String()
	in.Alert.StartsAt = start.Add(time.Duration(n) * time.Minute)
	in.Onset = in.Alert.StartsAt.Add(-2 * time.Minute)
	return New(in)
}

func TestMergeOfTwoAlerts(t *testing.T) {
	one := reportOf(0, "CheckoutErrors", payV2(), dbConnections())
	two := reportOf(1, "CartSlow", with(dbConnections(), func(f *analysis.Finding) { f.Share, f.Confidence, f.Rank = 0.5, analysis.Medium, 1 }))
	two.Grafana = Place{DashboardUID: "cart"}
	inc := Open("group", start, "https://culprit.example.org").Merge([]Report{two, one}, start.Add(time.Hour))

	if diff := cmp.Diff([]string{one.ID, two.ID}, inc.Reports); diff != "" {
		t.Errorf("reports, oldest first:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"CheckoutErrors", "CartSlow"}, inc.Alerts); diff != "" {
		t.Errorf("alerts:\n%s", diff)
	}
	if !inc.Onset.Equal(one.Onset) || inc.Grafana != two.Grafana || !inc.Open() || inc.URL != "https://culprit.example.org/incidents/"+inc.ID {
		t.Errorf("got %+v", inc)
	}
	want := []analysis.Finding{
		with(payV2(), func(f *analysis.Finding) { f.Explains = []string{"CheckoutErrors"} }),
		with(dbConnections(), func(f *analysis.Finding) {
			f.Share, f.Common, f.Explains = 1-(1-0.61)*(1-0.5), true, []string{"CheckoutErrors", "CartSlow"}
		}),
	}
	opts := cmp.Options{cmpopts.IgnoreFields(analysis.Finding{}, "Evidence"), cmpopts.IgnoreUnexported(analysis.Finding{}), cmpopts.EquateApprox(0, 1e-12)}
	if diff := cmp.Diff(want, inc.Causes, opts); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"CheckoutErrors": 0.61, "CartSlow": 0.5}, inc.Causes[1].Evidence.Shares); diff != "" {
		t.Errorf("shares:\n%s", diff)
	}
	if want := `2 alerts: 82 % of the change is path=/pay, version=v2; db connections{pod="cart-db-0"} rose ×13; the first explains 1 of them`; inc.Line() != want {
		t.Errorf("line\n got %s\nwant %s", inc.Line(), want)
	}
	lines := []string{
		"1. path=/pay, version=v2: 82 % of the change, 1.1/s → 32.2/s, high confidence, explains 1 of 2 alerts",
		`2. db connections{pod="cart-db-0"}: 81 % of the change, it rose ×13, high confidence, explains all alerts`,
	}
	if diff := cmp.Diff(lines, inc.CauseLines(5)); diff != "" {
		t.Errorf("lines:\n%s", diff)
	}
}

// Lists of reports lack the queries; the unit must not be lost with them.
func TestASummaryKeepsItsUnitWithoutTheQueries(t *testing.T) {
	whole := reportOf(0, "CheckoutErrors", payV2())
	slim := whole
	slim.Plan.Queries = nil
	inc := Open("group", start, "").Merge([]Report{slim}, start)
	if inc.Line() != whole.Line() || slim.CauseLines(1)[0] != whole.CauseLines(1)[0] {
		t.Errorf("got %q and %q\nwant %q and %q", inc.Line(), slim.CauseLines(1), whole.Line(), whole.CauseLines(1))
	}
	if inc.Unit != words.PerSecond {
		t.Errorf("the incident is in %q", inc.Unit)
	}
	other := reportOf(1, "Memory", payV2())
	other.Units.Parts = words.Bytes
	if inc = inc.Merge([]Report{slim, other}, start); inc.Unit != "" {
		t.Errorf("alerts in /s and B are in %q", inc.Unit)
	}
}

func TestAlertsOfOneNameAreToldApart(t *testing.T) {
	inc := Open("group", start, "").Merge([]Report{reportOf(1, "Slow", payV2()), reportOf(2, "Slow", payV2())}, start)
	want := []string{"Slow{instance=1}", "Slow{instance=2}"}
	if diff := cmp.Diff(want, inc.Causes[0].Explains); diff != "" {
		t.Error(diff)
	}
	if want := "2 alerts: 97 % of the change is path=/pay, version=v2; the first explains all of them"; inc.Line() != want {
		t.Errorf("got %s", inc.Line())
	}
}

// Alerts of a group without labels only have in common that they fire: a cause of two of them does
// not explain a third, unexplained one.
func TestACauseExplainsOnlyAlertsThatHaveIt(t *testing.T) {
	guess := payV2()
	guess.Confidence = analysis.Low
	for name, third := range map[string]Report{"no cause": reportOf(3, "C"), "as a guess": reportOf(3, "C", guess), "another": reportOf(3, "C", dbConnections())} {
		inc := Open("group", start, "").Merge([]Report{reportOf(1, "A", payV2()), reportOf(2, "B", payV2()), third}, start)
		if !strings.HasPrefix(inc.Line(), "3 alerts: 97 % of the change is path=/pay, version=v2; the first explains 2 of them") &&
			!strings.Contains(inc.CauseLines(5)[0], "explains 2 of 3 alerts") {
			t.Errorf("%s: %s, %s", name, inc.Line(), inc.CauseLines(5))
		}
		if first := inc.Causes[0]; first.Common || first.NumExplained() != 2 || len(first.Evidence.Shares) != 2 {
			t.Errorf("%s: %+v", name, first)
		}
	}
	guesses := Open("group", start, "").Merge([]Report{reportOf(1, "A", guess), reportOf(2, "B", guess)}, start)
	if first := guesses.Causes[0]; first.NumExplained() != 2 {
		t.Errorf("a guess in all: %+v", first)
	}
	alone := Open("group", start, "").Merge([]Report{reportOf(1, "A", payV2()), reportOf(3, "C")}, start)
	if alone.Causes[0].Common {
		t.Error("a cause of one report is called common")
	}
	none := Open("group", start, "").Merge([]Report{reportOf(1, "A"), reportOf(3, "C")}, start)
	if want := "2 alerts: no cause found that explains them"; len(none.Causes) != 0 || none.Line()[:len(want)] != want {
		t.Errorf("got %q", none.Line())
	}
}

func TestIncidentClosesWithItsLastAlert(t *testing.T) {
	one, two := reportOf(1, "A", payV2()), reportOf(2, "B", dbConnections())
	inc := Open("group", start, "").Merge([]Report{one, two}, start)
	at := start.Add(time.Hour)
	one.ResolvedAt = &at
	inc = inc.Merge([]Report{one, two}, start.Add(61*time.Minute))
	if !inc.Open() || len(inc.Reports) != 1 || len(inc.Causes) != 1 {
		t.Fatalf("one of two resolved: %+v", inc)
	}
	later := at.Add(time.Hour)
	two.ResolvedAt = &later
	closed := inc.Merge([]Report{two, one}, start.Add(3*time.Hour))
	if closed.Open() || !closed.ResolvedAt.Equal(later) {
		t.Errorf("all resolved: %+v", closed)
	}
	if diff := cmp.Diff(inc.Causes, closed.Causes, cmpopts.IgnoreUnexported(analysis.Finding{})); diff != "" || closed.Summary != inc.Summary || !closed.CreatedAt.Equal(inc.CreatedAt) {
		t.Errorf("a closed incident keeps what it last said:\n%s", diff)
	}
	two.ResolvedAt = nil
	if again := closed.Merge([]Report{one, two}, at); !again.Open() {
		t.Error("an alert that fires again leaves its incident closed")
	}
}

func TestOneReportIsLeftAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReport(t, 0)
		inc := Open("group", start, "").Merge([]Report{r}, start)
		if diff := cmp.Diff(r.Result.Causes, inc.Causes, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(analysis.Finding{})); diff != "" {
			t.Fatal(diff)
		}
		if inc.Line() != r.Line() {
			t.Fatalf("%q is not %q", inc.Line(), r.Line())
		}
	})
}

func TestOrderOfReportsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reports := make([]Report, rapid.IntRange(1, 5).Draw(t, "reports"))
		for i := range reports {
			reports[i] = drawReport(t, i)
		}
		want := Open("group", start, "").Merge(reports, start)
		got := Open("group", start, "").Merge(rapid.Permutation(reports).Draw(t, "order"), start)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(analysis.Finding{})); diff != "" {
			t.Fatal(diff)
		}
		checkMerged(t, reports, want)
	})
}

// checkMerged checks invariants of every merge: each cause once, ranks in order, shares between the
// largest of the reports and 1, and no confident kind hidden.
func checkMerged(t *rapid.T, reports []Report, inc Incident) {
	if len(reports) == 1 {
		return // unchanged
	}
	seen := map[string]bool{}
	largest := map[string]float64{}
	for _, r := range reports {
		for _, f := range r.Result.Causes {
			largest[identity(f)] = max(largest[identity(f)], min(f.Share, 1))
		}
	}
	for k, f := range inc.Causes {
		key := identity(f)
		if seen[key] {
			t.Fatalf("%s is there twice", f.Name)
		}
		seen[key] = true
		if f.Share < largest[key]-1e-6 || f.Share > 1 || math.IsNaN(f.Share) {
			t.Fatalf("%s: share %g, the largest of a report is %g", f.Name, f.Share, largest[key])
		}
		if len(reports) > 1 && f.Rank != k+1 {
			t.Fatalf("rank %d at place %d", f.Rank, k)
		}
	}
	if len(seen) != len(largest) {
		t.Fatalf("%d causes of %d", len(seen), len(largest))
	}
	for _, kind := range []string{analysis.KindLabels, analysis.KindSeries} {
		if best(inc.Causes, kind) != nil && best(inc.Causes[:min(5, len(inc.Causes))], kind) == nil {
			t.Fatalf("a confident cause of kind %s is not among the first five", kind)
		}
	}
}

func drawReport(t *rapid.T, n int) Report {
	causes := make([]analysis.Finding, rapid.IntRange(0, 8).Draw(t, "causes"))
	for i := range causes {
		f := payV2()
		if rapid.Bool().Draw(t, "series") {
			f = dbConnections()
			f.Series = rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")
			f.Name = f.Series
		} else {
			f.Labels = []map[string]string{{"path": rapid.SampledFrom([]string{"/a", "/b", "/c", "/d"}).Draw(t, "path")}}
		}
		f.Rank = i + 1
		f.Share = rapid.SampledFrom([]float64{0, 0.1, 0.5, 1, 1.4}).Draw(t, "share")
		f.Confidence = rapid.SampledFrom([]analysis.Confidence{analysis.High, analysis.Medium, analysis.Low}).Draw(t, "confidence")
		causes[i] = f
	}
	return reportOf(n, rapid.SampledFrom([]string{"A", "B"}).Draw(t, "alert"), causes...)
}

func TestALargeIncidentNamesTheFirstAndCountsAll(t *testing.T) {
	reports := make([]Report, 3*maxExplains)
	for n := range reports {
		own := with(dbConnections(), func(f *analysis.Finding) { f.Series, f.Share = fmt.Sprint("own ", n), .1 })
		reports[n] = reportOf(n, "Slow", payV2(), own)
	}
	inc := Open("group", start, "").Merge(reports, start)
	if len(inc.Causes) != maxCauses || !inc.Causes[0].Common {
		t.Fatalf("%d causes, the first common: %t", len(inc.Causes), inc.Causes[0].Common)
	}
	if f := inc.Causes[0]; len(f.Explains) != maxExplains || f.NumExplained() != len(reports) || f.Explains[1] != "Slow{instance=1}" {
		t.Errorf("%d alerts are named, %d counted, the second is %s", len(f.Explains), f.NumExplained(), f.Explains[1])
	}
	if f := inc.Causes[1]; f.Common || f.NumExplained() != 1 {
		t.Errorf("what one alert has alone explains %d", f.NumExplained())
	}
	if line := inc.Line(); !strings.HasPrefix(line, "300 alerts: ") || !strings.HasSuffix(line, "; the first explains all of them") {
		t.Errorf("line %q", line)
	}
	body, err := json.Marshal(inc)
	if err != nil || len(body) > 1<<20 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

// The cost of an alert must not grow with its group.
func BenchmarkIncident(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 5000} {
		reports := make([]Report, n)
		for i := range reports {
			reports[i] = reportOf(i, "Slow", payV2(), dbConnections(),
				with(dbConnections(), func(f *analysis.Finding) { f.Series, f.Confidence = fmt.Sprint("own ", i), analysis.Low }))
		}
		inc := Open("group", start, "")
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				inc.Merge(reports, start)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/alert")
		})
	}
}
