// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// settled is how many looks in a row must find that a node leads the queue before
// it takes the lead of the rest: there is no election by then.
const settled = 5

// gather lets the node that leads the queue lead its consumer and the buckets,
// too, one in each round. Each of them elects its own leader, and every job needs
// all of them: with leaders on three nodes the loss of any of these holds up all
// jobs for the five to ten seconds of an election. With all on one, the loss of
// another holds up nothing but the jobs that it had.
func (b *Broker) gather() {
	if b.opt.replicas() == 1 {
		return
	}
	if !b.Leads() {
		b.led = 0
		return
	}
	if b.led++; b.led < settled {
		return
	}
	subject := b.ledElsewhere()
	if subject == "" {
		return
	}
	if err := b.takeLead(subject); err != nil {
		b.led = 0
		b.opt.Logger.Debug("another node keeps the lead for now", "of", subject, "err", err)
	}
}

// ledElsewhere is the subject to which to write for the lead of something of
// which this node has all entries, but does not lead; "" if there is none.
func (b *Broker) ledElsewhere() string {
	srv := b.server.Load()
	if !srv.JetStreamIsConsumerLeader(server.DEFAULT_GLOBAL_ACCOUNT, streamName, consumerName) {
		return fmt.Sprintf(server.JSApiConsumerLeaderStepDownT, streamName, consumerName)
	}
	for _, k := range b.opened() {
		name := k.stream()
		if srv.JetStreamIsStreamCurrent(server.DEFAULT_GLOBAL_ACCOUNT, name) && !srv.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, name) {
			return fmt.Sprintf(server.JSApiStreamLeaderStepDownT, name)
		}
	}
	return ""
}

// takeLead asks whoever leads to hand over to this node. One that is gone does
// not answer.
func (b *Broker) takeLead(subject string) error {
	body, err := json.Marshal(server.JSApiLeaderStepdownRequest{Placement: &server.Placement{Preferred: b.opt.Cluster.Node}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(b.closing, attempt)
	defer cancel()
	m, err := b.link.Load().conn.RequestWithContext(ctx, subject, body)
	if err != nil {
		return err
	}
	var answer server.ApiResponse
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return err
	}
	return answer.ToError()
}
