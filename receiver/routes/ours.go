// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"net/url"
	"slices"
	"strings"
)

// Known is prior knowledge about culprit's receiver.
type Known struct {
	Names    []string // names of receivers, from webhooks or the configuration
	External *url.URL // culprit's URL; nil: unknown
}

// How culprit's receivers were recognised.
const (
	ByName    = "by the name that was given"    // in Known
	ByAddress = "by the address of its webhook" // which ends in WebhookPath
	ByGuess   = "by its name"                   // it has a webhook and such a name
)

// WebhookPath is the path of culprit's webhook.
const WebhookPath = "/api/v1/webhook"

// Recognise finds culprit's receivers: those known by name; else those whose webhook has culprit's
// URL; else, because Alertmanager has hidden URLs since 0.26, those with a webhook and culprit in
// their name.
func (t *Tree) Recognise(known Known) (receivers []Receiver, how string) {
	hooked := slices.DeleteFunc(slices.Clone(t.Receivers), func(r Receiver) bool { return len(r.Webhooks) == 0 })
	for _, by := range []struct {
		how  string
		fits func(Receiver) bool
	}{
		{ByName, func(r Receiver) bool { return slices.Contains(known.Names, r.Name) }},
		{ByAddress, func(r Receiver) bool { return known.External != nil && r.calls(known.External.Host) }},
		{ByAddress, func(r Receiver) bool { return r.calls("") }},
		{ByGuess, func(r Receiver) bool { return strings.Contains(strings.ToLower(r.Name), "culprit") }},
	} {
		for _, r := range hooked {
			if by.fits(r) {
				receivers = append(receivers, r)
			}
		}
		if len(receivers) > 0 {
			return receivers, by.how
		}
	}
	return nil, ""
}

// calls reports whether a webhook of the receiver goes to culprit's path, and to host if that is
// given.
func (r Receiver) calls(host string) bool {
	return slices.ContainsFunc(r.Webhooks, func(w Webhook) bool {
		u, err := url.Parse(w.Address)
		return err == nil && strings.HasSuffix(u.Path, WebhookPath) && (host == "" || u.Host == host)
	})
}
