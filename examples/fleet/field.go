// SPDX-License-Identifier: Apache-2.0

package fleet

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

// Field is the setting of one run: a directory, real servers, and any number of culprits.
type Field struct {
	Dir    string // of all files, removed at the end
	Binary string // culprit, compiled

	Prometheus   *lab.Prometheus
	Alertmanager *lab.Alertmanager
	Grafana      *lab.Grafana
	Culprits     []*Culprit
	Gates        map[string]*lab.Gate // in front of servers, by address
	Settings     string               // extra configuration of culprit, beside the addresses of the servers
	Route        string               // of Alertmanager, with the receivers beside culprit's; empty: [EachAlone]
	Interval     string               // of the rules; empty: a second
	Asked        string               // Prometheus' address for culprit; empty: its real one
	Ruler        string               // what the configuration says of who evaluates the rules
	Flags        []string             // of every culprit; empty: it reconciles every two seconds

	// History fills Prometheus' database; nil: an hour and a half that ends with a fault.
	History func(context.Context, storage.Appendable) error

	closers []func() error
}

// New makes an empty field for a culprit compiled by [lab.BuildCulprit].
func New(binary string) (*Field, error) {
	dir, err := os.MkdirTemp("", "culprit-fault-")
	if err != nil {
		return nil, err
	}
	f := &Field{Dir: dir, Binary: binary}
	f.OnClose(func() error { return os.RemoveAll(dir) })
	return f, nil
}

// OnClose adds a function for Close, which calls the last added first.
func (f *Field) OnClose(stop func() error) { f.closers = append(f.closers, stop) }

// Close stops everything, the last started first.
func (f *Field) Close() error {
	var errs []error
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i]())
	}
	f.closers = nil
	return errors.Join(errs...)
}

// Logs returns the culprits' output as an error to print.
func (f *Field) Logs() error {
	var errs []error
	for _, c := range f.Culprits {
		errs = append(errs, fmt.Errorf("%s said:\n%s", c.Name, c.Log))
	}
	return errors.Join(errs...)
}

// Rules are alerting rules that fire as soon as their series is 1. What each measures broke shortly
// before in one part of its place.
func (f *Field) Rules() string {
	return fmt.Sprintf(`
groups:
  - name: faults
    interval: %s
    rules:
      - alert: Fault
        expr: fault > 0
        labels: {severity: page}
        annotations: {summary: 'Alert {{ $labels.number }} is about {{ $labels.place }}'}
`, cmp.Or(f.Interval, "1s"))
}

// EachAlone notifies culprit of every alert, each alert in its own group.
const EachAlone = `
route: {receiver: culprit, group_by: ['...'], group_wait: 0s, group_interval: 2s, repeat_interval: 4h}
receivers:
`

// Servers starts Prometheus, Grafana and an Alertmanager that notifies every culprit of every
// alert.
func (f *Field) Servers(ctx context.Context, culprits ...string) (err error) {
	var route strings.Builder
	route.WriteString(cmp.Or(f.Route, EachAlone))
	route.WriteString("  - name: culprit\n    webhook_configs:\n")
	for _, address := range culprits {
		fmt.Fprintf(&route, "      - {url: 'http://%s/api/v1/webhook'}\n", address)
	}
	if f.Alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Config: route.String()}); err != nil {
		return err
	}
	f.OnClose(f.Alertmanager.Close)
	if f.Grafana, err = lab.StartGrafana(lab.GrafanaOptions{}); err != nil {
		return err
	}
	f.OnClose(f.Grafana.Close)
	f.Prometheus, err = f.Sender(ctx, 0)
	return err
}

// Sender starts a Prometheus with a resend delay; 0 is the default, a minute.
func (f *Field) Sender(ctx context.Context, again time.Duration) (*lab.Prometheus, error) {
	p, err := lab.StartPrometheus(ctx, lab.PrometheusOptions{
		Rules: f.Rules(), Alertmanagers: []string{f.Alertmanager.URL()}, History: f.history(), ResendDelay: again,
	})
	if err != nil {
		return nil, err
	}
	f.OnClose(p.Close)
	return p, nil
}

func (f *Field) history() func(context.Context, storage.Appendable) error {
	if f.History != nil {
		return f.History
	}
	return load
}

// load writes an hour and a half of the metrics behind the alerts: part 1 of every place is broken
// for the last two minutes.
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
			series := labels.FromStrings(model.MetricNameLabel, "load", "place", Place(n/3), "part", fmt.Sprint(n%3))
			if _, err := app.Append(0, series, at.UnixMilli(), value); err != nil {
				return errors.Join(err, app.Rollback())
			}
		}
	}
	return app.Commit()
}

const places = 3

// Place returns the place of an alert, by its number.
func Place(n int) string { return fmt.Sprintf("place-%d", n%places) }

// Raise fires the alerts from one number up to another, for five minutes: Prometheus' lookback.
func (f *Field) Raise(ctx context.Context, from, to int) error {
	return RaiseOn(ctx, f.Prometheus, from, to)
}

// RaiseOn is Raise on one of several Prometheus servers.
func RaiseOn(ctx context.Context, p *lab.Prometheus, from, to int) error {
	app := p.Appender(ctx)
	for n := from; n < to; n++ {
		series := labels.FromStrings(model.MetricNameLabel, "fault", "number", fmt.Sprint(n), "place", Place(n))
		if _, err := app.Append(0, series, time.Now().UnixMilli(), 1); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	return app.Commit()
}

// Config writes culprit's configuration and returns the path.
func (f *Field) Config() (string, error) {
	text := fmt.Sprintf(`prometheus: {url: %q%s}
alertmanagers: [{url: %q}]
grafana: {url: %q}
rules:
  - name: a fault
    matchers: ['alertname="Fault"']
    target: {query: 'sum(load{place="{{ .Labels.place }}"})'}
    breakdown: {labels: [part]}
%s`, f.address(cmp.Or(f.Asked, f.Prometheus.URL())), f.Ruler, f.address(f.Alertmanager.URL()), f.address(f.Grafana.URL()), f.Settings)
	path := filepath.Join(f.Dir, "culprit.yml")
	return path, replaceFile(path, text)
}

// replaceFile replaces a file atomically, so that readers find the old text or the new one.
func replaceFile(path, text string) error {
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	_, err = part.WriteString(text)
	if err := errors.Join(err, part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}
