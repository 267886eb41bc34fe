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
			Help: "Events of Alertmanager's event recorder, by outcome: kept, known, which was told before, or ignored, which is of no use here; refused counts messages.",
		}, []string{"outcome"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "culprit_alertmanager_events_dropped_total", Help: "Facts of Alertmanager's event recorder that were deleted before their time, to make room.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.events, m.dropped, prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "culprit_alertmanager_events_stored", Help: "Facts of Alertmanager's event recorder that are kept."},
			func() float64 { b.mu.RLock(); defer b.mu.RUnlock(); return float64(len(b.known)) }))
	}
	return m
}
