// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"net/url"
	"slices"
	"strings"
)

// Known is what is known of culprit's receiver beforehand.
type Known struct {
	Names    []string // of receivers: those that webhooks named, or the configuration
	External *url.URL // of culprit; nil: not known
}

// How culprit's receivers were recognised.
const (
	ByName    = "by the name that was given"    // in Known
	ByAddress = "by the address of its webhook" // which ends in WebhookPath
	ByGuess   = "by its name"                   // it has a webhook and is called so
)

// WebhookPath is where culprit takes webhooks.
const WebhookPath = "/api/v1/webhook"

// Recognise finds culprit's receivers: those that are known by name; else those
// with a webhook whose address is culprit's; else, as Alertmanager hides
// addresses since 0.26, those with a webhook whose name has culprit in it.
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

// calls says whether a webhook of the receiver goes to culprit's path, at a host
// if one is given.
func (r Receiver) calls(host string) bool {
	return slices.ContainsFunc(r.Webhooks, func(w Webhook) bool {
		u, err := url.Parse(w.Address)
		return err == nil && strings.HasSuffix(u.Path, WebhookPath) && (host == "" || u.Host == host)
	})
}
