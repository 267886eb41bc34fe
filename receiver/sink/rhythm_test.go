// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

// erasing is a program that resends an alert.
type erasing struct {
	url          string
	first, every time.Duration
	jitter       time.Duration // early or late
}

// send is one send.
type send struct {
	at  time.Duration // since the start
	url string
}

// sends merges the sends of programs, in order.
func sends(senders []erasing, length time.Duration) (all []send) {
	for _, s := range senders {
		for n := 0; ; n++ {
			at := s.first + time.Duration(n)*s.every + time.Duration(n%2)*s.jitter
			if at >= length {
				break
			}
			all = append(all, send{at, s.url})
		}
	}
	return inOrder(all)
}

func inOrder(all []send) []send {
	slices.SortStableFunc(all, func(a, b send) int { return cmp.Compare(a.at, b.at) })
	return all
}

// lapse is the cost of a sequence of sends for an alert.
type lapse struct {
	without time.Duration // total time without annotations
	longest time.Duration
	looks   int
}

// play simulates an alert that is resent, and looked at when the rhythm says. Looks and posts take
// time, as they do. It counts what begins at the times selected by counts; nil: all.
func play(r *rhythm, all []send, length time.Duration, counts func(time.Duration) bool) lapse {
	const takes = 40 * time.Millisecond
	start := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	a := alertmanager.Alert{Fingerprint: "f", Labels: model.LabelSet{"alertname": "A"}, StartsAt: start}
	with, without := model.LabelSet{AnnotationSummary: "x rose"}, model.LabelSet{}
	var out lapse
	erased := time.Duration(-1) // when it lost its causes; -1: it has them
	for now := all[0].at; now < length; {
		if len(all) > 0 && all[0].at <= now {
			if a.Annotations, a.UpdatedAt, a.GeneratorURL = without, start.Add(all[0].at), all[0].url+"/graph?g0.expr=x"; erased < 0 {
				erased = all[0].at
			}
			all = all[1:]
			continue
		}
		due, next := r.due(start.Add(now))
		if len(due) == 0 && len(r.alerts) > 0 {
			now = next.Sub(start)
			if len(all) > 0 {
				now = min(now, all[0].at)
			}
			continue
		}
		out.looks++
		r.observe(a, start.Add(now))
		if erased < 0 {
			continue
		}
		now += takes // sends in that time are overwritten
		for len(all) > 0 && all[0].at < now {
			all = all[1:]
		}
		a.Annotations, a.UpdatedAt = with, start.Add(now)
		r.posted(a)
		if counts == nil || counts(erased) {
			out.without += now - erased
			out.longest = max(out.longest, now-erased)
		}
		erased = -1
	}
	return out
}

