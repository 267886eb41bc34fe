// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/url"
	"strings"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/routes"
)

// routeWatch reads the routes of every Alertmanager and checks them when they change: is culprit
// notified at once, and is anybody no longer notified because of it?
type routeWatch struct {
	receivers *receivers
	external  *url.URL // culprit's
	metrics   *metrics
	log       *slog.Logger

	judged map[string][sha256.Size]byte // address → digest of the last input
}

// look checks the peers that have answered in this round. It is not safe for concurrent use.
func (w *routeWatch) look(ctx context.Context, v view) {
	there := map[string]bool{}
	for _, p := range v.peers {
		there[p.client.Address()] = true
		if p.err == nil {
			w.peer(ctx, p.client)
		}
	}
	for address := range w.judged {
		if !there[address] { // removed from the configuration
			delete(w.judged, address)
			w.metrics.routeProblems.DeletePartialMatch(map[string]string{"alertmanager": address})
		}
	}
}

func (w *routeWatch) peer(ctx context.Context, client *alertmanager.Client) {
	address := client.Address()
	status, err := client.Status(ctx)
	if err != nil {
		w.log.Warn("The routes of Alertmanager can't be read; trying again", "alertmanager", address, "err", err)
		return
	}
	if strings.TrimSpace(status.Config) == "" {
		return // another implementation of the API, without a configuration
	}
	known := routes.Known{Names: w.receivers.names(), External: w.external}
	sum := sha256.Sum256([]byte(strings.Join(known.Names, "\x00") + "\x00" + status.Config))
	if was, ok := w.judged[address]; ok && was == sum {
		return
	}
	w.judged[address] = sum
	verdict, err := routes.Check(status.Config, known)
	if err != nil {
		verdict.Problems = []routes.Finding{{Kind: routes.Unreadable, Text: err.Error()}}
	}
	w.receivers.find(verdict.Receivers)
	w.tell(address, verdict)
}

// tell logs a verdict and sets the metric.
func (w *routeWatch) tell(address string, verdict routes.Verdict) {
	for _, kind := range routes.Kinds() {
		value := 0.0
		if verdict.Has(kind) {
			value = 1
		}
		w.metrics.routeProblems.WithLabelValues(address, string(kind)).Set(value)
	}
	for _, p := range verdict.Problems {
		w.log.Warn("Alertmanager's routes and culprit: "+p.Text, "alertmanager", address, "problem", p.Kind,
			"hint", "culprit check config FILE --alertmanager.url "+address+" prints the lines to write")
	}
	if len(verdict.Problems) == 0 {
		w.log.Info("Alertmanager's routes are as they should be", "alertmanager", address,
			"receiver", strings.Join(verdict.Receivers, ","), "everybody is notified", verdict.Safe)
	}
}
