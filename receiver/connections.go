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

// connections bounds how many connections are open at a time, over all
// listeners. With a limit alone everybody would wait behind those who connect
// and say nothing, or never read. Here the connection whose client has kept the
// daemon waiting longest makes room for a new one, so that whoever speaks is
// heard at once. Only when the daemon has all of them to answer a new one waits.
type connections struct {
	room   chan struct{} // holds an entry for each open connection
	closed prometheus.Counter

	mu   sync.Mutex
	slow *list.List // of the *connection whose client is waited for, the longest first
}

// awaited is what a client is waited for.
type awaited uint8

const (
	awaitsRequest awaited = 1 << iota // the whole head of it
	awaitsBody
	awaitsReader // of an answer
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

// limit returns a listener whose connections are bounded.
func (c *connections) limit(l net.Listener) net.Listener {
	return &limited{Listener: l, connections: c, done: make(chan struct{})}
}

// patience is how long a client may keep the daemon waiting before it must make
// room: whoever has just connected is about to speak.
const patience = 100 * time.Millisecond

// enter waits for room, and says whether there was some before done.
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

// makeRoom closes the connection whose client is waited for longest, if that is
// long enough.
func (c *connections) makeRoom() {
	conn := c.longest()
	if conn == nil {
		return
	}
	c.closed.Inc()
	_ = conn.Close() // nobody is to be told
}

// longest takes the connection out whose client has used up the patience.
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

// wait notes that a client is waited for some things, and for others no longer.
func (c *connections) wait(conn *connection, begin, end awaited) {
	if conn == nil {
		return // it is shared, or a test's
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

// changed is a hook of http.Server.
func (c *connections) changed(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew, http.StateIdle:
		c.wait(ownConnection(nc), awaitsRequest, awaitsBody) // what nobody has read of a body the server has read by now
	default:
		c.wait(ownConnection(nc), 0, awaitsRequest|awaitsBody)
	}
}

// ownConnection finds the connection below TLS.
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

// withConnection is a hook of http.Server: it lets a handler find its connection.
func withConnection(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, ownConnection(nc))
}

// connectionOf is the connection of a request, if it has it for itself.
func connectionOf(r *http.Request) *connection {
	if r.ProtoMajor > 1 {
		return nil
	}
	conn, _ := r.Context().Value(connectionKey{}).(*connection)
	return conn
}

// limited is a listener whose connections are bounded.
type limited struct {
	net.Listener
	connections *connections
	once        sync.Once
	done        chan struct{}
}

// Accept is part of net.Listener.
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

// Close is part of net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// connection is a connection that takes up room.
type connection struct {
	net.Conn
	all   *connections
	leave func()

	// Guarded by all.mu.
	awaits awaited
	place  *list.Element // among the slow ones
	since  time.Time     // when it became one of them
	left   bool          // it has made room
}

// Write is part of net.Conn.
func (c *connection) Write(p []byte) (int, error) {
	c.all.wait(c, awaitsReader, 0)
	defer c.all.wait(c, 0, awaitsReader)
	if err := c.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Close is part of net.Conn.
func (c *connection) Close() error {
	c.leave()
	return c.Conn.Close()
}
