// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// said returns the judgements on the only report.
func (w *world) said() (all []string) {
	for _, f := range w.reports()[0].Feedback {
		all = append(all, string(f.Says)+" "+f.Was+" via "+f.Via)
	}
	return all
}

// silence creates a silence for an alert, or updates the one with an id.
func (w *world) silence(id, alert, comment string) string {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": id, "matchers": []map[string]any{{"name": "alertname", "value": alert, "isRegex": false, "isEqual": true}},
		"startsAt": time.Now().UTC(), "endsAt": time.Now().Add(time.Hour).UTC(), "createdBy": "ann", "comment": comment,
	})
	w.must(err)
	resp, err := http.Post(w.alertmanager.URL()+"/api/v2/silences", "application/json", bytes.NewReader(body))
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	var made struct {
		ID string `json:"silenceID"`
	}
	w.must(json.NewDecoder(resp.Body).Decode(&made))
	return made.ID
}

// On the page, through the API and in a silence's comment.
func TestPeopleSayWhetherAReportWasRight(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("there is a report", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	id := w.reports()[0].ID

	resp, err := http.PostForm(w.daemon.URL()+"/reports/"+id+"/feedback", url.Values{"says": {"wrong"}}) // follows the redirect to the page
	w.must(err)
	page, err := io.ReadAll(resp.Body)
	w.must(err)
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "Was this right?") || !strings.Contains(string(page), "Wrong") {
		t.Errorf("the page answers %d", resp.StatusCode)
	}
	if status, _ := answered(t, w.daemon, http.MethodPost, "/api/v1/reports/"+id+"/feedback", `{"was": "the disk", "by": "ann"}`, "Content-Type: application/json"); status != http.StatusOK {
		t.Errorf("the API answers %d", status)
	}
	w.silence("", "ErrorsHigh", "ACK OPS-7, culprit: right")
	want := []string{"wrong  via page", "other the disk via api", "right  via silence"}
	w.await("all three are stored", func() bool { return strings.Join(w.said(), ", ") == strings.Join(want, ", ") })
	if f, _ := w.reports()[0].Judged(); f.By != "ann" || f.Ref == "" || f.Summary != w.reports()[0].Summary {
		t.Errorf("%+v", f)
	}
	w.await("culprit has written its line into the silence", func() bool {
		sent := w.reports()[0].Sent
		for _, s := range sent {
			if s.Sink == "silence" && s.Status == report.SentOK {
				return true
			}
		}
		return false
	})
	rounds := w.metric(`culprit_reconciles_total{outcome="ok"}`)
	w.await("some rounds have passed", func() bool {
		return len(w.metric(`culprit_reconciles_total{outcome="ok"}`)) > 0 && w.metric(`culprit_reconciles_total{outcome="ok"}`) != rounds
	})
	if got := w.said(); len(got) != 3 {
		t.Errorf("a comment is noted again: %v", got)
	}
	if got := w.metric(`culprit_feedback_total{says="right",via="silence"}`); got != "1" {
		t.Errorf("counted %s times", got)
	}
	w.stop()
	w.start()
	if got := w.said(); len(got) != 3 {
		t.Errorf("after a restart: %v", got)
	}
	var judged []report.Report
	if w.get("/api/v1/reports?judged=true", &judged); len(judged) != 1 {
		t.Errorf("%d reports are judged", len(judged))
	}
}

// Feedback and a new look arrive together, and neither is lost.
func TestFeedbackSurvivesAnotherLook(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	r := recordOf(1, noon)
	mustPut(t, s, r)
	worker := *r // has read the report, and is busy
	if changed, err := s.judge(t.Context(), r.Report.ID, report.Feedback{Says: report.Right, Via: report.ViaAPI}); err != nil || !changed {
		t.Fatalf("%t, %v", changed, err)
	}
	worker.Report.Result.Verdict = analysis.Explained
	mustPut(t, s, &worker)
	stored, err := s.load(t.Context(), r.Report.ID)
	if err != nil || stored.Report.Result.Verdict != analysis.Explained || len(stored.Report.Feedback) != 1 {
		t.Errorf("%v: %+v", err, stored.Report)
	}
	if changed, err := s.judge(t.Context(), r.Report.ID, report.Feedback{Says: report.Right, Via: report.ViaAPI}); err != nil || changed {
		t.Errorf("the same again: %t, %v", changed, err)
	}
}

