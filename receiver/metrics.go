// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/tracing"
)

// stageBuckets range from a cached answer to a slow server.
var stageBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 10, 30, 60}

type metrics struct {
	notifications *prometheus.CounterVec
	alerts        *prometheus.CounterVec
	left          *prometheus.CounterVec
	spans         *prometheus.CounterVec
	reports       *prometheus.CounterVec
	ofTeams       *prometheus.CounterVec
	teams         teams
	feedback      *prometheus.CounterVec
	stages        *prometheus.HistogramVec
	toAnnotation  prometheus.Histogram
	sends         *prometheus.CounterVec
	reconciles    *prometheus.CounterVec
	lost          *prometheus.CounterVec
	jobsDead      prometheus.Counter
	unmatched     prometheus.Counter
	unreported    prometheus.Counter
	reloads       prometheus.Gauge
	reloadTime    prometheus.Gauge
	openIncidents prometheus.Gauge
	routeProblems *prometheus.GaugeVec
	toolCalls     *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		notifications: counters("culprit_notifications_total", "Webhook messages by outcome.", "outcome"),
		alerts:        counters("culprit_alerts_total", "Alerts enqueued, by status and by what found them.", "status", "reason"),
		left:          counters("culprit_alerts_left_total", "Alerts of webhook messages that were left to the reconcile loop, by reason: no room, or too large.", "reason"),
		reports:       counters("culprit_reports_total", "Reports made, by verdict and by the Prometheus that was queried.", "verdict", "server"),
		ofTeams:       counters("culprit_team_reports_total", "Reports made, by the team of the alert and by verdict; teams beyond the first 50 count as other.", "team", "verdict"),
		feedback:      counters("culprit_feedback_total", "Feedback on reports: right, wrong or other, from the page, the API or a silence.", "says", "via"),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "culprit_stage_duration_seconds", Help: "Time of one stage of an analysis.", Buckets: stageBuckets,
		}, []string{"stage"}),
		toAnnotation: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "culprit_webhook_to_annotation_seconds", Help: "Time from a webhook message to the annotation on its alert.", Buckets: stageBuckets,
		}),
		sends:         counters("culprit_sends_total", "Write-backs by sink and outcome.", "sink", "outcome"),
		reconciles:    counters("culprit_reconciles_total", "Rounds of the reconcile loop by outcome.", "outcome"),
		lost:          counters("culprit_store_lost_total", "Jobs of the queue and entries of the store lost to damaged files; after a crash, an estimate.", "what"),
		jobsDead:      prometheus.NewCounter(prometheus.CounterOpts{Name: "culprit_jobs_dead_total", Help: "Jobs given up after repeated failures."}),
		unmatched:     prometheus.NewCounter(prometheus.CounterOpts{Name: "culprit_alerts_unmatched_total", Help: "Alerts not explained: ignore_alerts matches them, or no rule does and unmatched_alerts is off."}),
		unreported:    prometheus.NewCounter(prometheus.CounterOpts{Name: "culprit_alerts_unreported_total", Help: "Alerts that can't have a report, because their labels or their expression are too large."}),
		reloads:       gauge("culprit_config_last_reload_successful", "Whether the last configuration reload succeeded."),
		reloadTime:    gauge("culprit_config_last_reload_success_timestamp_seconds", "Unix time of the last successful configuration reload."),
		openIncidents: gauge("culprit_incidents_open", "Open incidents."),
		routeProblems: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "culprit_alertmanager_route_problems", Help: "Whether the routes of an Alertmanager have a problem with culprit, such as people who are no longer notified (people_not_told).",
		}, []string{"alertmanager", "problem"}),
		toolCalls: counters("culprit_mcp_calls_total", "Calls of the tools at /mcp, by tool and outcome: ok, or error (the answer says why).", "tool", "outcome"),
		spans:     tracing.NewSpans(),
	}
	reg.MustRegister(m.notifications, m.alerts, m.left, m.reports, m.ofTeams, m.feedback, m.stages, m.toAnnotation, m.sends, m.reconciles, m.lost, m.jobsDead,
		m.unmatched, m.unreported, m.reloads, m.reloadTime, m.openIncidents, m.routeProblems, m.toolCalls, m.spans)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

