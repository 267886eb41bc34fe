// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
)

// field is where one run takes place: a folder, real servers, and as many
// culprits as the scenario starts.
type field struct {
	dir    string
	binary string
	say    func(string, ...any)

	prometheus   *lab.Prometheus
	alertmanager *lab.Alertmanager
	grafana      *lab.Grafana
	culprits     []*culprit
	gates        gates  // before the servers; a scenario may put some there
	settings     string // of culprit, beside the addresses of the servers
	route        string // of Alertmanager, with the receivers beside culprit's
	interval     string // of the rules; empty: a second
	asked        string // the address that culprit has for Prometheus; empty: its own
	ruler        string // what the configuration says of who evaluates the rules

	promises []promise
	closers  []func() error
}

func newField(binary string, say func(string, ...any)) (*field, error) {
	dir, err := os.MkdirTemp("", "culprit-fault-")
	if err != nil {
		return nil, err
	}
	f := &field{dir: dir, binary: binary, say: say}
	f.onClose(func() error { return os.RemoveAll(dir) })
	return f, nil
}

// holds notes whether a promise held: err is what was seen in its place.
func (f *field) holds(text string, err error) {
	f.promises = append(f.promises, promise{text, err})
	if err != nil {
		f.say("  not held: %s: %v", text, err)
		return
	}
	f.say("  held: %s", text)
}

func (f *field) onClose(stop func() error) { f.closers = append(f.closers, stop) }

// Close stops everything, the last started first.
func (f *field) Close() error {
	var errs []error
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i]())
	}
	f.closers = nil
	return errors.Join(errs...)
}

// logs is what the culprits have said, as an error to print.
func (f *field) logs() error {
	var errs []error
	for _, c := range f.culprits {
		errs = append(errs, fmt.Errorf("%s said:\n%s", c.name, c.log))
	}
	return errors.Join(errs...)
}

// rules are those of alerts that fire as soon as their series is 1. What each
// measures broke shortly before in one part of its place.
func (f *field) rules() string {
	return fmt.Sprintf(`
groups:
  - name: faults
    interval: %s
    rules:
      - alert: Fault
        expr: fault > 0
        labels: {severity: page}
        annotations: {summary: 'Alert {{ $labels.number }} is about {{ $labels.place }}'}
`, cmp.Or(f.interval, "1s"))
}

// eachAlone tells culprit of every alert, each alert a group of its own.
const eachAlone = `
route: {receiver: culprit, group_by: ['...'], group_wait: 0s, group_interval: 2s, repeat_interval: 4h}
receivers:
`

// servers starts Prometheus, Grafana and an Alertmanager that tells every
// culprit of every alert.
func (f *field) servers(ctx context.Context, culprits ...string) (err error) {
	var route strings.Builder
	route.WriteString(cmp.Or(f.route, eachAlone))
	route.WriteString("  - name: culprit\n    webhook_configs:\n")
	for _, address := range culprits {
		fmt.Fprintf(&route, "      - {url: 'http://%s/api/v1/webhook'}\n", address)
	}
	if f.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Config: route.String()}); err != nil {
		return err
	}
	f.onClose(f.alertmanager.Close)
	if f.grafana, err = lab.StartGrafana(lab.GrafanaOptions{}); err != nil {
		return err
	}
	f.onClose(f.grafana.Close)
	f.prometheus, err = f.sender(ctx, 0)
	return err
}

// sender starts a Prometheus that sends its alerts again after so long; 0 is a
// minute, as by default.
func (f *field) sender(ctx context.Context, again time.Duration) (*lab.Prometheus, error) {
	p, err := lab.StartPrometheus(ctx, lab.PrometheusOptions{
		Rules: f.rules(), Alertmanagers: []string{f.alertmanager.URL()}, History: load, ResendDelay: again,
	})
	if err != nil {
		return nil, err
	}
	f.onClose(p.Close)
	return p, nil
}

// load writes an hour and a half of what the alerts measure: the last two
// minutes of part 1 of every place are broken.
func load(ctx context.Context, db storage.Appendable) error {
	const step = 15 * time.Second
	app := db.Appender(ctx)
	end := time.Now()
	for at, i := end.Add(-90*time.Minute), 0; !at.After(end); at, i = at.Add(step), i+1 {
		for n := range places * 3 {
			value := 20 + float64((i*7+n)%5)
			if n%3 == 1 && end.Sub(at) < 2*time.Minute {
				value *= 10
			}
			series := labels.FromStrings(model.MetricNameLabel, "load", "place", place(n/3), "part", fmt.Sprint(n%3))
			if _, err := app.Append(0, series, at.UnixMilli(), value); err != nil {
				return errors.Join(err, app.Rollback())
			}
		}
	}
	return app.Commit()
}

const places = 3

func place(n int) string { return fmt.Sprintf("place-%d", n%places) }

// raise makes the alerts from one number up to another fire; they do so for
// five minutes, which is how far Prometheus looks back.
func (f *field) raise(ctx context.Context, from, to int) error {
	return raiseOn(ctx, f.prometheus, from, to)
}

func raiseOn(ctx context.Context, p *lab.Prometheus, from, to int) error {
	app := p.Appender(ctx)
	for n := from; n < to; n++ {
		series := labels.FromStrings(model.MetricNameLabel, "fault", "number", fmt.Sprint(n), "place", place(n))
		if _, err := app.Append(0, series, time.Now().UnixMilli(), 1); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	return app.Commit()
}

// config writes culprit's configuration and returns the path.
func (f *field) config() (string, error) {
	text := fmt.Sprintf(`prometheus: {url: %q%s}
alertmanagers: [{url: %q}]
grafana: {url: %q}
rules:
  - name: a fault
    matchers: ['alertname="Fault"']
    target: {query: 'sum(load{place="{{ .Labels.place }}"})'}
    breakdown: {labels: [part]}
%s`, cmp.Or(f.asked, f.prometheus.URL()), f.ruler, f.gates.address(f.alertmanager.URL()), f.gates.address(f.grafana.URL()), f.settings)
	path := filepath.Join(f.dir, "culprit.yml")
	return path, os.WriteFile(path, []byte(text), 0o600)
}
