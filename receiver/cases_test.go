// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// Causes of the tests below.
func rollout(version string, at time.Time) analysis.Finding {
	c := changes.Change{At: float64(at.Unix()), Title: "checkout " + version, To: version, Labels: map[string]string{"service": "checkout"}, Source: "api"}
	return analysis.Finding{Kind: analysis.KindChange, Change: &c, Name: c.Title, Confidence: analysis.High, Labels: []map[string]string{c.Labels}}
}

func placed(set map[string]string) analysis.Finding {
	return analysis.Finding{Kind: analysis.KindLabels, Labels: []map[string]string{set}, Name: "set", Confidence: analysis.High}
}

func guess(f analysis.Finding) analysis.Finding {
	f.Confidence = analysis.Low
	return f
}

// alertIn is a report of an alert about a service, in an alert group.
func alertIn(groupKey, name, service string, start time.Time, causes ...analysis.Finding) *record {
	labels := model.LabelSet{"alertname": model.LabelValue(name), "service": model.LabelValue(service)}
	alert := report.Alert{Labels: labels, StartsAt: start, Fingerprint: labels.Fingerprint().String()}
	for i := range causes {
		causes[i].Rank = i + 1
	}
	return &record{
		Group:  group{Receiver: "culprit", Labels: model.LabelSet{"group": model.LabelValue(groupKey)}, Key: groupKey},
		Report: report.New(report.Input{Alert: alert, Now: start, Onset: start, Result: analysis.Result{Verdict: analysis.Explained, Causes: causes}}),
	}
}

// site serves the pages of a store.
func site(s *store) http.Handler {
	return web.New(web.Options{Reader: reader{store: s, book: &deliveries{of: map[string]map[string]delivery{}}, busy: func(string) bool { return false }, handled: func(string) []report.Handled { return nil }}, Now: s.now})
}

// askSite reads JSON from the pages.
func askSite(t testing.TB, s *store, path string, into any) {
	t.Helper()
	w := httptest.NewRecorder()
	site(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

func casesOf(t testing.TB, s *store) (list []report.Case) {
	t.Helper()
	askSite(t, s, "/api/v1/cases", &list)
	return list
}

// One rollout caused 124 alerts in 20 groups about 31 services, while a disk is full elsewhere.
// That makes two cases, whatever the groups.
func TestAlertsOfOneCauseAreOneCaseWhateverTheirGroups(t *testing.T) {
	now := noon
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{now: func() time.Time { return now }, base: "http://culprit"}, nil)
	for i := range 124 {
		now = noon.Add(time.Duration(i) * time.Second)
		mustPut(t, s, alertIn(fmt.Sprintf("g%d", i%20), fmt.Sprintf("Errors%d", i%4), fmt.Sprintf("s%d", i%31), now, rollout("v42", noon.Add(-time.Minute))))
	}
	disk := placed(map[string]string{"instance": "node7", "mountpoint": "/data"})
	for i := range 3 {
		mustPut(t, s, alertIn("disks", "DiskFull", fmt.Sprintf("db%d", i), now, disk))
	}
	s.settle(t.Context())
	list := casesOf(t, s)
	if len(list) != 2 {
		t.Fatalf("%d cases: %+v", len(list), list)
	}
	other, big := list[0], list[1]
	if big.Alerts != 124 || big.Explained != 124 || len(big.Incidents) != 20 || len(big.Services) != 31 || !strings.HasPrefix(big.Summary, "124 alerts, one cause: ") || big.Cause == nil || big.Cause.Change == nil {
		t.Errorf("%d alerts in %d incidents of %d services: %s", big.Alerts, len(big.Incidents), len(big.Services), big.Summary)
	}
	if other.Alerts != 3 || other.Names[0] != (report.Count{Name: "DiskFull", Alerts: 3}) || !strings.Contains(other.Summary, "node7") {
		t.Errorf("%+v", other)
	}
	var one report.Case
	if askSite(t, s, "/api/v1/cases/"+big.ID, &one); one.Summary != big.Summary || one.URL != "http://culprit/cases/"+big.ID {
		t.Errorf("%+v", one)
	}
	var rep report.Report
	if askSite(t, s, "/api/v1/reports/"+big.Reports[0], &rep); rep.Case != big.ID {
		t.Errorf("the report belongs to %q", rep.Case)
	}
	w := httptest.NewRecorder()
	site(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/cases/"+big.ID, nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "124 of 124 alerts still fire") {
		t.Errorf("the page answers %d: %s", w.Code, w.Body)
	}
}

// A case keeps its ID when others join, and is still found by earlier IDs.
func TestACaseKeepsItsName(t *testing.T) {
	now := noon
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{now: func() time.Time { return now }}, nil)
	a, b := rollout("v42", noon), placed(map[string]string{"cluster": "eu"})
	mustPut(t, s, alertIn("g1", "A", "s1", now, a))
	now = now.Add(time.Minute)
	mustPut(t, s, alertIn("g2", "B", "s2", now, b))
	before := casesOf(t, s)
	if len(before) != 2 {
		t.Fatalf("%d cases", len(before))
	}
	now = now.Add(time.Minute)
	mustPut(t, s, alertIn("g3", "C", "s3", now, a, b)) // has both causes
	after := casesOf(t, s)
	if len(after) != 1 || after[0].ID != before[1].ID || after[0].Alerts != 3 {
		t.Fatalf("%+v", after)
	}
	var same report.Case
	if askSite(t, s, "/api/v1/cases/"+before[0].ID, &same); same.ID != after[0].ID {
		t.Errorf("the younger name leads to %s", same.ID)
	}
}

