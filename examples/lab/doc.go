// SPDX-License-Identifier: Apache-2.0

// Package lab is a small world to watch culprit in: a real Prometheus, a real
// Alertmanager and a shop that they observe, all in one process.
//
// The servers are real. [StartPrometheus] runs Prometheus' own database, PromQL engine, rule
// manager and notifier, and [StartAlertmanager] runs Alertmanager's own provider, dispatcher,
// silences and API, so that results here hold on production servers. [Grafana] is the exception: it
// only records the annotation calls that it gets, and answers them as Grafana 9.3.2 does.
//
// A [Shop] fills the database with days of history and then runs on, second by second.
// [Shop.Inject] breaks it, and [Fault.Truth] says what a good analysis should find.
//
// The demo, the storm and the end-to-end tests under examples share the
// package.
package lab
