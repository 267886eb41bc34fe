// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

func peersOf(c ...*alertmanager.Client) []*alertmanager.Client { return c }

func TestTheAlertCarriesTheCausesAndLosesNothing(t *testing.T) {
	for name, source := range map[string]Source{
		"confirmed by Prometheus": firing(), "no Prometheus": nil,
		"of another sender": &sender{},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := quiet(t), fromPrometheus("Errors")
			post(t, c, p)
			before := mustFind(t, c, p.Labels)
			reg := prometheus.NewRegistry()
			a := NewAnnotations(peersOf(c), Options{Source: source, Registerer: reg})
			m := explained(p.Labels)
			sent := a.Send(t.Context(), m)
			if statuses(sent) != "ok" || sent[0].Ref != c.Address() || sent[0].Sink != "annotation" || sent[0].At.IsZero() {
				t.Fatalf("%+v", sent)
			}
			after := mustFind(t, c, p.Labels)
			want := p.Annotations.Merge(model.LabelSet{
				"culprit_summary": "82 % of the change is path=/pay, version=v2",
				"culprit_causes":  "1. path=/pay, version=v2: 82 % of the change, high confidence",
				"culprit_report":  model.LabelValue(m.Report.URL),
			})
			if diff := cmp.Diff(want, after.Annotations); diff != "" {
				t.Error(diff)
			}
			if !after.StartsAt.Equal(before.StartsAt) || !after.EndsAt.Equal(before.EndsAt) || after.GeneratorURL != before.GeneratorURL {
				t.Errorf("%+v became %+v", before, after)
			}
			if sent := a.Send(t.Context(), m); statuses(sent) != "ok" || counted(t, reg, "culprit_alert_reposts_total", "unchanged") != 1 {
				t.Errorf("sent again: %+v", sent)
			}
			lint(t, reg)
		})
	}
}

func TestTheEndIsShortOnlyWhenPrometheusConfirmsAndNamedIt(t *testing.T) {
	noEnd := posted{Labels: model.LabelSet{"alertname": "NoEnd"}}
	withEnd := fromPrometheus("WithEnd")
	for name, tc := range map[string]struct {
		alert  posted
		source Source
		short  bool
	}{
		"confirmed":                       {withEnd, firing(), true},
		"confirmed, but without an end":   {noEnd, firing(), false},
		"no Prometheus":                   {withEnd, nil, false},
		"Prometheus can't tell":           {withEnd, &sender{}, false},
		"without an end and unconfirmed ": {noEnd, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			am := startAlertmanager(t, lab.AlertmanagerOptions{})
			var bodies []string
			c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					bodies = append(bodies, bodyOf(t, r))
				}
				return false
			})
			post(t, connect(t, am.URL()), tc.alert)
			before := mustFind(t, c, tc.alert.Labels)
			if sent := NewAnnotations(peersOf(c), Options{Source: tc.source}).Send(t.Context(), explained(tc.alert.Labels)); statuses(sent) != "ok" {
				t.Fatalf("%+v", sent)
			}
			copied := strings.Contains(bodies[0], before.EndsAt.Format("2006-01-02T15:04:05.000Z"))
			if len(bodies) != 1 || copied == tc.short {
				t.Errorf("end %v, posts %s", before.EndsAt, bodies)
			}
			after := mustFind(t, c, tc.alert.Labels)
			if !after.EndsAt.Equal(before.EndsAt) {
				t.Errorf("the end %v became %v", before.EndsAt, after.EndsAt)
			}
		})
	}
}

func TestAnAlertThatIsOverIsNotPosted(t *testing.T) {
	ending := fromPrometheus("Ending")
	ending.EndsAt = time.Now().Add(14 * time.Second)
	over := fromPrometheus("Over")
	over.EndsAt = time.Now().Add(-time.Second)
	alive := fromPrometheus("Alive")
	for name, tc := range map[string]struct {
		alert    posted
		source   Source
		resolved bool
		why      string
	}{
		"it ends within 15 s":                       {alert: ending, why: "within 15 s"},
		"it is over":                                {alert: over, why: "gone or resolved"},
		"Prometheus no longer lists it":             {alert: alive, source: &sender{known: true}, why: "no longer lists"},
		"the message itself says that it has ended": {alert: alive, resolved: true},
	} {
		t.Run(name, func(t *testing.T) {
			am := startAlertmanager(t, lab.AlertmanagerOptions{})
			post(t, connect(t, am.URL()), tc.alert)
			c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet {
					t.Errorf("%s %s", r.Method, r.URL)
				}
				return false
			})
			a := NewAnnotations(peersOf(c), Options{Source: tc.source})
			m := explained(tc.alert.Labels)
			m.Resolved = tc.resolved
			sent := a.Send(t.Context(), m)
			if tc.resolved {
				if sent != nil {
					t.Errorf("%+v", sent)
				}
			} else if statuses(sent) != "skipped" || !strings.Contains(sent[0].Error, tc.why) || sent[0].Retryable {
				t.Errorf("%+v", sent)
			}
			alerts, err := c.Alerts(t.Context(), alertmanager.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			if sent := a.Reconcile(t.Context(), c, alerts, map[string]Message{m.Report.Alert.Fingerprint: m}); sent[m.Report.Alert.Fingerprint].Status == report.SentOK {
				t.Errorf("reconcile: %+v", sent)
			}
		})
	}
}

