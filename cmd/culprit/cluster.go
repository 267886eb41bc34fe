// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/receiver/broker"
)

// clusterSettings are the flags of a cluster.
type clusterSettings struct {
	node, listen, secretFile, tlsFile string
	peers                             []string
}

func clusterFlags(cmd *kingpin.CmdClause) *clusterSettings {
	c := &clusterSettings{}
	cmd.Flag("cluster.peer", "Address of a replica. Repeat it for each of the three, including this one. Omit it to run a single replica.").
		PlaceHolder("HOST:PORT").StringsVar(&c.peers)
	cmd.Flag("cluster.node", "Name of this replica: unique, and the same after a restart, such as the pod name.").
		Default(hostname()).StringVar(&c.node)
	cmd.Flag("cluster.listen-address", "Address to listen on for the other replicas.").Default(":6222").StringVar(&c.listen)
	cmd.Flag("cluster.secret-file", "File with a secret of at least 32 bytes that all replicas share, for example from `openssl rand -hex 32`. Required with --cluster.peer.").
		PlaceHolder("FILE").StringVar(&c.secretFile)
	cmd.Flag("cluster.tls-config", "File with tls_server_config and tls_client_config for traffic between replicas, in the format of Alertmanager's cluster TLS.").
		PlaceHolder("FILE").StringVar(&c.tlsFile)
	return c
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "culprit"
	}
	return name
}

// options returns nil for a single daemon.
func (c *clusterSettings) options() (*broker.ClusterOptions, error) {
	if len(c.peers) == 0 {
		return nil, nil
	}
	opt := &broker.ClusterOptions{Node: c.node, Listen: c.listen, Replicas: len(c.peers)}
	for _, peer := range c.peers {
		opt.Routes = append(opt.Routes, "nats://"+peer)
	}
	if c.secretFile == "" {
		return nil, usageError{errors.New("--cluster.peer without --cluster.secret-file: whoever reaches the port of a cluster could join it; " +
			"hint: give every replica the same file, made with: openssl rand -hex 32")}
	}
	secret, err := os.ReadFile(c.secretFile)
	if err != nil {
		return nil, fmt.Errorf("reading the secret of the cluster: %w", err)
	}
	opt.Secret = string(bytes.TrimSpace(secret))
	if c.tlsFile != "" {
		opt.TLS, err = readClusterTLS(c.tlsFile)
	}
	return opt, err
}

// clusterTLS is the file of --cluster.tls-config, in Alertmanager's format.
type clusterTLS struct {
	Server *web.TLSConfig        `yaml:"tls_server_config"`
	Client *promconfig.TLSConfig `yaml:"tls_client_config"`
}

// readClusterTLS reads the file and joins its halves: a replica is both server and client.
// Certificates are reloaded at each handshake.
func readClusterTLS(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the TLS settings of the cluster: %w", err)
	}
	var halves clusterTLS
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&halves); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	both, err := halves.join(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return both, nil
}

// join makes one configuration of both halves; paths are relative to dir.
func (c clusterTLS) join(dir string) (*tls.Config, error) {
	if c.Server == nil || c.Client == nil {
		return nil, errors.New("a replica is server and client; hint: write both tls_server_config and tls_client_config")
	}
	c.Server.SetDirectory(dir)
	c.Client.SetDirectory(dir)
	both, err := web.ConfigToTLSConfig(c.Server)
	if err != nil {
		return nil, fmt.Errorf("tls_server_config: %w", err)
	}
	client, err := promconfig.NewTLSConfig(c.Client)
	if err != nil {
		return nil, fmt.Errorf("tls_client_config: %w", err)
	}
	both.RootCAs = client.RootCAs
	both.GetClientCertificate = client.GetClientCertificate
	both.ServerName = client.ServerName
	both.InsecureSkipVerify = client.InsecureSkipVerify
	both.MinVersion = max(both.MinVersion, client.MinVersion)
	if client.MaxVersion != 0 && (both.MaxVersion == 0 || client.MaxVersion < both.MaxVersion) {
		both.MaxVersion = client.MaxVersion
	}
	return both, nil
}
