// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

// erasing is a program that sends an alert again and again.
type erasing struct {
	url          string
	first, every time.Duration
	jitter       time.Duration // now early, now late
}

// lapse is what a sequence of sends costs an alert.
type lapse struct {
	without time.Duration // annotations, in all
	longest time.Duration
	looks   int
}

// play runs the clock over an alert that is sent and looked at whenever the
// rhythm says. A look and a post take a while, as they do.
func play(r *rhythm, senders []erasing, length time.Duration) lapse {
	const step, takes = 5 * time.Millisecond, 40 * time.Millisecond
	start := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	a := alertmanager.Alert{Fingerprint: "f", Labels: model.LabelSet{"alertname": "A"}, StartsAt: start}
	with, without := model.LabelSet{AnnotationSummary: "x rose"}, model.LabelSet{}
	var out lapse
	gap := time.Duration(0)
	for t := time.Duration(0); t < length; t += step {
		at := start.Add(t)
		for _, s := range senders {
			if s.sends(t, step) {
				a.Annotations, a.UpdatedAt, a.GeneratorURL = without, at, s.url+"/graph?g0.expr=x"
			}
		}
		if a.UpdatedAt.IsZero() {
			continue
		}
		if a.Annotations[AnnotationSummary] == "" {
			gap += step
			out.without += step
			out.longest = max(out.longest, gap)
		}
		if due, _ := r.due(at); len(due) > 0 || len(r.beats) == 0 {
			out.looks++
			r.saw(a, at)
			if a.Annotations[AnnotationSummary] == "" {
				gap, out.without = 0, out.without+takes
				a.Annotations, a.UpdatedAt = with, at.Add(takes)
				r.posted(a)
			}
		}
	}
	return out
}

// sends says whether a send falls into a step.
func (e erasing) sends(t, step time.Duration) bool {
	n := (t - e.first + e.every/2) / e.every
	at := e.first + n*e.every
	if n%2 == 1 {
		at += e.jitter
	}
	return n >= 0 && at >= t && at < t+step
}

func TestAnAlertIsHardlyEverWithoutItsCauses(t *testing.T) {
	const a, b = "http://a:9090", "http://b:9090"
	for name, c := range map[string]struct {
		senders []erasing
		share   float64       // of the time, at most
		longest time.Duration // at most
		looks   float64       // a minute, at most
	}{
		"Prometheus":                        {[]erasing{{a, 0, time.Minute, 0}}, 0.02, 2 * time.Second, 16},
		"that keeps its time badly":         {[]erasing{{a, 0, time.Minute, 200 * time.Millisecond}}, 0.02, 2 * time.Second, 18},
		"two of them":                       {[]erasing{{a, 0, 20 * time.Second, 0}, {b, 7 * time.Second, 20 * time.Second, 0}}, 0.04, 2 * time.Second, 20},
		"under one name":                    {[]erasing{{a, 0, 20 * time.Second, 0}, {a, 7 * time.Second, 20 * time.Second, 0}}, 0.04, 2 * time.Second, 25},
		"with times of their own":           {[]erasing{{a, 0, 20 * time.Second, 0}, {b, 7 * time.Second, 30 * time.Second, 0}}, 0.04, 2 * time.Second, 25},
		"vmalert, with every evaluation":    {[]erasing{{a, 0, 5 * time.Second, 0}}, 0.04, 2 * time.Second, 25},
		"one that was started once more":    {[]erasing{{a, 0, time.Minute, 0}, {b, 301 * time.Second, time.Hour, 0}}, 0.04, 20 * time.Second, 30},
		"somebody who keeps no time at all": {[]erasing{{a, 0, 31 * time.Second, 5 * time.Second}, {a, 3 * time.Second, 17 * time.Second, 4 * time.Second}, {a, 11 * time.Second, 47 * time.Second, 0}}, 0.2, 16 * time.Second, 70},
	} {
		t.Run(name, func(t *testing.T) {
			const length = 10 * time.Minute
			got := play(&rhythm{}, c.senders, length)
			share, looks := got.without.Seconds()/length.Seconds(), float64(got.looks)/length.Minutes()
			t.Logf("%.1f %% of the time without, longest %s, %.1f looks a minute", 100*share, got.longest, looks)
			if share > c.share || got.longest > c.longest || looks > c.looks {
				t.Errorf("want %.1f %%, %s and %.1f", 100*c.share, c.longest, c.looks)
			}
		})
	}
}

// What is known of a sender holds for the next alert of it.
func TestANewAlertIsExpectedToBeSentAsOthersAre(t *testing.T) {
	r := &rhythm{}
	play(r, []erasing{{"http://a:9090", 0, 10 * time.Second, 0}}, time.Minute)
	now := time.Date(2026, 11, 29, 3, 2, 0, 0, time.UTC)
	r.saw(alertmanager.Alert{
		Fingerprint: "new", Labels: model.LabelSet{"alertname": "B"}, StartsAt: now, UpdatedAt: now, GeneratorURL: "http://a:9090/graph?g0.expr=y",
	}, now.Add(time.Second))
	due, ok := r.expected(r.beats["new"])
	if want := now.Add(10 * time.Second); !ok || due.Sub(want).Abs() > 10*time.Millisecond || r.lookAt(r.beats["new"]).Before(want) {
		t.Errorf("expected at %v and looked at %v, sent at %v", due, r.lookAt(r.beats["new"]), want)
	}
}

// Of several replicas of culprit the fastest posts; the others see what it has
// posted and know that the send has come.
func TestWhatAnotherReplicaHasPutBackWasSent(t *testing.T) {
	r := &rhythm{}
	at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	a := alertmanager.Alert{Fingerprint: "f", Labels: model.LabelSet{"alertname": "A"}, StartsAt: at}
	for range 2 {
		a.UpdatedAt = at
		r.saw(a, at.Add(time.Second))
		at = at.Add(10 * time.Second)
	}
	a.Annotations, a.UpdatedAt = model.LabelSet{AnnotationSummary: "x rose"}, at.Add(30*time.Millisecond)
	r.saw(a, at.Add(40*time.Millisecond))
	if due, ok := r.expected(r.beats["f"]); !ok || due.Sub(at.Add(10*time.Second)).Abs() > time.Millisecond {
		t.Errorf("the next is expected at %v, not 10 s after %v", due, at)
	}
}

func TestAFirstMessageAndASendThatMeetAreForeseen(t *testing.T) {
	start := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	waits := []time.Duration{0, 30 * time.Second}
	for every, meet := range map[time.Duration]bool{
		5 * time.Second: true, 15 * time.Second: true, 7 * time.Second: false, time.Minute: false,
	} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			r := &rhythm{}
			for at := start; !at.After(start.Add(29 * time.Second)); at = at.Add(every) {
				r.saw(alertmanager.Alert{Fingerprint: "f", StartsAt: start, UpdatedAt: at}, at.Add(50*time.Millisecond))
			}
			f, ok := r.flush(start.Add(29700*time.Millisecond), waits)
			if ok != meet || meet && (!f.at.Equal(start.Add(30*time.Second)) || len(f.fingerprints) != 1) {
				t.Errorf("%v %+v", ok, f)
			}
			early, near := r.flush(start.Add(29*time.Second), waits)
			if near || !early.at.Equal(f.at) {
				t.Errorf("a second before: %v %+v", near, early)
			}
		})
	}
}
