// SPDX-License-Identifier: Apache-2.0

// Package broker stores what the daemon must not lose, in a durable work queue and
// in key-value buckets with a lifetime. It embeds a NATS server with JetStream, so
// that there is nothing to install. It handles bytes, ids and keys, and knows
// nothing about alerts.
//
// # Guarantees
//
// [Broker.Publish] returns nil only after the job is on disk (written and
// flushed, on a majority of the replicas if there are three). From then on the
// job is handed to a handler of [Broker.Consume] again and again until one
// returns nil, or until it has failed Options.MaxDeliveries times; then it is
// handed to Options.OnDead, and never dropped in silence. A job may be handled
// twice (a process that dies between the work and the acknowledgement), so
// handlers must be idempotent. Two jobs with the same id are one job while it is in
// the queue: publishing the same work again adds nothing.
//
// When the queue holds Options.MaxJobs jobs or Options.MaxBytes bytes, Publish
// refuses with [ErrFull]; nothing that was accepted is ever discarded to make
// room. Every other refusal is [ErrUnavailable], and after it the job may or
// may not be in the queue: publish it again under the same id.
//
// # One replica or three
//
// With one replica the server opens no port. With three ([ClusterOptions]) it listens
// for its peers, which share a secret, and all three store each job and each entry, so
// that losing one node loses nothing. A node waits for a majority as long as it takes,
// and logs that it does. Two replicas are rejected: they lose their majority with either.
// The number is chosen at install time: a directory created with one replica hides its
// stream from a cluster, so Start refuses to open it as one of three.
//
// # When the disk is full
//
// JetStream abandons a stream at the first failed write and does not recover it. The
// broker therefore supervises its server: while the disk can't be written, Publish
// fails at once and [Broker.Healthy] says why; once it can be written again, the server
// is restarted in place, and handlers and watchers continue.
//
// # When a file is damaged
//
// JetStream leaves out what it can't read, and says nothing of it. At an orderly end
// the broker notes which jobs and entries there are; the next one compares, tells
// Options.OnLost and the log how many are gone, and writes anew what is left of a
// stream that is damaged. After a crash it knows only how far the writes had come.
//
// # When something else breaks
//
// The same check reads the queue and the buckets through a client. A closed
// connection is opened again, and a deleted stream is created again, empty. If the
// broker can't recover within Options.StuckAfter, [Broker.Stuck] says so: then the
// process must be restarted.
package broker
