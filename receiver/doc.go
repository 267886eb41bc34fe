// SPDX-License-Identifier: Apache-2.0

// Package receiver is the daemon: it receives alerts, explains them and writes the causes back.
//
// pipeline.go takes one alert from the queue to its annotation; read it first. Around
// it are
//
//   - the webhook, which turns Alertmanager's message into jobs on a durable
//     queue and answers only after the queue's acknowledgement,
//   - the worker, which takes jobs off the queue,
//   - the reconcile loop, which reads Alertmanager every half minute: the webhook
//     is a hint, Alertmanager is the source of truth. It enqueues missed alerts,
//     closes reports of alerts that are gone, and retries failed writes,
//   - the store, which keeps reports and incidents in key-value buckets.
//
// [New] wires them from [Options] and [Daemon.Run] runs them until its context
// ends. Clock, logger and metrics registry are arguments, so that two daemons
// fit in one test.
package receiver