func TestWhatIsNoReasonToBeOneCase(t *testing.T) {
	cause := placed(map[string]string{"service": "pay"})
	for name, second := range map[string]func() *record{
		"another cause":       func() *record { return alertIn("g2", "B", "s2", noon, placed(map[string]string{"service": "cart"})) },
		"a guess":             func() *record { return alertIn("g2", "B", "s2", noon, guess(cause)) },
		"another time":        func() *record { return alertIn("g2", "B", "s2", noon.Add(16*time.Minute), cause) },
		"nothing was found":   func() *record { return alertIn("g2", "B", "s2", noon) },
		"a rollout of before": func() *record { return alertIn("g2", "B", "s2", noon, rollout("v41", noon.Add(-time.Hour))) },
	} {
		s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
		mustPut(t, s, alertIn("g1", "A", "s1", noon, cause, rollout("v42", noon)))
		mustPut(t, s, second())
		if n := len(casesOf(t, s)); n != 2 {
			t.Errorf("%s: %d cases", name, n)
		}
	}
}

// One alert of another fault in a large group does not join the two faults.
func TestAForeignAlertInAGroupJoinsNoCases(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	one, two := placed(map[string]string{"service": "pay"}), placed(map[string]string{"service": "cart"})
	for i := range 5 {
		mustPut(t, s, alertIn("g1", "A", fmt.Sprint("s", i), noon, one))
		mustPut(t, s, alertIn("g2", "B", fmt.Sprint("s", i), noon, two))
	}
	mustPut(t, s, alertIn("g1", "C", "s9", noon, two))
	s.settle(t.Context())
	if list := casesOf(t, s); len(list) != 2 {
		t.Errorf("%d cases", len(list))
	}
}

