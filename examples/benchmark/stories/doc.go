// SPDX-License-Identifier: Apache-2.0

// Package stories draws sixty incidents of a shop, each with what was done before it: a bad release
// among innocent ones, a restart, a flag, a scale-down, a configuration that was reloaded, or
// nothing. The series are those of kube-state-metrics and of the services themselves, Prometheus'
// own engine answers the queries, and the culprit is known by construction.
package stories