// reported counts a report.
func (m *metrics) reported(r report.Report) {
	verdict := string(r.Result.Verdict)
	m.reports.WithLabelValues(verdict, r.Prometheus).Inc()
	m.ofTeams.WithLabelValues(m.teams.of(r), verdict).Inc()
}

// observe records the duration of one stage, in seconds. A stage that was not reached is not
// recorded.
func (m *metrics) observe(stage string, seconds float64) {
	if seconds > 0 {
		m.stages.WithLabelValues(stage).Observe(seconds)
	}
}

// queueCollector reads the state of the queue at each scrape.
type queueCollector struct {
	broker                      *broker.Broker
	depth, busy, eldest, leader *prometheus.Desc
}

func newQueueCollector(b *broker.Broker) *queueCollector {
	return &queueCollector{
		broker: b,
		depth:  prometheus.NewDesc("culprit_queue_depth", "Jobs waiting in the queue.", nil, nil),
		busy:   prometheus.NewDesc("culprit_queue_in_flight", "Jobs in progress, or waiting for another attempt.", nil, nil),
		eldest: prometheus.NewDesc("culprit_queue_oldest_age_seconds", "Age of the oldest job in the queue.", nil, nil),
		leader: prometheus.NewDesc("culprit_queue_leader", "Whether this replica leads the queue: of three exactly one does, unless they have no majority.", nil, nil),
	}
}

// Describe sends the descriptions of the metrics.
func (c *queueCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.depth
	ch <- c.busy
	ch <- c.eldest
	ch <- c.leader
}

// Collect sends the state of the queue, or nothing if it is unknown: a missing gauge says more than
// a wrong one.
func (c *queueCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	leads := 0.0
	if c.broker.Leads() {
		leads = 1
	}
	ch <- prometheus.MustNewConstMetric(c.leader, prometheus.GaugeValue, leads)
	s, err := c.broker.Stats(ctx)
	if err != nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(c.depth, prometheus.GaugeValue, float64(s.Pending))
	ch <- prometheus.MustNewConstMetric(c.busy, prometheus.GaugeValue, float64(s.InFlight))
	ch <- prometheus.MustNewConstMetric(c.eldest, prometheus.GaugeValue, s.Oldest.Seconds())
}

// laneCollector reports how far the sinks are behind.
type laneCollector struct {
	lanes         func() []*lane
	depth, eldest *prometheus.Desc
}

func newLaneCollector(lanes func() []*lane) *laneCollector {
	labels := []string{"sink", "place"}
	return &laneCollector{
		lanes:  lanes,
		depth:  prometheus.NewDesc("culprit_sink_queue_depth", "Alerts or incidents waiting to be sent, by sink and place.", labels, nil),
		eldest: prometheus.NewDesc("culprit_sink_queue_oldest_age_seconds", "Age of the oldest alert or incident waiting to be sent, by sink and place.", labels, nil),
	}
}

// Describe sends the descriptions of the metrics.
func (c *laneCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.depth
	ch <- c.eldest
}

// Collect sends the state of every lane.
func (c *laneCollector) Collect(ch chan<- prometheus.Metric) {
	type backlog struct{ waiting, oldest float64 }
	now, places := time.Now(), map[[2]string]backlog{} // a place may have several lanes
	for _, l := range c.lanes() {
		n, oldest := l.backlog(now)
		b := places[[2]string{l.sinkName, l.place}]
		places[[2]string{l.sinkName, l.place}] = backlog{b.waiting + float64(n), max(b.oldest, oldest.Seconds())}
	}
	for place, b := range places {
		ch <- prometheus.MustNewConstMetric(c.depth, prometheus.GaugeValue, b.waiting, place[:]...)
		ch <- prometheus.MustNewConstMetric(c.eldest, prometheus.GaugeValue, b.oldest, place[:]...)
	}
}
