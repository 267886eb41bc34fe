// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

// world is an Alertmanager with one silenced alert. The clock of Client is ten seconds ahead, so
// that the silence is old enough to be updated.
type world struct {
	direct, client *alertmanager.Client
	url            string
	alert          posted
	silence        string // id
	before         func(http.ResponseWriter, *http.Request) bool
}

func newWorld(t *testing.T, opts lab.AlertmanagerOptions) *world {
	t.Helper()
	am := startAlertmanager(t, opts)
	w := &world{direct: connect(t, am.URL()), url: am.URL(), alert: fromPrometheus("Errors")}
	post(t, w.direct, w.alert)
	w.silence = silenced(t, w.direct, silenceOf(w.alert.Labels))
	proxy := httputil.NewSingleHostReverseProxy(parseURL(t, am.URL()).Reveal())
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(10*time.Second).UTC().Format(http.TimeFormat))
		return nil
	}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.before == nil || !w.before(rw, r) {
			proxy.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(s.Close)
	w.client = connect(t, s.URL)
	return w
}

const ourLine = "82 % of the change is path=/pay, version=v2"

func TestTheCausesFollowThePersonsText(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{})
	silenced(t, w.direct, readSilence(t, w.direct, w.silence).Update("ACK! known, see OPS-1", model.LabelSet{"ticket": "OPS-1"}))
	before := readSilence(t, w.direct, w.silence)
	reg := prometheus.NewRegistry()
	s := NewSilences(peersOf(w.client), Options{Registerer: reg})
	m := explained(w.alert.Labels)
	sent := s.Send(t.Context(), m)
	if statuses(sent) != "ok" || sent[0].Ref != w.silence || sent[0].Sink != "silence" {
		t.Fatalf("%+v", sent)
	}
	after := readSilence(t, w.direct, w.silence)
	if want := "ACK! known, see OPS-1 [culprit: " + ourLine + " " + m.Report.URL + "]"; after.Comment != want {
		t.Errorf("comment %q, not %q", after.Comment, want)
	}
	want := model.LabelSet{"ticket": "OPS-1", "culprit_summary": ourLine, "culprit_report": model.LabelValue(m.Report.URL)}
	if diff := cmp.Diff(want, after.Annotations); diff != "" {
		t.Error(diff)
	}
	if after.State != alertmanager.SilenceActive || after.CreatedBy != "ann" || !after.StartsAt.Equal(before.StartsAt) || !after.EndsAt.Equal(before.EndsAt) || !cmp.Equal(after.Matchers, before.Matchers) {
		t.Errorf("%+v became %+v", before, after)
	}
	if all, err := w.direct.Silences(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("there are %d silences, %v", len(all), err)
	}
	lint(t, reg)
}

func TestASilenceIsWrittenOnceForAnIncidentAndOnceMoreWhenTheFirstCauseChanges(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{})
	writes := 0
	w.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			writes++
		}
		return false
	}
	s := NewSilences(peersOf(w.client), Options{})
	m := explained(w.alert.Labels)
	say := func(value string, share float64) []report.Sent {
		cause := m.Report.Result.Causes[0]
		cause.Labels, cause.Share = []map[string]string{{"path": value}}, share
		m.Report.Result.Causes = []analysis.Finding{cause}
		m.Incident = m.Incident.Merge([]report.Report{m.Report}, time.Now())
		sent := s.Send(t.Context(), m)
		m.Report.Sent = append(m.Report.Sent, sent...)
		return sent
	}
	for i, step := range []struct {
		value string
		share float64
		ref   string
	}{{"/pay", 0.8, w.silence}, {"/pay", 0.8, ""}, {"/pay", 0.9, ""}, {"/cart", 0.9, w.silence + "#2"}, {"/pay", 0.9, ""}} {
		sent := say(step.value, step.share)
		if step.ref == "" && len(sent) > 0 || step.ref != "" && (statuses(sent) != "ok" || sent[0].Ref != step.ref) {
			t.Errorf("step %d: %+v", i, sent)
		}
	}
	comment := readSilence(t, w.direct, w.silence).Comment
	if writes != 2 || strings.Count(comment, "culprit:") != 1 || !strings.Contains(comment, "/cart") {
		t.Errorf("%d writes, %q", writes, comment)
	}

	t.Run("and not again after a restart", func(t *testing.T) {
		again := NewSilences(peersOf(w.client), Options{})
		if sent := again.Send(t.Context(), m); len(sent) > 0 {
			t.Errorf("with the outcomes: %+v", sent)
		}
	})
	t.Run("and when the outcome was lost it is seen in the comment", func(t *testing.T) {
		m.Report.Sent = nil
		say := func() []report.Sent { return NewSilences(peersOf(w.client), Options{}).Send(t.Context(), m) }
		if sent := say(); statuses(sent) != "ok" || sent[0].Ref != w.silence+"#2" { // /pay replaces /cart again
			t.Errorf("%+v", sent)
		}
		if sent := say(); len(sent) > 0 {
			t.Errorf("%+v", sent)
		}
	})
}

