// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// leave takes the items that are due.
func (l *lane) leave() (ids []string) {
	for {
		items, _ := l.next(time.Now())
		if len(items) == 0 {
			return ids
		}
		for _, e := range items {
			ids = append(ids, e.id)
		}
	}
}

func testLane() *lane {
	return &lane{outlet: outlet{patience: time.Minute}, wake: make(chan struct{}, 1), due: map[string]*item{}}
}

func TestALaneBacksOffAndASuccessResetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testLane()
		for _, id := range []string{"a", "b", "c"} {
			l.notify(id, time.Time{})
			time.Sleep(time.Millisecond)
		}
		pauses := []time.Duration{}
		for range 8 {
			left := l.leave()
			if len(left) != 3 {
				t.Fatalf("%v left", left)
			}
			for _, id := range left {
				l.done(id, failed, 0)
			}
			pauses = append(pauses, time.Until(l.until))
			if early := l.leave(); len(early) > 0 {
				t.Fatalf("%v left at once after a failure", early)
			}
			time.Sleep(time.Minute)
		}
		for i, pause := range pauses { // failures of one round count once
			if most := min(time.Second<<i, time.Minute); pause > most || pause < most/2 {
				t.Errorf("pause %d is %v, not between half of %v and all", i, pause, most)
			}
		}
		l.leave()
		l.done("a", accepted, 0)
		if l.fails != 0 || !l.until.IsZero() {
			t.Errorf("after a success the lane rests for %v", time.Until(l.until))
		}
	})
}

func TestAnItemThatAlwaysFailsDoesNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testLane()
		l.notify("poison", time.Time{})
		failures, good := 0, 0
		for range 600 { // ten minutes
			l.notify("good", time.Time{})
			for _, id := range l.leave() {
				if id == "poison" {
					failures++
					l.done(id, failed, 0)
				} else {
					good++
					l.done(id, accepted, 0)
				}
			}
			time.Sleep(time.Second)
		}
		if good < 500 || failures < 10 || failures > 40 {
			t.Errorf("%d good messages, the bad one was tried %d times", good, failures)
		}
	})
}

func TestWhatChangesWhileItIsSentIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testLane()
		for range 100 {
			l.notify("a", time.Time{})
		}
		if left := l.leave(); len(left) != 1 {
			t.Fatalf("%v left", left)
		}
		for range 100 {
			l.notify("a", time.Time{})
		}
		if left := l.leave(); len(left) != 0 {
			t.Fatalf("%v left while it was on its way", left)
		}
		l.done("a", accepted, 0)
		if left := l.leave(); len(left) != 0 {
			t.Fatalf("%v left within the second in which changes are gathered", left)
		}
		time.Sleep(minGap + time.Millisecond)
		if left := l.leave(); len(left) != 1 {
			t.Fatalf("%v left", left)
		}
		l.done("a", accepted, 0)
		time.Sleep(minGap + time.Millisecond)
		if left := l.leave(); len(left) != 0 || len(l.due) != 0 {
			t.Errorf("%v left, and %d are kept", left, len(l.due))
		}
	})
}

func TestRetryAfterIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testLane()
		l.notify("a", time.Time{})
		l.leave()
		l.done("a", failed, 30*time.Second)
		time.Sleep(29 * time.Second)
		if left := l.leave(); len(left) != 0 {
			t.Errorf("%v left after 29 s", left)
		}
		time.Sleep(time.Minute)
		if left := l.leave(); len(left) != 1 {
			t.Errorf("%v left", left)
		}
		l.done("a", failed, time.Hour)
		if pause := time.Until(l.until); pause > time.Minute {
			t.Errorf("it is left alone for %v", pause)
		}
	})
}

func TestDueItemsAreSentAsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := testLane()
		l.together = 4
		for i := range 6 {
			l.notify(fmt.Sprint(i), time.Time{})
			time.Sleep(time.Millisecond)
		}
		var left []int
		for items, _ := l.next(time.Now()); len(items) > 0; items, _ = l.next(time.Now()) {
			left = append(left, len(items))
			for _, e := range items {
				l.done(e.id, nothing, 0)
			}
		}
		if !slices.Equal(left, []int{4, 2}) {
			t.Errorf("%v left together", left)
		}
	})
}
