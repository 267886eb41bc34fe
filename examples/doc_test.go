// SPDX-License-Identifier: Apache-2.0

// Package examples_test loads every example with the code of its program: culprit's own,
// Alertmanager's configuration, Prometheus' rules. It does the same with what the chart carries
// besides templates: alerts, dashboards, and the configurations that the chart renders.
//
// The chart itself is tested in its own module, ../charts, since nothing else here needs Helm and
// the types of Kubernetes.
package examples_test
