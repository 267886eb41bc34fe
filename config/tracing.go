// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"golang.org/x/net/http/httpguts"
)

// Tracing sends traces of culprit itself to an OTLP receiver. The keys are those of
// Prometheus.
type Tracing struct {
	ClientType       string                         `yaml:"client_type"`           // protocol; `grpc` is not supported; default http
	Endpoint         string                         `yaml:"endpoint"`              // host and port of the receiver, such as otel-collector:4318; spans are posted to /v1/traces
	SamplingFraction float64                        `yaml:"sampling_fraction"`     // share of alerts that are traced, from 0 to 1; default 1
	Insecure         bool                           `yaml:"insecure,omitempty"`    // use http instead of https; default false
	TLSConfig        commonconfig.TLSConfig         `yaml:"tls_config,omitempty"`  // TLS settings
	Headers          map[string]commonconfig.Secret `yaml:"headers,omitempty"`     // headers to add to each request
	Compression      string                         `yaml:"compression,omitempty"` // compression of requests; default none
	Timeout          model.Duration                 `yaml:"timeout,omitempty"`     // timeout of one request; default 10s
}

// checkTracing checks the settings of tracing.
func (d *decoder) checkTracing(t *Tracing) {
	if t == nil {
		return
	}
	switch {
	case d.isRefused("tracing.endpoint"):
	case t.Endpoint == "":
		d.at("tracing.endpoint", "is missing", "write host and port of the receiver, such as otel-collector:4318")
	case strings.Contains(t.Endpoint, "/"):
		d.at("tracing.endpoint", fmt.Sprintf("is %q", t.Endpoint), "write host and port only, such as otel-collector:4318, and insecure: true for http")
	default:
		if _, port, err := net.SplitHostPort(t.Endpoint); err != nil || port == "" {
			d.at("tracing.endpoint", fmt.Sprintf("is %q, which is not a host and a port", t.Endpoint), "write the port, too, such as otel-collector:4318")
		}
	}
	if t.ClientType == "grpc" {
		d.at("tracing.client_type", `is "grpc", which culprit does not speak`, "write http and the receiver's port for OTLP over HTTP, usually 4318")
	} else {
		d.oneOf("tracing.client_type", t.ClientType, "http")
	}
	d.oneOf("tracing.compression", t.Compression, "gzip")
	d.upTo("tracing.sampling_fraction", t.SamplingFraction, 1)
	if t.Timeout <= 0 {
		d.at("tracing.timeout", "is zero", "write a duration such as 10s, or leave it out")
	}
	for name, value := range t.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(string(value)) {
			d.at("tracing.headers."+name, "is not a header", "write a name of letters, digits and -, and a value on one line")
		}
	}
	if err := t.TLSConfig.Validate(); err != nil {
		d.at("tracing.tls_config", "is contradictory: "+err.Error(), "the keys are those of Prometheus' tls_config")
	}
	if t.Insecure && t.TLSConfig != (commonconfig.TLSConfig{}) {
		d.at("tracing.tls_config", "is set, and insecure: true uses no TLS", "leave one of them out")
	}
}