func TestAnAlertIsHardlyEverWithoutItsCauses(t *testing.T) {
	const a, b = "http://a:9090", "http://b:9090"
	for name, c := range map[string]struct {
		senders []erasing
		share   float64       // of the time, at most
		longest time.Duration // at most
		looks   float64       // per minute, at most
	}{
		"Prometheus":                        {[]erasing{{a, 0, time.Minute, 0}}, 0.02, 2 * time.Second, 16},
		"that keeps its time badly":         {[]erasing{{a, 0, time.Minute, 200 * time.Millisecond}}, 0.02, 2 * time.Second, 18},
		"two of them":                       {[]erasing{{a, 0, 20 * time.Second, 0}, {b, 7 * time.Second, 20 * time.Second, 0}}, 0.04, 2 * time.Second, 20},
		"under one name":                    {[]erasing{{a, 0, 20 * time.Second, 0}, {a, 7 * time.Second, 20 * time.Second, 0}}, 0.04, 2 * time.Second, 25},
		"with times of their own":           {[]erasing{{a, 0, 20 * time.Second, 0}, {b, 7 * time.Second, 30 * time.Second, 0}}, 0.04, 2 * time.Second, 25},
		"vmalert, with every evaluation":    {[]erasing{{a, 0, 5 * time.Second, 0}}, 0.04, 2 * time.Second, 25},
		"two that keep step":                {[]erasing{{a, 0, 5 * time.Second, 0}, {b, 10100 * time.Millisecond, 20 * time.Second, 0}}, 0.04, 5 * time.Second, 40},
		"one a second before the other":     {[]erasing{{a, 0, 6 * time.Second, 0}, {b, 23021 * time.Millisecond, 24 * time.Second, 0}}, 0.04, 2 * time.Second, 40},
		"one that was started once more":    {[]erasing{{a, 0, time.Minute, 0}, {b, 301 * time.Second, time.Hour, 0}}, 0.04, 20 * time.Second, 30},
		"somebody who keeps no time at all": {[]erasing{{a, 0, 31 * time.Second, 5 * time.Second}, {a, 3 * time.Second, 17 * time.Second, 4 * time.Second}, {a, 11 * time.Second, 47 * time.Second, 0}}, 0.1, 16 * time.Second, 80},
	} {
		t.Run(name, func(t *testing.T) {
			const length = 10 * time.Minute
			got := play(&rhythm{}, sends(c.senders, length), length, nil)
			share, looks := got.without.Seconds()/length.Seconds(), float64(got.looks)/length.Minutes()
			t.Logf("%.1f %% of the time without, longest %s, %.1f looks a minute", 100*share, got.longest, looks)
			if share > c.share || got.longest > c.longest || looks > c.looks {
				t.Errorf("want %.1f %%, %s and %.1f", 100*c.share, c.longest, c.looks)
			}
		})
	}
}

// What is known of a sender applies to its next alert.
func TestANewAlertInheritsTheRhythmOfItsSender(t *testing.T) {
	r := &rhythm{}
	play(r, sends([]erasing{{"http://a:9090", 0, 10 * time.Second, 0}}, time.Minute), time.Minute, nil)
	now := time.Date(2026, 11, 29, 3, 2, 0, 0, time.UTC)
	r.observe(alertmanager.Alert{
		Fingerprint: "new", Labels: model.LabelSet{"alertname": "B"}, StartsAt: now, UpdatedAt: now, GeneratorURL: "http://a:9090/graph?g0.expr=y",
	}, now.Add(time.Second))
	due, _ := r.nextSend(r.alerts["new"])
	if want := now.Add(10 * time.Second); due.Sub(want).Abs() > 10*time.Millisecond || r.nextLook(r.alerts["new"]).Before(want) {
		t.Errorf("expected at %v and looked at %v, sent at %v", due, r.nextLook(r.alerts["new"]), want)
	}
}

// The fastest of several replicas of culprit posts; the others see the post and infer the resend.
func TestAnAnnotationRestoredByAnotherReplicaImpliesAResend(t *testing.T) {
	r := &rhythm{}
	at := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	a := alertmanager.Alert{Fingerprint: "f", Labels: model.LabelSet{"alertname": "A"}, StartsAt: at}
	for range 2 {
		a.UpdatedAt = at
		r.observe(a, at.Add(time.Second))
		at = at.Add(10 * time.Second)
	}
	a.Annotations, a.UpdatedAt = model.LabelSet{AnnotationSummary: "x rose"}, at.Add(30*time.Millisecond)
	r.observe(a, at.Add(40*time.Millisecond))
	if due, _ := r.nextSend(r.alerts["f"]); due.Sub(at.Add(10*time.Second)).Abs() > time.Millisecond {
		t.Errorf("the next is expected at %v, not 10 s after %v", due, at)
	}
}

func TestAResendAtTheFirstMessageIsPredicted(t *testing.T) {
	start := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	waits := []time.Duration{0, 30 * time.Second}
	for every, meet := range map[time.Duration]bool{
		5 * time.Second: true, 15 * time.Second: true, 7 * time.Second: false, time.Minute: false,
	} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			r := &rhythm{}
			for at := start; !at.After(start.Add(29 * time.Second)); at = at.Add(every) {
				r.observe(alertmanager.Alert{Fingerprint: "f", StartsAt: start, UpdatedAt: at}, at.Add(50*time.Millisecond))
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