func TestWhatAPersonRemovedStaysRemoved(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{})
	m := explained(w.alert.Labels)
	m.Report.Sent = NewSilences(peersOf(w.client), Options{}).Send(t.Context(), m)
	silenced(t, w.direct, readSilence(t, w.direct, w.silence).Update("leave this alone", nil))
	if sent := NewSilences(peersOf(w.client), Options{}).Send(t.Context(), m); len(sent) > 0 {
		t.Errorf("%+v", sent)
	}
	if got := readSilence(t, w.direct, w.silence).Comment; got != "leave this alone" {
		t.Errorf("%q", got)
	}
}

func TestASilenceThatAppearsLaterIsFoundByTheReconcileLoop(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{})
	other := fromPrometheus("Other")
	post(t, w.direct, other)
	m := explained(w.alert.Labels)
	open := map[string]Message{m.Report.Alert.Fingerprint: m, other.Labels.Fingerprint().String(): explained(other.Labels)}
	s := NewSilences(peersOf(w.client), Options{})
	reconcile := func() map[string][]report.Sent {
		alerts, err := w.client.Alerts(t.Context(), alertmanager.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Reconcile(t.Context(), alerts, open)
	}
	sent := reconcile()
	if len(sent) != 1 || statuses(sent[m.Report.Alert.Fingerprint]) != "ok" {
		t.Errorf("%+v", sent)
	}
	if got := readSilence(t, w.direct, w.silence).Comment; !strings.Contains(got, ourLine) {
		t.Errorf("%q", got)
	}
	if sent := reconcile(); len(sent) != 0 {
		t.Errorf("the second time: %+v", sent)
	}
}

func TestASilenceThatExpiresUnderAnUpdateStaysExpired(t *testing.T) {
	for name, tc := range map[string]struct {
		undo    bool
		outcome string
	}{"the new one is expired at once": {true, "expired"}, "or loudly left": {false, "left"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, lab.AlertmanagerOptions{})
			w.before = func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					if err := w.direct.DeleteSilence(t.Context(), w.silence); err != nil {
						t.Error(err)
					}
				}
				if r.Method == http.MethodDelete && !tc.undo {
					http.Error(rw, "no", 500)
					return true
				}
				return false
			}
			reg := prometheus.NewRegistry()
			s := NewSilences(peersOf(w.client), Options{Registerer: reg})
			sent := s.Send(t.Context(), explained(w.alert.Labels))
			if statuses(sent) != "failed" || !strings.Contains(sent[0].Error, "had just expired") {
				t.Errorf("%+v", sent)
			}
			if counted(t, reg, "culprit_silences_by_mistake_total", tc.outcome) != 1 {
				t.Error("it is not counted")
			}
			if alert := mustFind(t, w.direct, w.alert.Labels); (len(alert.SilencedBy) == 0) != tc.undo {
				t.Errorf("the alert is silenced by %v", alert.SilencedBy)
			}
			lint(t, reg)
		})
	}
}

