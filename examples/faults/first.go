// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	firstAlerts = 6
	firstWait   = 30 * time.Second // group_wait, the default
)

// first has alerts sent with every evaluation, as vmalert does: every five seconds, so that a send
// coincides with the first notification. The sender is vmalert, if it is installed with
// VictoriaMetrics, and a Prometheus that is configured to do the same.
func first(ctx context.Context, f *field) error {
	senders := map[string]func(context.Context, *field) (raiser, error){
		"a sender of every evaluation": everyEvaluation,
	}
	_, err1 := exec.LookPath("vmalert")
	_, err2 := exec.LookPath("victoria-metrics")
	if errors.Join(err1, err2) == nil {
		senders["vmalert"] = vmalert
	}
	for name, start := range senders {
		err := f.firstOf(ctx, name, start)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// raiser makes an alert fire.
type raiser func(ctx context.Context, number int) error

func (f *field) firstOf(ctx context.Context, name string, start func(context.Context, *field) (raiser, error)) (err error) {
	sub, err := newField(f.Binary, f.say)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sub.Close()) }()
	people, err := lab.StartReceiver("")
	if err != nil {
		return err
	}
	sub.OnClose(people.Close)
	c, err := sub.culprit()
	if err != nil {
		return err
	}
	sub.Interval = "5s"
	sub.Route = fmt.Sprintf(`
route:
  receiver: people
  group_by: ['...']
  group_wait: %s
  routes:
    - {receiver: culprit, group_wait: 0s, group_interval: 10s, continue: true}
    - {receiver: people}
receivers:
  - {name: people, webhook_configs: [{url: %q}]}
`, firstWait, people.URL())
	if err := sub.Servers(ctx, c.Address); err != nil {
		return err
	}
	raise, err := start(ctx, sub)
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	for n := range firstAlerts {
		if err := raise(ctx, n); err != nil {
			return err
		}
		time.Sleep(1700 * time.Millisecond)
	}
	var told map[string]bool
	if err := eventually(ctx, func(context.Context) error {
		told = firsts(people.Messages())
		return allOf(firstAlerts, len(told), "alerts were told of")
	}); err != nil {
		return err
	}
	f.holds("people's first messages have the causes: "+name, allOf(firstAlerts, withCauses(told), "have them"))
	return nil
}

// firsts returns by alert number whether the first notification had its causes.
func firsts(messages []lab.Message) map[string]bool {
	told := map[string]bool{}
	for _, m := range messages {
		for _, a := range m.Alerts {
			if _, known := told[a.Labels["number"]]; !known {
				told[a.Labels["number"]] = a.Annotations[sink.AnnotationSummary] != ""
			}
		}
	}
	return told
}

func withCauses(told map[string]bool) (n int) {
	for _, has := range told {
		if has {
			n++
		}
	}
	return n
}

// allOf fails unless there are as many as wanted.
func allOf(want, got int, what string) error {
	if got < want {
		return fmt.Errorf("%d of %d %s", got, want, what)
	}
	return nil
}

// everyEvaluation starts a Prometheus that sends its alerts with every evaluation.
func everyEvaluation(ctx context.Context, f *field) (raiser, error) {
	p, err := f.Sender(ctx, time.Millisecond)
	if err != nil {
		return nil, err
	}
	f.Asked = p.URL()
	return func(ctx context.Context, number int) error { return fleet.RaiseOn(ctx, p, number, number+1) }, nil
}
