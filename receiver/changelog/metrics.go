// SPDX-License-Identifier: Apache-2.0

package changelog

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	changes *prometheus.CounterVec
	dropped prometheus.Counter
	reads   *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, b *Book) *metrics {
	m := &metrics{
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_changes_total", Help: "Changes posted or read from Grafana, by outcome: added, replaced or known (unchanged); refused counts messages, each with any number of changes.",
		}, []string{"outcome"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "culprit_changes_dropped_total", Help: "Changes deleted early, to make room."}),
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_grafana_changes_reads_total", Help: "Reads of Grafana's annotations for changes, by outcome.",
		}, []string{"outcome"}),
	}
	if reg != nil {
		reg.MustRegister(m.changes, m.dropped, m.reads, prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "culprit_changes_stored", Help: "Changes in the store."},
			func() float64 { b.mu.RLock(); defer b.mu.RUnlock(); return float64(len(b.order)) }))
	}
	return m
}
