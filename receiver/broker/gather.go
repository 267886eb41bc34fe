// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// settled is how many consecutive checks a node must lead the queue before it takes over the other
// leaderships: elections are over by then.
const settled = 5

// gatherLeads makes the leader of the queue also lead its consumer and the buckets, one per check. Each
// elects its own leader, and every job needs all of them: with leaders on three nodes, losing any
// node stalls all jobs for an election of five to ten seconds. With all on one node, losing another
// node stalls only its own jobs.
func (b *Broker) gatherLeads() {
	if b.opt.replicas() == 1 {
		return
	}
	if !b.Leads() {
		b.leadChecks = 0
		return
	}
	if b.leadChecks++; b.leadChecks < settled {
		return
	}
	subject := b.ledElsewhere()
	if subject == "" {
		return
	}
	if err := b.takeLead(subject); err != nil {
		b.leadChecks = 0
		b.opt.Logger.Debug("another node keeps the lead for now", "of", subject, "err", err)
	}
}

// ledElsewhere returns the subject that requests the leadership of something of which this node has
// all data, but which it does not lead; "" if there is none.
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

// takeLead asks the leader to hand over to this node. A leader that is gone doesn't answer.
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
