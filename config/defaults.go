// SPDX-License-Identifier: Apache-2.0

package config

import (
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// setDefaults sets every default that is not the zero value, before the file is read.
func (c *Config) setDefaults() {
	c.UnmatchedAlerts.Enabled = true
	c.IgnoreAlerts = []string{`alertname=~"Watchdog|InfoInhibitor|Culprit.*"`}
	c.Expressions = Expressions{FromAlerts: TrustAny, FromAPI: TrustAny}
	c.ExplainAPI.Enabled = true
	c.Changes.Queries = true
	c.Changes.Lifetime = model.Duration(30 * 24 * time.Hour)
	c.Publish = Publish{
		AlertAnnotations:   Toggle{Enabled: true},
		SilenceComments:    SilenceComments{UpdateExisting: true},
		GrafanaAnnotations: Toggle{Enabled: true},
	}
}

func (p *Prometheus) setDefaults() {
	p.HTTPConfig = commonconfig.DefaultHTTPClientConfig
	p.MaxConcurrentQueries = 4
	p.QueryTimeout = model.Duration(10 * time.Second)
	p.MaxSeries = 20_000
	p.MaxQueries = 500
	p.MaxSamples = 5_000_000
	p.MaxBytes = 64 << 20
	p.MaxTime = model.Duration(time.Minute)
}

func (a *Alertmanager) setDefaults() { a.HTTPConfig = commonconfig.DefaultHTTPClientConfig }

func (g *Grafana) setDefaults() { g.HTTPConfig = commonconfig.DefaultHTTPClientConfig }

func (h *RecoveryWebhook) setDefaults() {
	h.HTTPConfig = commonconfig.DefaultHTTPClientConfig
	h.MinConfidence = "low"
}

func (t *Tracing) setDefaults() {
	t.ClientType, t.SamplingFraction, t.Timeout = "http", 1, model.Duration(10*time.Second)
}
