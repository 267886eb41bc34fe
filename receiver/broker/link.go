// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"fmt"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// link is a client connection to the embedded server. The client library reconnects by itself if
// the connection breaks, but not if the server closed it for a protocol error; then the broker
// makes a new link.
type link struct {
	conn *nats.Conn
	js   jetstream.JetStream
}

// connect makes a link, replacing the last one.
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

// reconnect closes the link and makes another. Handlers and watchers move over by themselves.
func (b *Broker) reconnect() error {
	b.link.Load().conn.Close()
	return b.connect()
}

// InProcessConn connects to the current server, so that the connection survives its restart. The
// NATS client library calls it.
func (b *Broker) InProcessConn() (net.Conn, error) { return b.server.Load().InProcessConn() }
