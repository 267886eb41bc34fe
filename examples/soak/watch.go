// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	endSlack  = 30 * time.Second // for Alertmanager to notice an end on a busy machine
	pageLimit = 200
)

// seen collects the observations so far.
type seen struct {
	mu        sync.Mutex
	reports   map[int]map[string]report.Report // alert → id → report
	incidents map[string]report.Incident
	alerts    map[int]sight
	early     map[int]string // gone before their end
	late      map[int]string // still there after their end
	samples   []sample
	never     map[string]float64 // counters that should be 0: their maximum

	reappeared float64 // alerts that fired again, by the witness's counter
}

// sight is an alert's state in Alertmanager.
type sight struct{ fires, causes bool }

// sample is the size of the witness at one time.
type sample struct {
	at                 time.Time
	memory, goroutines float64
}

func newSeen() *seen {
	return &seen{
		reports: map[int]map[string]report.Report{}, incidents: map[string]report.Incident{}, alerts: map[int]sight{},
		early: map[int]string{}, late: map[int]string{}, never: map[string]float64{},
	}
}

// watch polls Alertmanager and the replicas until the context ends. Failed reads are repeated:
// replicas are down on purpose.
func (p *pond) watch(ctx context.Context) error {
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		for pause(ctx, lookPause) {
			if err := p.look(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("look at Alertmanager: %w", err)
			}
		}
		return nil
	})
	all.Go(func() error {
		for n := 0; pause(ctx, readPause); n++ {
			p.read(ctx, p.cluster[n%len(p.cluster)], false)
		}
		return nil
	})
	all.Go(func() error {
		for pause(ctx, loadStep) {
			for i, c := range p.cluster {
				p.measure(ctx, i, c)
			}
		}
		return nil
	})
	all.Go(func() error {
		for pause(ctx, sayPause) {
			p.progress()
		}
		return nil
	})
	return all.Wait()
}

// progress reports how far behind the replicas are.
func (p *pond) progress() {
	fired, firing := len(p.rain.alerts()), p.rain.firing()
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	causes := 0
	for _, s := range p.seen.alerts {
		if s.causes {
			causes++
		}
	}
	p.say("%d alerts so far, %d fire; %d have a report and %d have had causes", fired, firing, len(p.seen.reports), causes)
}

// look compares Alertmanager's alerts with Prometheus'.
func (p *pond) look(ctx context.Context) error {
	before, at := p.rain.alerts(), time.Now()
	shown, err := p.Shown(ctx)
	if err != nil {
		return err
	}
	after := p.rain.alerts()
	now := map[int]fleet.Shown{}
	for _, a := range shown {
		if n, err := strconv.Atoi(string(a.Labels["number"])); err == nil {
			now[n] = a
		}
	}
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	for n, a := range now {
		s := p.seen.alerts[n]
		p.seen.alerts[n] = sight{true, s.causes || a.Annotations[sink.AnnotationSummary] != ""}
		if l := before[n]; !l.ended.IsZero() && at.Sub(l.ended) > endSlack {
			p.seen.late[n] = fmt.Sprintf("alert %d was there %s after its end", n, at.Sub(l.ended).Round(time.Second))
		}
	}
	for n := range before {
		if _, there := now[n]; !there && p.seen.alerts[n].fires && fires(after[n], time.Now()) {
			p.seen.early[n] = fmt.Sprintf("alert %d was gone before its end", n)
		}
	}
	return nil
}

// fires reports whether an alert has not been made to end at a time.
func fires(l life, at time.Time) bool { return l.ended.IsZero() || at.Before(l.ended) }

// over reports whether an alert ended so long ago that everyone knows.
func over(l life) bool { return !l.ended.IsZero() && time.Since(l.ended) > endSlack }

// read records the reports and incidents of a replica: new ones only, or all.
func (p *pond) read(ctx context.Context, c *fleet.Culprit, all bool) {
	_ = fleet.Pages(ctx, c, fmt.Sprintf("/api/v1/reports?limit=%d", pageLimit), func(page []report.Report) bool { return p.seen.addReports(page) || all })
	_ = fleet.Pages(ctx, c, fmt.Sprintf("/api/v1/incidents?limit=%d", pageLimit), func(page []report.Incident) bool { return p.seen.addIncidents(page) || all })
}

func (s *seen) addReports(page []report.Report) (isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range page {
		n, err := strconv.Atoi(string(r.Alert.Labels["number"]))
		if err != nil {
			continue
		}
		if s.reports[n] == nil {
			s.reports[n] = map[string]report.Report{}
		}
		if _, known := s.reports[n][r.ID]; !known {
			isNew = true
		}
		s.reports[n][r.ID] = slim(r)
	}
	return isNew
}

// slim keeps the fields of a report that are checked in the end.
func slim(r report.Report) report.Report {
	return report.Report{ID: r.ID, Incident: r.Incident, Summary: r.Summary, CreatedAt: r.CreatedAt, Alert: report.Alert{StartsAt: r.Alert.StartsAt}}
}

func (s *seen) addIncidents(page []report.Incident) (isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, inc := range page {
		if _, known := s.incidents[inc.ID]; !known {
			isNew = true
		}
		s.incidents[inc.ID] = report.Incident{ID: inc.ID, Reports: inc.Reports, Causes: inc.Causes, ResolvedAt: inc.ResolvedAt}
	}
	return isNew
}

// nevers are counters that must stay 0.
var nevers = []string{"culprit_silences_by_mistake_total", "culprit_jobs_dead_total", "culprit_store_lost_total"}

// measure reads the metrics of a replica.
func (p *pond) measure(ctx context.Context, i int, c *fleet.Culprit) {
	status, body, err := c.Get(ctx, "/metrics")
	if err != nil || status != http.StatusOK {
		return
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body + "\n"))
	if err != nil {
		return
	}
	value := func(name string) (sum float64) {
		for _, m := range families[name].GetMetric() {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
		return sum
	}
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	for _, name := range nevers {
		p.seen.never[name] = max(p.seen.never[name], value(name))
	}
	if i == witness {
		p.seen.reappeared = max(p.seen.reappeared, value("culprit_alert_reappearances_total"))
		p.seen.samples = append(p.seen.samples, sample{time.Now(), value("process_resident_memory_bytes"), value("go_goroutines")})
	}
}

// marks counts Grafana's annotations by the incident that they name.
func (p *pond) marks() map[string]int {
	count := map[string]int{}
	for _, mark := range p.Grafana.Annotations() {
		for id := range p.incidentsOf(mark.Text) {
			count[id]++
		}
	}
	return count
}

// incidentsOf returns the known incidents whose ids occur in a text.
func (p *pond) incidentsOf(text string) map[string]bool {
	p.seen.mu.Lock()
	defer p.seen.mu.Unlock()
	found := map[string]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
	}) {
		if _, known := p.seen.incidents[word]; known {
			found[word] = true
		}
	}
	return found
}