// If a change is another alert with a report, its first line is shown; but not for alerts of
// another place or time.
func TestAnAlertAmongTheChangesIsShownWithItsReport(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	in := func(cluster string, r *record) *record {
		r.Report.Alert.Labels["cluster"] = model.LabelValue(cluster) // external: no series in Prometheus has it
		r.Report.Alert.Labels["severity"] = r.Report.Alert.Labels["alertname"] + " is bad"
		r.Report.Alert.Fingerprint = r.Report.Alert.Labels.Fingerprint().String()
		r.Report.ID = report.ID(r.Report.Alert.Fingerprint, r.Report.Alert.StartsAt)
		return r
	}
	disk := changes.Change{At: float64(noon.Add(-3 * time.Minute).Unix()), Title: changes.AlertBegan("DiskFull"), Labels: map[string]string{"service": "db"}, Source: changes.FromAlert}
	posted := disk
	posted.Source = "api"
	now := in("a", alertIn("g1", "Errors", "pay", noon, analysis.Finding{Kind: analysis.KindChange, Change: &disk, Name: disk.Title, Confidence: analysis.Low}))
	now.Report.Plan.End = noon.Add(time.Minute)
	now.Report.Result.Changes = &analysis.Changes{Before: 1, Later: []changes.Change{posted}}
	mustPut(t, s, now)
	for _, other := range []*record{
		in("b", alertIn("g2", "DiskFull", "db", noon.Add(-2*time.Minute))), in("a", alertIn("g3", "DiskFull", "cart", noon.Add(-2*time.Minute))),
		in("a", alertIn("g4", "DiskSlow", "db", noon.Add(-2*time.Minute))), in("a", alertIn("g5", "DiskFull", "db", noon.Add(-time.Hour))),
		in("a", alertIn("g5", "DiskFull", "db", noon.Add(time.Hour))),
	} {
		mustPut(t, s, other)
	}
	var r report.Report
	if askSite(t, s, "/api/v1/reports/"+now.Report.ID, &r); len(r.Others) != 0 {
		t.Fatalf("of another alert: %+v", r.Others)
	}
	full := in("a", alertIn("g5", "DiskFull", "db", noon.Add(-2*time.Minute), placed(map[string]string{"instance": "db-1"})))
	mustPut(t, s, full)
	askSite(t, s, "/api/v1/reports/"+now.Report.ID, &r)
	want := []report.OtherAlert{{Alert: full.Report.Name(), At: noon.Add(-3 * time.Minute).UTC(), Report: full.Report.ID, Summary: full.Report.Summary}}
	if diff := cmp.Diff(want, r.Others); diff != "" {
		t.Error(diff)
	}
	if r.Then == nil || len(r.Then.Alerts) != 2 || r.Then.Alerts[0].Alerts+r.Then.Alerts[1].Alerts != 4 {
		t.Errorf("across the groups there began then %+v", r.Then)
	}
	if stored, err := s.load(t.Context(), now.Report.ID); err != nil || stored.Report.Others != nil || stored.Report.Then != nil {
		t.Errorf("it is stored: %+v, %+v, %v", stored.Report.Others, stored.Report.Then, err)
	}
}

