// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options configure a broker. Only Dir is required.
type Options struct {
	Dir     string          // storage directory; created if missing
	Logger  *slog.Logger    // nil: no logs
	Cluster *ClusterOptions // nil: one replica that opens no port

	MaxJobs        int64 // most jobs in the queue, pending and in flight; 0 means 100,000
	MaxBytes       int64 // size of the queue; 0 means 1 GiB
	MaxBucketBytes int64 // size of each bucket; 0 means 1 GiB, -1 unlimited

	MaxDeliveries int           // attempts until a job is dead; 0 means 5
	AckWait       time.Duration // until the job of a dead process is redelivered; 0 means 10 s
	RetryMin      time.Duration // delay after the first failure, then doubled; 0 means 1 s
	RetryMax      time.Duration // maximum delay; 0 means 1 minute
	DrainTimeout  time.Duration // how long running handlers may go on after Consume's context ended; 0 means 30 s

	// SyncInterval is how long a write may wait to be flushed to disk. 0 flushes each write before
	// it is acknowledged, so that a power failure loses nothing. Killing the process loses nothing
	// either way: the kernel has what was written.
	SyncInterval time.Duration

	// StuckAfter is how long the broker may be unhealthy, for a reason that a restart could cure,
	// before [Broker.Stuck] says so; 0 means 1 minute.
	StuckAfter time.Duration

	// OnWait is called repeatedly with what Start and Bucket wait for. It must not block.
	OnWait func(what string)

	// OnLost is called with the number of jobs of the queue, or entries of a watched bucket, that
	// are lost to damaged files: exact after a clean shutdown, estimated after a crash. It must not
	// block.
	OnLost func(what string, gone uint64)

	// OnDead is called with each job that has failed for the last time, and its last error, before
	// the job leaves the queue. It must not block for long.
	OnDead func(Job, error)
}

// ClusterOptions configure one of three nodes.
type ClusterOptions struct {
	Name     string   // of the cluster, equal on all nodes; "" means culprit
	Node     string   // unique name of this node, stable across restarts
	Listen   string   // host:port for the other nodes
	Routes   []string // nats://host:port of the nodes; a node skips itself
	Secret   string   // shared by the nodes; at least MinSecret bytes
	Replicas int      // 1 or 3; 0 means 1, which ignores the other fields

	// TLS encrypts the traffic between nodes. Each node is server and client, so it needs the
	// settings of both; nil: no encryption.
	TLS *tls.Config
}

// MinSecret is the minimum length of a cluster's secret, in bytes: whoever reaches the port can
// guess.
const MinSecret = 32

// MaxPayload is the maximum size of a job or entry, in bytes.
const MaxPayload = 8 << 20

// withDefaults replaces zero values by the defaults.
func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	orDefault(&o.MaxJobs, 100_000)
	orDefault(&o.MaxBytes, 1<<30)
	orDefault(&o.MaxBucketBytes, 1<<30)
	orDefault(&o.MaxDeliveries, 5)
	orDefault(&o.AckWait, 10*time.Second)
	orDefault(&o.RetryMin, time.Second)
	orDefault(&o.RetryMax, time.Minute)
	orDefault(&o.DrainTimeout, 30*time.Second)
	orDefault(&o.StuckAfter, time.Minute)
	if o.OnWait == nil {
		o.OnWait = func(string) {}
	}
	if o.OnLost == nil {
		o.OnLost = func(string, uint64) {}
	}
	if o.OnDead == nil {
		log := o.Logger
		o.OnDead = func(j Job, err error) {
			log.Error("job given up", "id", j.ID, "deliveries", j.Deliveries, "err", err)
		}
	}
	return o
}

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// replicas returns 1 or 3.
func (o Options) replicas() int {
	if o.Cluster == nil || o.Cluster.Replicas == 0 {
		return 1
	}
	return o.Cluster.Replicas
}

// validate finds what can't work before anything is touched.
func (o Options) validate() error {
	switch {
	case o.Dir == "":
		return &Error{What: "no storage directory", Hint: "name one"}
	case o.replicas() != 1 && o.replicas() != 3:
		return &Error{
			What: fmt.Sprintf("%d replicas", o.replicas()), Err: ErrReplicas,
			Hint: "use 1, or 3: two nodes have no majority when one is lost",
		}
	case o.replicas() == 3 && o.Cluster.Node == "":
		return &Error{What: "a cluster node without a name", Hint: "give each node its own, such as its host name"}
	case o.replicas() == 3 && len(o.Cluster.Secret) < MinSecret:
		return &Error{
			What: fmt.Sprintf("a cluster secret of %d bytes", len(o.Cluster.Secret)), Err: ErrSecret,
			Hint: fmt.Sprintf("whoever reaches the port could join: give all nodes the same %d bytes or more, such as openssl rand -hex 32 prints", MinSecret),
		}
	}
	return nil
}

// serverOptions are the settings of the embedded server. The token keeps other users of the machine
// out of the port that a cluster node has to open.
func (o Options) serverOptions(token string) (*server.Options, error) {
	so := &server.Options{
		ServerName:             "culprit",
		Host:                   "127.0.0.1",
		Port:                   server.RANDOM_PORT,
		DontListen:             true,
		Authorization:          token,
		NoSigs:                 true,
		NoLog:                  true,
		DisableJetStreamBanner: true,
		MaxPayload:             MaxPayload,
		JetStream:              true,
		StoreDir:               o.Dir,
		JetStreamMaxStore:      1 << 60, // the streams have limits of their own; a full disk is handled
		JetStreamMaxMemory:     64 << 20,
		SyncAlways:             o.SyncInterval == 0,
		SyncInterval:           o.SyncInterval,
	}
	if o.replicas() == 1 {
		return so, nil
	}
	return so, o.Cluster.apply(so)
}

// A hung node keeps its connections, and requests to it are neither answered nor refused. The
// others drop it within the time of an election, so that no job waits for it.
const (
	pingEvery = time.Second
	pingsOut  = 4
)

// apply sets the options of a cluster node.
func (c *ClusterOptions) apply(so *server.Options) error {
	host, port, err := splitListen(c.Listen)
	if err != nil {
		return err
	}
	so.DontListen = false
	so.ServerName = c.Node
	so.Cluster.Name = c.Name
	orDefault(&so.Cluster.Name, "culprit")
	so.Cluster.Host, so.Cluster.Port = host, port
	so.Cluster.Username, so.Cluster.Password = "culprit", c.Secret
	so.Cluster.TLSConfig = c.TLS
	so.Cluster.PingInterval, so.Cluster.MaxPingsOut = pingEvery, pingsOut
	for _, route := range c.Routes {
		u, err := url.Parse(route)
		if err != nil || u.Host == "" {
			return &Error{What: fmt.Sprintf("route %q of the cluster", route), Err: err, Hint: "write nats://host:port"}
		}
		u.User = url.UserPassword("culprit", c.Secret)
		so.Routes = append(so.Routes, u)
	}
	return nil
}

// splitListen parses host:port.
func splitListen(addr string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil {
		return "", 0, &Error{What: fmt.Sprintf("listen address %q of the cluster", addr), Err: err, Hint: "write host:port, such as 0.0.0.0:6222"}
	}
	return host, port, nil
}
