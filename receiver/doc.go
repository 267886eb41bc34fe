// SPDX-License-Identifier: Apache-2.0

// Package receiver is the daemon: it takes alerts in, explains them and writes
// the causes back.
//
// One alert's walk is seven steps down and none back; [Pipeline.Explain] is
// that walk, and the function to read first. Around it stand
//
//   - the webhook, which turns Alertmanager's message into jobs on a durable
//     queue and answers only after the queue's acknowledgement,
//   - the worker, which takes jobs off the queue,
//   - the reconcile loop, which reads Alertmanager itself every half minute:
//     the webhook is the hint, Alertmanager is the truth. It enqueues what was
//     missed, closes what vanished, and repeats write-backs that failed,
//   - the store, which keeps reports and incidents in key-value buckets.
//
// [New] wires them from [Options] and [Daemon.Run] runs them until its context
// ends. Clock, logger and metrics registry are arguments, so that two daemons
// fit in one test.
package receiver