func TestASilenceIsLeftAloneUnlessItIsSafe(t *testing.T) {
	expired := func(t *testing.T, w *world) []*alertmanager.Client {
		deaf := front(t, w.url, func(rw http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/api/v2/silence/") {
				fmt.Fprintf(rw, `{"id":%q,"status":{"state":"expired"}}`, w.silence)
				return true
			}
			return false
		})
		return peersOf(w.client, deaf)
	}
	for name, tc := range map[string]struct {
		peers func(*testing.T, *world) []*alertmanager.Client
		why   string
	}{
		"it was changed just now": {func(_ *testing.T, w *world) []*alertmanager.Client { return peersOf(w.direct) }, "less than 5 s ago"},
		"it ends within a minute": {func(t *testing.T, w *world) []*alertmanager.Client {
			s := readSilence(t, w.direct, w.silence)
			silenced(t, w.direct, edit(t, s, map[string]any{"endsAt": time.Now().Add(65 * time.Second)}))
			return peersOf(w.client)
		}, "within a minute"},
		"another peer knows that it has expired": {expired, "is expired"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, lab.AlertmanagerOptions{})
			peers := tc.peers(t, w)
			before := readSilence(t, w.direct, w.silence)
			sent := NewSilences(peers, Options{}).Send(t.Context(), explained(w.alert.Labels))
			if len(sent) != 1 || sent[0].Status != report.SentSkipped || !strings.Contains(sent[0].Error, tc.why) {
				t.Errorf("%+v", sent)
			}
			if after := readSilence(t, w.direct, w.silence); after.Comment != before.Comment || !after.UpdatedAt.Equal(before.UpdatedAt) {
				t.Errorf("%+v", after)
			}
		})
	}
}

func TestAServerThatLimitsSilencesGetsTheCommentAlone(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{MaxSilenceSize: 380})
	if sent := NewSilences(peersOf(w.client), Options{}).Send(t.Context(), explained(w.alert.Labels)); statuses(sent) != "ok" {
		t.Fatalf("%+v", sent)
	}
	s := readSilence(t, w.direct, w.silence)
	if !strings.Contains(s.Comment, ourLine) || len(s.Annotations) != 0 {
		t.Errorf("%q %v", s.Comment, s.Annotations)
	}
	t.Run("and is left alone when even that is too large", func(t *testing.T) {
		w := newWorld(t, lab.AlertmanagerOptions{MaxSilenceSize: 200})
		sent := NewSilences(peersOf(w.client), Options{}).Send(t.Context(), explained(w.alert.Labels))
		if statuses(sent) != "failed" || sent[0].Retryable || !strings.Contains(sent[0].Error, "200 bytes") {
			t.Errorf("%+v", sent)
		}
	})
}

func TestNothingIsWrittenWithoutACauseOrWithoutASilence(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{})
	w.before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		return false
	}
	none := explained(w.alert.Labels)
	none.Report.Result.Causes, none.Incident.Causes = nil, nil
	over := explained(w.alert.Labels)
	over.Resolved = true
	other := fromPrometheus("Other")
	post(t, w.direct, other)
	for name, m := range map[string]Message{"no cause": none, "resolved": over, "not silenced": explained(other.Labels)} {
		if sent := NewSilences(peersOf(w.client), Options{}).Send(t.Context(), m); len(sent) != 0 {
			t.Errorf("%s: %+v", name, sent)
		}
	}
}

func TestAPeerThatIsDownIsToldAndTheOthersAreUsed(t *testing.T) {
	w := newWorld(t, lab.AlertmanagerOptions{})
	down := httptest.NewServer(nil)
	down.Close()
	sent := NewSilences(peersOf(connect(t, down.URL), w.client), Options{}).Send(t.Context(), explained(w.alert.Labels))
	if statuses(sent) != "failed ok" || !sent[0].Retryable {
		t.Errorf("%+v", sent)
	}
}

func TestSeveralAlertsOfAnIncidentShareTheLineOfTheIncident(t *testing.T) {
	m := explained(errands())
	m.Incident = m.Incident.Merge([]report.Report{m.Report, explained(model.LabelSet{"alertname": "B"}).Report}, time.Now())
	if block := blockOf(m); !strings.HasPrefix(block, " [culprit: 2 alerts: ") || !strings.HasSuffix(block, " "+m.Incident.URL+"]") {
		t.Errorf("%q", block)
	}
}

