// SPDX-License-Identifier: Apache-2.0

package promql

// MetricsOf returns the metrics of one exporter in the table.
func MetricsOf(name string) []string {
	var metrics []string
	for _, e := range exporters() {
		if e.name == name {
			for _, q := range e.queries {
				metrics = append(metrics, q.metric)
			}
		}
	}
	return metrics
}