func TestReconcilePutsBackWhatPrometheusErased(t *testing.T) {
	c := quiet(t)
	a := NewAnnotations(peersOf(c), Options{Source: firing()})
	open := map[string]Message{}
	var alerts []posted
	for _, name := range []string{"A", "B", "C"} {
		p := fromPrometheus(name)
		alerts = append(alerts, p)
		m := explained(p.Labels)
		open[m.Report.Alert.Fingerprint] = m
	}
	post(t, c, alerts...)
	post(t, c, fromPrometheus("NotOurs"))
	for _, m := range open {
		if sent := a.Send(t.Context(), m); statuses(sent) != "ok" {
			t.Fatalf("%+v", sent)
		}
	}
	reconcile := func() map[string]report.Sent {
		read, err := c.Alerts(t.Context(), alertmanager.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Reconcile(t.Context(), c, read, open)
	}
	if sent := reconcile(); len(sent) != 0 {
		t.Errorf("nothing is lost, but %+v", sent)
	}
	post(t, c, alerts[0], alerts[2])
	sent := reconcile()
	if len(sent) != 2 || sent[alerts[0].Labels.Fingerprint().String()].Status != report.SentOK || sent[alerts[2].Labels.Fingerprint().String()].Status != report.SentOK {
		t.Errorf("%+v", sent)
	}
	for _, p := range alerts {
		if got := mustFind(t, c, p.Labels); got.Annotations[AnnotationReport] == "" || got.Annotations["summary"] != "many errors" {
			t.Errorf("%v: %v", p.Labels, got.Annotations)
		}
	}
	if got := mustFind(t, c, fromPrometheus("NotOurs").Labels); got.Annotations[AnnotationReport] != "" {
		t.Errorf("%v", got.Annotations)
	}
	if a.Reconcile(t.Context(), connect(t, "http://stranger.example"), nil, open) != nil {
		t.Error("a peer that is not ours was reconciled")
	}
}

func TestAnAlertOfMixedSendersIsRepairedAndThenOnlyCopied(t *testing.T) {
	am := startAlertmanager(t, lab.AlertmanagerOptions{})
	direct, posts := connect(t, am.URL()), 0
	c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			posts++
		}
		return false
	})
	senders := mixed(t)
	post(t, direct, senders...)
	before := mustFind(t, direct, senders[0].Labels)
	reg := prometheus.NewRegistry()
	a := NewAnnotations(peersOf(c), Options{Source: firing(), Registerer: reg})
	if sent := a.Send(t.Context(), explained(senders[0].Labels)); statuses(sent) != "ok" {
		t.Fatalf("%+v", sent)
	}
	after := mustFind(t, direct, senders[0].Labels)
	if !after.EndsAt.Equal(before.EndsAt) || after.Annotations[AnnotationSummary] == "" || posts != 2 {
		t.Errorf("the end %v became %v with %d posts", before.EndsAt, after.EndsAt, posts)
	}
	post(t, direct, senders[0], senders[1])
	if sent := a.Send(t.Context(), explained(senders[0].Labels)); statuses(sent) != "ok" || posts != 3 {
		t.Errorf("the second time there were %d posts: %+v", posts-2, sent)
	}
	if counted(t, reg, "culprit_alert_reposts_total", "repaired") != 1 || counted(t, reg, "culprit_alert_reposts_total", "posted") != 1 {
		t.Error("the outcomes are not counted so")
	}
}

// race is an Alertmanager at which something happens between the read and the post of an alert.
func race(t *testing.T, p posted, happen func(direct *alertmanager.Client)) (through, direct *alertmanager.Client) {
	am := startAlertmanager(t, lab.AlertmanagerOptions{})
	direct = connect(t, am.URL())
	post(t, direct, p)
	done := false
	through = front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && !done {
			done = true
			happen(direct)
		}
		return false
	})
	return through, direct
}

// remembering is a Source that caches its answer for a second.
type remembering struct {
	Source
	at            time.Time
	known, firing bool
	err           error
}