// A silence that covers the next firing too says nothing about its report.
func TestAnOldCommentIsAboutTheOldReport(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	said := report.Feedback{Says: report.Right, Via: report.ViaSilence, Ref: "s1", At: noon.Add(time.Minute)}
	old, next := recordOf(1, noon), recordOf(2, noon.Add(time.Hour))
	old.Report.Feedback = []report.Feedback{said}
	mustPut(t, s, old)
	if !s.saidBefore(next.Report, said) {
		t.Error("what was said of the old report is taken for the new one")
	}
	said.Says = report.Wrong
	if s.saidBefore(next.Report, said) {
		t.Error("what was not said before is left out")
	}
}

// The report that a silence commented on is gone, and culprit adds its line about the next one to
// the silence. That is no feedback on the next one.
func TestACommentOutlivesTheReportThatItIsAbout(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("there is a report", func() bool { return len(w.reports()) == 1 })
	w.silence("", "ErrorsHigh", "culprit: right")
	w.await("it is judged", func() bool { return len(w.said()) == 1 })
	old := w.reports()[0]

	r, err := w.daemon.store.load(t.Context(), old.ID)
	w.must(err)
	w.must(w.daemon.store.drop(t.Context(), &r))
	w.await("there is another report", func() bool { list := w.reports(); return len(list) == 1 && list[0].CreatedAt.After(old.CreatedAt) })
	w.await("its line is in the silence", func() bool {
		return slices.ContainsFunc(w.reports()[0].Sent, func(s report.Sent) bool {
			return s.Sink == "silence" && s.Status == report.SentOK && s.At.After(old.CreatedAt)
		})
	})
	for range 3 {
		rounds := w.metric(`culprit_reconciles_total{outcome="ok"}`)
		w.await("another round has passed", func() bool {
			now := w.metric(`culprit_reconciles_total{outcome="ok"}`)
			return now != "" && now != rounds
		})
	}
	if got := w.said(); len(got) != 0 {
		t.Errorf("what was said of a report that is gone is said of the next one: %v", got)
	}
	w.silence("", "ErrorsHigh", "culprit: wrong")
	w.await("what is new is noted", func() bool { return strings.Join(w.said(), ", ") == "wrong  via silence" })
}

// A report keeps only its latest feedback: what was pushed out is not added again.
func TestAJudgementThatWasPushedOutIsNotNotedAgain(t *testing.T) {
	bucket, err := brokerOf(t, t.TempDir()).Bucket(t.Context(), "said", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	s := said{bucket, func() time.Time { return now }}
	f := report.Feedback{Says: report.Right, Via: report.ViaSilence, Ref: "s1"}
	one, other, later := recordOf(1, noon).Report, recordOf(2, noon).Report, recordOf(3, noon.Add(time.Hour)).Report
	failed, noted := errors.New("the store is full"), 0
	note := func() error { noted++; return nil }
	for _, step := range []struct {
		about report.Report
		note  func() error
		want  error
	}{
		{one, func() error { return failed }, failed},
		{one, note, nil},
		{one, note, errSaid},
		{other, note, nil},
		{other, note, errSaid}, // at the same time, from the same silence
		{later, note, errSaid},
	} {
		now = now.Add(time.Minute)
		if err := s.once(t.Context(), step.about, f, step.note); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.about.ID, err, step.want)
		}
	}
	now = later.CreatedAt.Add(time.Minute)
	if f.Says = report.Wrong; s.once(t.Context(), later, f, note) != nil || noted != 3 {
		t.Errorf("another word is left out: %d were noted", noted)
	}
}
