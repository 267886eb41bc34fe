// SPDX-License-Identifier: Apache-2.0

// Package broker stores what the daemon must not lose, in a durable work queue and
// in key-value buckets with a lifetime. It embeds a NATS server with JetStream, so
// that there is nothing to install. It handles bytes, ids and keys, and knows
// nothing about alerts.
//
// # What is promised
//
// [Broker.Publish] returns nil only after the job is on disk (written and
// flushed, on a majority of the replicas if there are three). From then on the
// job is handed to a handler of [Broker.Consume] again and again until one
// returns nil, or until it has failed Options.MaxDeliveries times; then it is
// handed to Options.OnDead, and never dropped in silence. A job may be handled
// twice (a process that dies between the work and the acknowledgement), so
// handlers must be idempotent. Two jobs with one id are one job while it is in
// the queue: who finds work again and again adds nothing to it.
//
// When the queue holds Options.MaxJobs jobs or Options.MaxBytes bytes, Publish
// refuses with [ErrFull]; nothing that was accepted is ever discarded to make
// room. Every other refusal is [ErrUnavailable], and after it the job may or
// may not be in the queue: publish it again under the same id.
//
// # One replica or three
//
// With one replica the server opens no port at all. With three
// ([ClusterOptions]) it listens for its peers, who know a secret, and each job
// and each entry is kept by all three, so that the loss of one node loses
// nothing. A node waits for a majority as long as it takes, and says so. Two have no
// quorum and are refused. The number is chosen at install: a directory made
// with one replica hides its stream from a cluster, and so Start refuses to
// open it as one of three.
//
// # When the disk is full
//
// JetStream gives a stream up at the first write that fails and does not take
// it back. The broker therefore looks after its server: while the disk can't
// be written, Publish fails at once and [Broker.Healthy] says why; when it can
// be written again, the server is restarted in place and the handlers and
// watchers go on.
//
// # When something else breaks
//
// The same look asks for the queue and the buckets through the client, as
// everybody does. A connection that has ended is made again, and so is a stream
// that was deleted, without what was in it. What the broker can't mend for
// Options.StuckAfter is told by [Broker.Stuck]: then a new process is the cure.
package broker
