// SPDX-License-Identifier: Apache-2.0

// Package examples_test loads every example with the code of the program that
// it is for: culprit's own, Alertmanager's configuration, Prometheus' rules. It
// does the same with what the chart carries besides templates: the alerts and
// the dashboards, and the configurations that the chart renders.
//
// The chart itself is tested in its own module, ../charts, since Helm and the
// types of Kubernetes are of no use to anything else here.
package examples_test