func (r *remembering) Firing(ctx context.Context, ls model.LabelSet) (known, firing bool, err error) {
	if time.Since(r.at) > time.Second {
		r.known, r.firing, r.err = r.Source.Firing(ctx, ls)
		r.at = time.Now()
	}
	return r.known, r.firing, r.err
}

func TestAnAlertThatEndsBetweenReadAndPostFiresForSecondsOnly(t *testing.T) {
	p, source := fromPrometheus("Errors"), firing()
	resolved := p
	c, direct := race(t, p, func(c *alertmanager.Client) {
		source.resolve()
		resolved.EndsAt = time.Now()
		post(t, c, resolved)
	})
	reg := prometheus.NewRegistry()
	a := NewAnnotations(peersOf(c), Options{Source: &remembering{Source: source}, Registerer: reg})
	if sent := a.Send(t.Context(), explained(p.Labels)); statuses(sent) != "skipped" {
		t.Errorf("%+v", sent)
	}
	if again := find(t, direct, p.Labels); again != nil && time.Until(again.EndsAt) > shortLife {
		t.Errorf("it fires for %v", time.Until(again.EndsAt))
	}
	m := explained(p.Labels)
	m.Resolved = true
	a.Send(t.Context(), m)
	alerts, err := direct.Alerts(t.Context(), alertmanager.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	a.Reconcile(t.Context(), c, alerts, nil)
	if counted(t, reg, "culprit_alert_reappearances_total", "") != 1 {
		t.Error("an alert that culprit has started again is not counted")
	}
	lint(t, reg)
}

func TestAResendInTheSameInstantIsReportedAndRetryable(t *testing.T) {
	p := fromPrometheus("Errors")
	am := startAlertmanager(t, lab.AlertmanagerOptions{})
	direct := connect(t, am.URL())
	post(t, direct, p)
	reads := 0
	c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/api/v2/alerts" && r.Method == http.MethodGet {
			if reads++; reads == 2 {
				post(t, direct, p)
			}
		}
		return false
	})
	sent := NewAnnotations(peersOf(c), Options{Source: firing()}).Send(t.Context(), explained(p.Labels))
	if statuses(sent) != "failed" || !sent[0].Retryable || !strings.Contains(sent[0].Error, "same instant") {
		t.Errorf("%+v", sent)
	}
}

func TestAnAlertIsNotCountedAsReappearedWhenItTrulyFiresAgain(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	reg := prometheus.NewRegistry()
	a := NewAnnotations(peersOf(c), Options{Source: firing(), Registerer: reg})
	post(t, c, p)
	m := explained(p.Labels)
	a.Send(t.Context(), m)
	resolved := p
	resolved.EndsAt = time.Now()
	post(t, c, resolved)
	m.Resolved = true
	a.Send(t.Context(), m)
	time.Sleep(10 * time.Millisecond)
	p.StartsAt = time.Now()
	post(t, c, p)
	m.Resolved = false
	if sent := a.Send(t.Context(), m); statuses(sent) != "ok" {
		t.Errorf("%+v", sent)
	}
	if counted(t, reg, "culprit_alert_reappearances_total", "") != 0 {
		t.Error("it is counted")
	}
}

func TestEveryPeerIsAnnotatedAndOneThatIsDownDoesNotStopTheOthers(t *testing.T) {
	one, two, p := quiet(t), quiet(t), fromPrometheus("Errors")
	down := startAlertmanager(t, lab.AlertmanagerOptions{})
	downClient := connect(t, down.URL())
	down.Close()
	post(t, one, p)
	post(t, two, p)
	empty := quiet(t)
	sent := NewAnnotations(peersOf(one, downClient, two, empty), Options{Source: firing()}).Send(t.Context(), explained(p.Labels))
	if statuses(sent) != "ok failed ok skipped" {
		t.Errorf("%+v", sent)
	}
	if !sent[1].Retryable || !strings.Contains(sent[1].Error, "is it up") || sent[1].Ref != downClient.Address() {
		t.Errorf("the one that is down: %+v", sent[1])
	}
	for _, c := range peersOf(one, two) {
		if mustFind(t, c, p.Labels).Annotations[AnnotationReport] == "" {
			t.Errorf("%s has it not", c.Address())
		}
	}
}

