// SPDX-License-Identifier: Apache-2.0

package amevents

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	events  *prometheus.CounterVec
	dropped prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, b *Book) *metrics {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "culprit_alertmanager_events_total",
			Help: "Events of Alertmanager's event recorder, by outcome: kept, known (reported before) or ignored (not used); refused counts messages.",
		}, []string{"outcome"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "culprit_alertmanager_events_dropped_total", Help: "Events of Alertmanager deleted early, to make room.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.events, m.dropped, prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "culprit_alertmanager_events_stored", Help: "Events of Alertmanager in the store."},
			func() float64 { b.mu.RLock(); defer b.mu.RUnlock(); return float64(len(b.known)) }))
	}
	return m
}
