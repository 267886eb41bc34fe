// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// retry repeats do until it succeeds, ctx ends, or retrying is pointless. A cluster that is
// forming or electing leaves requests unanswered or refuses them, so each try is short.
func (b *Broker) retry(ctx context.Context, what string, do func(context.Context) error) error {
	var last error
	for {
		try, cancel := context.WithTimeout(ctx, attempt)
		err := do(try)
		cancel()
		if err == nil {
			return nil
		}
		if b.permanent(err) {
			return &Error{What: what + " can't be made", Err: err, Hint: hopelessHint(err)}
		}
		if !errors.Is(err, context.DeadlineExceeded) || last == nil {
			last = err
		}
		b.waiting(what + b.lacking(err))
		select {
		case <-ctx.Done():
			return &Error{What: what + " is not ready" + b.peersMissing(), Err: errors.Join(last, ctx.Err()), Hint: b.notReadyHint()}
		case <-b.closing.Done():
			return ErrClosed
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lacking says what a request waits for.
func (b *Broker) lacking(err error) string {
	var api *jetstream.APIError
	if b.opt.replicas() == 1 && errors.As(err, &api) {
		return ": " + err.Error()
	}
	return b.peersMissing()
}

func hopelessHint(err error) string {
	if illegal(err) {
		return "a name has letters, digits, - and _ only"
	}
	return "the storage has it with settings that can't be changed: restore a backup, or begin with an empty directory"
}

func (b *Broker) notReadyHint() string {
	if b.opt.replicas() == 1 {
		return "the log lines of component nats say why"
	}
	return "two of the three nodes must be up, all three at the very first start, and reach each other: check their addresses and the shared secret"
}

// codeInvalidConfig refuses settings that a stream can't have, or can't be changed to.
const codeInvalidConfig jetstream.ErrorCode = 10052

// neverLegal are the client library's errors for invalid names.
var neverLegal = []error{
	jetstream.ErrInvalidBucketName, jetstream.ErrInvalidStreamName, jetstream.ErrInvalidConsumerName,
	jetstream.ErrStreamNameRequired, jetstream.ErrInvalidSubject, jetstream.ErrInvalidKey,
}

func illegal(err error) bool {
	return slices.ContainsFunc(neverLegal, func(e error) bool { return errors.Is(err, e) })
}

// permanent reports whether a request will always be refused, whatever happens to the disk or the
// other nodes. While a cluster is forming even a "bad request" may be temporary.
func (b *Broker) permanent(err error) bool {
	if illegal(err) || refusedWith(err, codeInvalidConfig) {
		return true
	}
	var api *jetstream.APIError
	return b.opt.replicas() == 1 && errors.As(err, &api) && api.Code == http.StatusBadRequest
}

// waiting reports what is waited for: always to OnWait, now and then to the log.
func (b *Broker) waiting(what string) {
	b.opt.OnWait(what)
	b.waited.Lock()
	defer b.waited.Unlock()
	key := numbers.ReplaceAllString(what, "#")
	if key == b.waited.what && time.Since(b.waited.at) < tellEvery {
		return
	}
	b.waited.what, b.waited.at = key, time.Now()
	b.opt.Logger.Info("waiting for " + what)
}

// peersMissing says which nodes can't be reached, and why, as far as the server knows.
func (b *Broker) peersMissing() string {
	if b.opt.replicas() == 1 {
		return ""
	}
	there := b.peers()
	if len(there) >= b.opt.replicas()-1 {
		return ", of which the nodes choose a leader"
	}
	text := fmt.Sprintf(": %d of %d nodes are connected", len(there)+1, b.opt.replicas())
	if len(there) > 0 {
		text += " (this one, " + strings.Join(there, ", ") + ")"
	}
	if said := b.said.Load().trouble(); said != "" {
		text += "; the last trouble: " + said
	}
	return text
}

// peers lists the connected nodes.
func (b *Broker) peers() []string {
	routes, err := b.server.Load().Routez(&server.RoutezOptions{})
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range routes.Routes {
		if r.RemoteName != "" && !slices.Contains(names, r.RemoteName) {
			names = append(names, r.RemoteName)
		}
	}
	slices.Sort(names)
	return names
}