func TestEarlierOccurrencesAreShownWithFeedback(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	s.ttl = 30 * 24 * time.Hour
	pay := placed(map[string]string{"service": "pay"})
	end := func(r *record, after time.Duration) *record {
		at := r.Report.Alert.StartsAt.Add(after)
		r.Report.ResolvedAt = &at
		return r
	}
	day := 24 * time.Hour
	mustPut(t, s, end(alertIn("g0", "A", "s", noon.Add(-40*day), pay), time.Hour)) // too long ago
	mustPut(t, s, end(alertIn("g1", "A", "s", noon.Add(-9*day), rollout("v40", noon.Add(-9*day))), time.Hour))
	last := end(alertIn("g2", "A", "s", noon.Add(-2*day), pay), 12*time.Minute)
	mustPut(t, s, last)
	for i := range 4 { // one occurrence
		mustPut(t, s, end(alertIn("g3", "B", fmt.Sprint("s", i), noon.Add(-3*day+time.Duration(i)*time.Minute), pay), time.Hour))
	}
	if _, err := s.judge(t.Context(), last.Report.ID, report.Feedback{Says: report.Right, Via: report.ViaAPI}); err != nil {
		t.Fatal(err)
	}
	now := alertIn("g4", "A", "s", noon, pay, rollout("v42", noon))
	mustPut(t, s, now)
	mustPut(t, s, alertIn("g5", "B", "s0", noon.Add(-time.Minute), pay)) // this occurrence
	mustPut(t, s, alertIn("g6", "A", "s", noon.Add(day), pay))           // later

	var r report.Report
	askSite(t, s, "/api/v1/reports/"+now.Report.ID, &r)
	if r.Seen == nil || r.Seen.Days != 30 || r.Seen.Alert == nil || r.Seen.Causes == nil || r.Seen.Change == nil {
		t.Fatalf("%+v", r.Seen)
	}
	if got := r.Seen.Alert; got.Times != 2 || got.Last.Report != last.Report.ID || got.Last.Seconds != 720 || got.Last.Feedback == nil || got.Right != 1 {
		t.Errorf("the alert: %+v", got)
	}
	if got := r.Seen.Causes; got.Times != 2 || got.Right != 1 || got.Wrong != 0 {
		t.Errorf("the causes: %+v", got)
	}
	if got := r.Seen.Change; got.Times != 1 || !got.Last.At.Equal(noon.Add(-9*day)) {
		t.Errorf("the change: %+v", got)
	}
	w := httptest.NewRecorder()
	site(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/reports/"+now.Report.ID, nil))
	for _, part := range []string{"2 times in the last 30 days", "for 12 min", "Somebody said that this was right."} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

// full is a store with n reports, a tenth of which share their causes.
func full(t testing.TB, n int) (*store, string) {
	s := makeStore(storeOptions{now: time.Now, ttl: 30 * 24 * time.Hour})
	id := ""
	for i := range n {
		start := noon.Add(-time.Duration(n-i) * 4 * time.Minute)
		cause := placed(map[string]string{"service": fmt.Sprint(i % 10)})
		r := alertIn(fmt.Sprint("g", i/5), "A", fmt.Sprint("s", i%100), start, cause)
		r.Report.Incident = s.join(r)
		r.revision = uint64(i + 1)
		s.remember(*r)
		id = r.Report.ID
	}
	return s, id
}

// Lists of cases and incidents can be filtered like those of reports.
func TestCasesAreFiltered(t *testing.T) {
	judged := alertIn("b", "Slow", "cart", noon.Add(time.Hour))
	judged.Report.Feedback, judged.Report.Prometheus = []report.Feedback{{Says: report.Right}}, "eu"
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	mustPut(t, s, alertIn("a", "Errors", "pay", noon))
	mustPut(t, s, judged)
	for query, want := range map[string]string{
		"": "Slow Errors", `match=service="pay"`: "Errors", `match=service=~"pay|cart"`: "Slow Errors", `match=service="shop"`: "",
		"judged=true": "Slow", "prometheus=eu": "Slow", "prometheus=us": "", "judged=false": "Errors", "status=failed": "", "fingerprint=" + judged.Report.Alert.Fingerprint: "Slow",
		"alertname=Errors": "Errors", `alertname=Slow&match=service="pay"`: "", "open=false": "",
	} {
		var cases []report.Case
		askSite(t, s, "/api/v1/cases?"+query, &cases)
		var names, alerts []string
		for _, c := range cases {
			names = append(names, c.Names[0].Name)
		}
		var incidents []report.Incident
		askSite(t, s, "/api/v1/incidents?"+query, &incidents)
		for _, inc := range incidents {
			alerts = append(alerts, inc.Alerts...)
		}
		if got, of := strings.Join(names, " "), strings.Join(alerts, " "); got != want || of != want {
			t.Errorf("%q: the cases of %q and the incidents of %q, want those of %q", query, got, of, want)
		}
	}
}

// The incidents above the front page's list match its filter.
func TestTheFrontPageHasTheIncidentsThatAreAskedFor(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{now: func() time.Time { return noon.Add(2 * time.Hour) }}, nil)
	for _, r := range []*record{alertIn("a", "Errors", "pay", noon), alertIn("a", "Errors", "bank", noon), alertIn("b", "Slow", "cart", noon.Add(time.Hour)), alertIn("b", "Slow", "mail", noon.Add(time.Hour))} {
		mustPut(t, s, r)
	}
	for query, want := range map[string]string{
		"": "Errors (2) Slow (2)", `match=service="pay"`: "Errors (2)", "q=MAIL": "Slow (2)", "q=zebra": "", "verdict=explained": "Errors (2) Slow (2)", "verdict=insufficient_evidence": "",
		"from=2026-11-29T12:30:00Z": "Slow (2)", "to=2026-11-29T12:30:00Z": "Errors (2)", "alertname=Errors": "Errors (2)", "open=false": "", "open=true": "Errors (2) Slow (2)", "limit=1": "Errors (2) Slow (2)",
	} {
		w := httptest.NewRecorder()
		site(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?"+strings.ReplaceAll(query, `"`, "%22"), nil))
		doc, err := goquery.NewDocumentFromReader(w.Body)
		if err != nil || w.Code != http.StatusOK {
			t.Fatalf("%q: %d, %v", query, w.Code, err)
		}
		got := doc.Find(`h2:contains("Open incidents") + .rows .row-name bdi`).Map(func(_ int, s *goquery.Selection) string { return s.Text() })
		if slices.Sort(got); strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

// storm is a store with one incident of n reports. A third of them share a cause with all reports
// of another incident, which is not enough to join the two.
func storm(n int) (s *store, large, small string) {
	s = makeStore(storeOptions{now: time.Now, ttl: time.Hour})
	shared := placed(map[string]string{"node": "n7"})
	add := func(i int, groupKey string, causes ...analysis.Finding) string {
		r := alertIn(groupKey, "A", fmt.Sprint("s", i), noon, causes...)
		r.Report.Incident, r.revision = s.join(r), uint64(i+1)
		s.remember(*r)
		return r.Report.Incident
	}
	for i := range n {
		causes := []analysis.Finding{placed(map[string]string{"service": fmt.Sprint(i)})}
		if i%3 == 0 {
			causes = append(causes, shared)
		}
		large = add(i, "large", causes...)
	}
	return s, large, add(n, "small", shared)
}

// A page reads each report of an incident once, because it blocks writers meanwhile.
func TestACaseLooksAtEachIncidentOnce(t *testing.T) {
	s, _, small := storm(300)
	near := neighbours{s, map[string]joinable{}, map[string][]joinable{}}
	key := report.CauseKey(report.Report{}, placed(map[string]string{"node": "n7"}))
	if got := near.take(key, noon); len(got) != 1 || got[0].id != small || len(near.known) != 2 {
		t.Fatalf("%d incidents are taken, %d were looked at", len(got), len(near.known))
	}
	delete(s.byKey, key) // another look would find nothing
	for id := range near.known {
		delete(s.byIncident, id)
	}
	if again := near.take(key, noon); len(again) != 0 || len(near.left[key]) != 0 {
		t.Errorf("%d incidents are taken again", len(again))
	}
	s, large, small := storm(300)
	if one, other := s.caseOf(large), s.caseOf(small); one == other || one == "" || other == "" {
		t.Errorf("the cases %q and %q", one, other)
	}
}

// What a page shows next to a report comes from the index: it takes milliseconds with ten thousand
// reports.
func BenchmarkBeside(b *testing.B) {
	s, id := full(b, 10_000)
	r, _ := s.report(id)
	b.Run("seen", func(b *testing.B) {
		for b.Loop() {
			if seen := s.seen(r); seen.Causes.Times == 0 {
				b.Fatal("nothing was before")
			}
		}
	})
	b.Run("then", func(b *testing.B) {
		for b.Loop() {
			if s.beside(&r); r.Then == nil {
				b.Fatal("nothing began then")
			}
		}
	})
	b.Run("case", func(b *testing.B) {
		for b.Loop() {
			if s.caseOf(r.Incident) == "" {
				b.Fatal("it is in no case")
			}
		}
	})
	b.Run("storm", func(b *testing.B) { // an incident of 4,000 reports, seen from one next to it
		s, _, small := storm(4000)
		for b.Loop() {
			if s.caseOf(small) == "" {
				b.Fatal("it is in no case")
			}
		}
	})
}

// Walking from one incident to the next finds the same cases as looking at all of them.
func TestACaseIsTheSameFromEveryIncident(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := makeStore(storeOptions{now: time.Now})
		for i := range rapid.IntRange(1, 12).Draw(t, "reports") {
			start := noon.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "minute")) * time.Minute)
			var causes []analysis.Finding
			for _, c := range rapid.SliceOfN(rapid.IntRange(0, 4), 0, 3).Draw(t, "causes") {
				causes = append(causes, placed(map[string]string{"service": fmt.Sprint(c)}))
			}
			r := alertIn(fmt.Sprint("g", rapid.IntRange(0, 6).Draw(t, "group")), "A", fmt.Sprint("s", i), start, causes...)
			r.Report.Incident, r.revision = s.join(r), uint64(i+1)
			s.remember(*r)
		}
		for _, group := range s.caseGroups() {
			for _, m := range group {
				if got := s.caseOf(m.id); got != report.CaseID(group[0].id) {
					t.Fatalf("from %s it is %s, and %s of all %d", m.id, got, report.CaseID(group[0].id), len(group))
				}
			}
		}
	})
}

// The index of causes is updated when reports are deleted.
func TestTheKeysOfCausesGoWithTheirReports(t *testing.T) {
	s, _ := full(t, 100)
	for _, id := range slices.Collect(maps.Keys(s.byID)) {
		s.expired(id)
	}
	if len(s.byKey) != 0 || len(s.caseGroups()) != 0 {
		t.Errorf("%d keys and %d cases are left", len(s.byKey), len(s.caseGroups()))
	}
}

// Paging through cases and incidents returns each once.
func TestCasesAndIncidentsAreReadPageByPage(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	for i := range 7 {
		mustPut(t, s, alertIn(fmt.Sprint("g", i), fmt.Sprint("A", i), "pay", noon.Add(time.Duration(i)*time.Hour)))
	}
	for _, list := range []string{"/api/v1/cases", "/api/v1/incidents"} {
		var ids []string
		pages := 0
		for next := list + "?limit=3"; next != "" && pages < 9; pages++ {
			w := httptest.NewRecorder()
			site(s).ServeHTTP(w, httptest.NewRequest(http.MethodGet, next, nil))
			var page []struct{ ID string }
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
				t.Fatalf("%s: %v in %s", next, err, w.Body)
			}
			for _, one := range page {
				ids = append(ids, one.ID)
			}
			next, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
		}
		if once := slices.Compact(slices.Sorted(slices.Values(ids))); len(ids) != 7 || len(once) != 7 || pages != 3 {
			t.Errorf("%s: %d of 7, %d of them different, in %d pages", list, len(ids), len(once), pages)
		}
	}
}

// BenchmarkLists measures the first page of each list, by the number of reports.
func BenchmarkLists(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		s, _ := full(b, n)
		h := site(s)
		for _, path := range []string{"/", "/?q=nowhere", "/cases", "/api/v1/reports?limit=1000"} {
			b.Run(fmt.Sprintf("%s/reports=%d", path, n), func(b *testing.B) {
				for b.Loop() {
					w := httptest.NewRecorder()
					if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusOK {
						b.Fatal(w.Body)
					}
				}
			})
		}
	}
}
