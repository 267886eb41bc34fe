// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// leads reads the metric from a member.
func (m *member) leads(t *testing.T) bool {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(newQueueCollector(m.broker))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "culprit_queue_leader" {
			return f.GetMetric()[0].GetGauge().GetValue() == 1
		}
	}
	t.Fatal("there is no culprit_queue_leader")
	return false
}

// One of three leads; another does when that one has stopped; and none without a majority.
func TestAMetricSaysWhoLeads(t *testing.T) {
	running := clusterOf(t)
	leader := -1
	oneLeads := func() bool {
		leaders := 0
		for i, m := range running {
			if m.leads(t) {
				leader, leaders = i, leaders+1
			}
		}
		return leaders == 1
	}
	for range 2 {
		eventually(t, "one leads", oneLeads)
		if err := running[leader].broker.Close(); err != nil {
			t.Fatal(err)
		}
		running = append(running[:leader], running[leader+1:]...)
	}
	eventually(t, "none leads", func() bool { return !running[0].leads(t) })
}
