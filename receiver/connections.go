// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// connections limits how many connections are open, over all listeners. A plain limit would let
// clients that connect and say nothing, or never read, lock everybody else out. Instead the
// connection whose client has kept the daemon waiting longest is closed for a new one. A new
// connection waits only if the daemon owes all the others an answer.
type connections struct {
	room   chan struct{} // one token per open connection
	closed prometheus.Counter

	mu   sync.Mutex
	slow *list.List // of *connection, those that wait for their client, longest first
}

// awaited is what the daemon waits for from a client.
type awaited uint8

const (
	awaitsRequest awaited = 1 << iota // its complete header
	awaitsBody
	awaitsReader // reading the answer
)

func newConnections(most int, reg prometheus.Registerer) *connections {
	c := &connections{room: make(chan struct{}, most), slow: list.New()}
	c.closed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "culprit_http_connections_closed_total",
		Help: "Idle or slow connections that were closed to make room for others (--web.max-connections).",
	})
	reg.MustRegister(c.closed)
	return c
}

// limit wraps a listener.
func (c *connections) limit(l net.Listener) net.Listener {
	return &limited{Listener: l, connections: c, done: make(chan struct{})}
}

// patience is how long a client may keep the daemon waiting before its connection may be closed: a
// client that has just connected is about to speak.
const patience = 100 * time.Millisecond

// enter waits for room. It returns false if done is closed first.
func (c *connections) enter(done <-chan struct{}) bool {
	again := time.NewTicker(patience / 4)
	defer again.Stop()
	for {
		select {
		case c.room <- struct{}{}:
			return true
		default:
			c.makeRoom()
		}
		select {
		case c.room <- struct{}{}:
			return true
		case <-again.C:
		case <-done:
			return false
		}
	}
}

// makeRoom closes the connection that has waited longest for its client, if that is longer than
// patience.
func (c *connections) makeRoom() {
	conn := c.longest()
	if conn == nil {
		return
	}
	c.closed.Inc()
	_ = conn.Close() // nobody to report to
}

// longest removes and returns the connection to close, or nil.
func (c *connections) longest() *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	front := c.slow.Front()
	if front == nil {
		return nil
	}
	conn := front.Value.(*connection)
	if time.Since(conn.since) < patience {
		return nil
	}
	c.slow.Remove(front)
	conn.place, conn.left = nil, true
	return conn
}

// wait updates what the daemon waits for from a client.
func (c *connections) wait(conn *connection, begin, end awaited) {
	if conn == nil {
		return // a shared connection (HTTP/2), or a test's
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	conn.awaits = conn.awaits&^end | begin
	switch {
	case conn.awaits != 0 && conn.place == nil && !conn.left:
		conn.place, conn.since = c.slow.PushBack(conn), time.Now()
	case conn.awaits == 0 && conn.place != nil:
		c.slow.Remove(conn.place)
		conn.place = nil
	}
}

// changed is the ConnState hook of http.Server.
func (c *connections) changed(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew, http.StateIdle:
		c.wait(ownConnection(nc), awaitsRequest, awaitsBody) // the server has drained the body by now
	default:
		c.wait(ownConnection(nc), 0, awaitsRequest|awaitsBody)
	}
}

// ownConnection unwraps TLS.
func ownConnection(nc net.Conn) *connection {
	for {
		if conn, ok := nc.(*connection); ok {
			return conn
		}
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		nc = outer.NetConn()
	}
}

type connectionKey struct{}

// withConnection is the ConnContext hook of http.Server: it lets a handler find its connection.
func withConnection(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, ownConnection(nc))
}

// connectionOf returns the connection of a request, or nil if it is shared.
func connectionOf(r *http.Request) *connection {
	if r.ProtoMajor > 1 {
		return nil
	}
	conn, _ := r.Context().Value(connectionKey{}).(*connection)
	return conn
}

// limited is a listener with limited connections.
type limited struct {
	net.Listener
	connections *connections
	once        sync.Once
	done        chan struct{}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !l.connections.enter(l.done) {
		_ = nc.Close()
		return nil, net.ErrClosed
	}
	return &connection{Conn: nc, all: l.connections, leave: sync.OnceFunc(func() { <-l.connections.room })}, nil
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// connection counts against the limit.
type connection struct {
	net.Conn
	all   *connections
	leave func()

	// Guarded by all.mu.
	awaits awaited
	place  *list.Element // its place in all.slow
	since  time.Time     // when it was added there
	left   bool          // closed to make room
}

// Write implements net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	c.all.wait(c, awaitsReader, 0)
	defer c.all.wait(c, 0, awaitsReader)
	if err := c.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.leave()
	return c.Conn.Close()
}
