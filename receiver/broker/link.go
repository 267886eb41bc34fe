// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// link is the client's side of the broker: one connection to the embedded
// server, and what hangs on it. The client library connects again by itself
// when a connection breaks, but not when the server has ended it for a mistake
// of the protocol; then the broker makes a new link.
type link struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

// connect makes a link and puts it in the place of the last one.
func (b *Broker) connect() error {
	conn, err := nats.Connect("", nats.InProcessServer(b), nats.Token(b.token), nats.Name("culprit"),
		nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		return fmt.Errorf("connecting to the embedded server: %w", err)
	}
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(attempt))
	if err != nil {
		conn.Close()
		return fmt.Errorf("opening JetStream: %w", err)
	}
	b.link.Store(&link{conn, js})
	return nil
}

// reconnect ends the link, if it has not ended, and makes another. Handlers
// and watchers move over by themselves.
func (b *Broker) reconnect() error {
	b.link.Load().conn.Close()
	return b.connect()
}

// InProcessConn connects to the server of the moment, so that the connection
// outlives a restart of it. It is for the NATS client library.
func (b *Broker) InProcessConn() (net.Conn, error) { return b.server.Load().InProcessConn() }