func TestTheBlockIsOneShortLineThatIsFoundAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := explained(errands())
		m.Report.Result.Causes[0].Labels = []map[string]string{{rapid.String().Draw(t, "label"): rapid.StringN(-1, -1, 900).Draw(t, "value")}}
		m.Report.URL = rapid.StringMatching(`https?://[a-z\[\]]{1,200}(/[a-z0-9\]]{1,100})?`).Draw(t, "url")
		block := blockOf(m)
		if len(block) > blockLimit || strings.ContainsAny(block, "\n\r\t") || !utf8.ValidString(block) {
			t.Fatalf("%d bytes: %q", len(block), block)
		}
		person := rapid.StringMatching(`[^\[]{0,60}`).Draw(t, "person")
		once := withBlock(person, block)
		if !strings.HasPrefix(once, strings.TrimRight(person, " \n\t")) {
			t.Errorf("the comment %q became %q", person, once)
		}
		if twice := withBlock(once, block); twice != once {
			t.Errorf("%q became %q", once, twice)
		}
		if other := withBlock(once, blockOpen+"other"+blockClose); strings.Count(other, "[culprit:") != 1 || !strings.Contains(other, "[culprit: other]") {
			t.Errorf("%q became %q", once, other)
		}
	})
}

// matchersOf converts the matchers of a silence to those that Alertmanager itself uses.
func matchersOf(t *rapid.T, all []alertmanager.Matcher) labels.Matchers {
	var ms labels.Matchers
	for _, m := range all {
		kind := map[[2]bool]labels.MatchType{
			{true, false}: labels.MatchEqual, {false, false}: labels.MatchNotEqual,
			{true, true}: labels.MatchRegexp, {false, true}: labels.MatchNotRegexp,
		}[[2]bool{m.IsEqual, m.IsRegex}]
		matcher, err := labels.NewMatcher(kind, m.Name, m.Value)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, matcher)
	}
	return ms
}

func anyLabels() *rapid.Generator[model.LabelSet] {
	return rapid.Custom(func(t *rapid.T) model.LabelSet {
		ls := model.LabelSet{}
		for range rapid.IntRange(0, 6).Draw(t, "labels") {
			name := rapid.SampledFrom([]string{"alertname", "service", "a", "b", noteLabel}).Draw(t, "name")
			ls[model.LabelName(name)] = model.LabelValue(rapid.SampledFrom([]string{"", "x", "y", ".*", "inc"}).Draw(t, "value"))
		}
		return ls
	})
}

func TestNoSilenceThatCulpritCouldWriteMatchesAnAlertByItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// What culprit creates matches nothing, not even an alert with its label.
		m := explained(anyLabels().Draw(t, "alert"))
		m.Incident.ID = rapid.SampledFrom([]string{"inc", "x"}).Draw(t, "incident")
		note := noteOf(m, time.Now())
		if ms := matchersOf(t, note.Matchers); ms.Matches(anyLabels().Draw(t, "any")) || ms.Matches(m.Report.Alert.Labels) {
			t.Fatalf("%v matches an alert", ms)
		}

		// What culprit updates keeps its matchers and its duration.
		var matchers []alertmanager.Matcher
		for range rapid.IntRange(1, 4).Draw(t, "matchers") {
			matchers = append(matchers, alertmanager.Matcher{
				Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value"),
				IsEqual: rapid.Bool().Draw(t, "equal"), IsRegex: rapid.Bool().Draw(t, "regex"),
			})
		}
		raw, err := json.Marshal(map[string]any{
			"id": "id", "matchers": matchers, "comment": rapid.String().Draw(t, "comment"), "createdBy": "ann",
			"startsAt": "2026-11-22T04:47:47.806Z", "endsAt": "2026-11-22T05:47:47.806Z", "updatedAt": "2026-11-22T04:47:47.806Z",
		})
		if err != nil {
			t.Fatal(err)
		}
		var before, after alertmanager.Silence
		if err := json.Unmarshal(raw, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(before.Update(withBlock(before.Comment, blockOf(m)), silenceAnnotations(m)), &after); err != nil {
			t.Fatal(err)
		}
		if after.ID != before.ID || !cmp.Equal(after.Matchers, before.Matchers) || !after.StartsAt.Equal(before.StartsAt) || !after.EndsAt.Equal(before.EndsAt) || after.CreatedBy != "ann" {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}