func TestFailuresOfAPeerSayWhetherToRetry(t *testing.T) {
	answer := func(method string, status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == method && r.URL.Path == "/api/v2/alerts" {
				http.Error(w, "no", status)
				return true
			}
			return false
		}
	}
	reads := 0
	for name, tc := range map[string]struct {
		hook      func(http.ResponseWriter, *http.Request) bool
		outcome   repostResult
		retryable bool
	}{
		"the read fails":      {answer(http.MethodGet, 500), repostReadFailed, true},
		"the read is refused": {answer(http.MethodGet, 403), repostReadFailed, true},
		"the post fails":      {answer(http.MethodPost, 503), repostFailed, true},
		"the post is refused": {answer(http.MethodPost, 400), repostFailed, false},
		"the peer is slow": {func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/v2/alerts" {
				time.Sleep(1100 * time.Millisecond)
			}
			return false
		}, repostLate, true},
		"it can't be read back": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/v2/alerts" && r.Method == http.MethodGet {
				if reads++; reads > 1 {
					http.Error(w, "no", 500)
					return true
				}
			}
			return false
		}, repostUnchecked, true},
		"the status is forbidden": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/api/v2/status" {
				http.Error(w, "no", http.StatusForbidden)
				return true
			}
			return false
		}, repostPosted, false},
	} {
		t.Run(name, func(t *testing.T) {
			am, p := startAlertmanager(t, lab.AlertmanagerOptions{}), fromPrometheus("Errors")
			post(t, connect(t, am.URL()), p)
			reg := prometheus.NewRegistry()
			a := NewAnnotations(peersOf(front(t, am.URL(), tc.hook)), Options{Source: firing(), Registerer: reg})
			sent := a.Send(t.Context(), explained(p.Labels))
			want := "failed"
			if tc.outcome == repostPosted {
				want = "ok"
			}
			if statuses(sent) != want || sent[0].Retryable != tc.retryable || counted(t, reg, "culprit_alert_reposts_total", string(tc.outcome)) != 1 {
				t.Errorf("%+v", sent)
			}
			if find(t, connect(t, am.URL()), p.Labels) == nil {
				t.Error("the alert is lost")
			}
		})
	}
}

func TestTheIncidentIsMentionedIfTheAlertIsOneOfSeveral(t *testing.T) {
	m := explained(model.LabelSet{"alertname": "A"})
	other := explained(model.LabelSet{"alertname": "B"})
	m.Incident = m.Incident.Merge([]report.Report{m.Report, other.Report}, time.Now())
	ls := annotationsOf(m)
	if ls[AnnotationIncident] != model.LabelValue(m.Incident.Line()) || !strings.HasPrefix(string(ls[AnnotationIncident]), "2 alerts:") || len(ls) != 4 {
		t.Errorf("%v", ls)
	}
}

func TestAnnotationsAreFewSmallAndValidWhateverTheReportHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := explained(model.LabelSet{"alertname": model.LabelValue(rapid.String().Draw(t, "alertname"))})
		text := rapid.StringN(-1, -1, 3000)
		n := rapid.IntRange(0, 8).Draw(t, "causes")
		m.Report.Result.Causes = nil
		for i := range n {
			m.Report.Result.Causes = append(m.Report.Result.Causes, analysis.Finding{
				Rank: i + 1, Kind: rapid.SampledFrom([]string{analysis.KindLabels, analysis.KindSeries}).Draw(t, "kind"),
				Name: text.Draw(t, "name"), Labels: []map[string]string{{"a": text.Draw(t, "value")}}, Share: 0.5, Confidence: analysis.High,
			})
		}
		m.Report.URL = text.Draw(t, "url")
		foreign := model.LabelSet{"summary": "theirs", "culprit_other": "not ours", AnnotationIncident: "an old one of ours"}
		all := annotated(foreign, annotationsOf(m))
		if all["summary"] != "theirs" || all["culprit_other"] != "not ours" {
			t.Errorf("a foreign annotation is changed: %v", all)
		}
		if len(all) > 2+4 || all[AnnotationIncident] == "an old one of ours" {
			t.Errorf("%d annotations: %v", len(all), all)
		}
		for name, value := range all {
			if len(value) > annotationLimit || value == "" || !utf8.ValidString(string(value)) {
				t.Errorf("%s has %d bytes", name, len(value))
			}
		}
		if lines := strings.Count(string(all[AnnotationCauses]), "\n"); lines > 4 {
			t.Errorf("%d line breaks", lines)
		}
	})
}

func TestTheLimiterLetsABurstThroughAndThenARate(t *testing.T) {
	l := newLimiter(50, 3)
	now := l.last
	for i, want := range []time.Duration{0, 0, 0, 20 * time.Millisecond, 40 * time.Millisecond} {
		if got := max(l.reserve(now), 0); got.Round(time.Millisecond) != want {
			t.Errorf("call %d waits %v, not %v", i, got, want)
		}
	}
	if got := l.reserve(now.Add(time.Hour)); got > 0 {
		t.Errorf("after an hour: %v", got)
	}
}
