// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/broker"
)

func TestNoClusterWithoutASecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, secretFile := range map[string]string{
		"none":   "",
		"empty":  write("empty", ""),
		"blank":  write("blank", strings.Repeat(" ", 64)+"\n"),
		"short":  write("short", strings.Repeat("x", 31)+"\n"),
		"absent": filepath.Join(dir, "absent"),
	} {
		args := []string{"serve", "--storage.path=" + dir + "/data", "--config.file=" + write("culprit.yml", "prometheus: {url: 'http://127.0.0.1:1'}\n"), "--web.listen-address=127.0.0.1:0"}
		if secretFile != "" {
			args = append(args, "--cluster.secret-file="+secretFile)
		}
		for i := range 3 {
			args = append(args, fmt.Sprintf("--cluster.peer=127.0.0.1:%d", i+1))
		}
		c := culprit(t, args...)
		if c.code == 0 || name != "absent" && !strings.Contains(c.err, "openssl rand -hex 32") {
			t.Errorf("%s: exit %d: %s", name, c.code, c.err)
		}
	}
}

func TestReplicasThatTrustEachOtherClusterOverTLS(t *testing.T) {
	authority := newAuthority(t)
	authority.settings(t, authority)
	secret := authority.secret(t)
	var peers []string
	for range 3 {
		address, err := lab.FreeAddress("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, address)
	}
	start := func(i int, a *authorityOfTests, patience time.Duration) (*broker.Broker, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		settings := clusterSettings{
			node: fmt.Sprint("node-", i), listen: peers[i], peers: peers, secretFile: secret, tlsFile: filepath.Join(a.dir, "tls.yml"),
		}
		opt, err := settings.options()
		if err != nil {
			return nil, err
		}
		log := slog.New(slog.NewTextHandler(t.Output(), nil)).With("node", i)
		return broker.Start(ctx, broker.Options{Dir: filepath.Join(a.dir, settings.node), Cluster: opt, Logger: log})
	}
	nodes := make([]*broker.Broker, 3)
	var all errgroup.Group
	for i := range nodes {
		all.Go(func() (err error) {
			nodes[i], err = start(i, authority, time.Minute)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, b := range nodes[:2] {
		t.Cleanup(func() { _ = b.Close() })
	}
	if err := nodes[2].Close(); err != nil {
		t.Fatal(err)
	}
	stranger := newAuthority(t)
	stranger.settings(t, stranger)
	if b, err := start(2, stranger, 10*time.Second); err == nil {
		t.Error("one with a certificate of a stranger was let in", b.Close())
	} else if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the nodes don't accept each other's TLS") {
		t.Error(err)
	}
}

func TestMistakesInTheTLSSettingsOfTheClusterAreTold(t *testing.T) {
	authority := newAuthority(t)
	good, err := os.ReadFile(authority.settings(t, authority))
	if err != nil {
		t.Fatal(err)
	}
	for want, text := range map[string]string{
		"write both tls_server_config and tls_client_config": "",
		"tls_client_cnofig not found":                        strings.Replace(string(good), "tls_client_config", "tls_client_cnofig", 1),
		"no such file":                                       strings.Replace(string(good), "node.crt", "absent.crt", 1),
		"tls_server_config":                                  strings.Replace(string(good), "RequireAndVerifyClientCert", "Sometimes", 1),
	} {
		file := filepath.Join(authority.dir, "wrong.yml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readClusterTLS(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// authorityOfTests signs the replicas' certificates.
type authorityOfTests struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority makes an authority, with a certificate for a replica in its directory.
func newAuthority(t *testing.T) *authorityOfTests {
	t.Helper()
	a := &authorityOfTests{dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(t, template, "ca")
	a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "replica"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, "node")
	return a
}

// sign writes name.crt and name.key.
func (a *authorityOfTests) sign(t *testing.T, template *x509.Certificate, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, bytes := range map[string][]byte{"CERTIFICATE": der, "PRIVATE KEY": private} {
		path := filepath.Join(a.dir, name+map[string]string{"CERTIFICATE": ".crt", "PRIVATE KEY": ".key"}[kind])
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// settings writes the TLS settings of a replica that trusts trusted.
func (a *authorityOfTests) settings(t *testing.T, trusted *authorityOfTests) string {
	t.Helper()
	ca := filepath.Join(trusted.dir, "ca.crt")
	text := fmt.Sprintf(`tls_server_config:
  cert_file: node.crt
  key_file: node.key
  client_ca_file: %s
  client_auth_type: RequireAndVerifyClientCert
tls_client_config:
  cert_file: node.crt
  key_file: node.key
  ca_file: %s
`, ca, ca)
	file := filepath.Join(a.dir, "tls.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// secret writes the shared secret.
func (a *authorityOfTests) secret(t *testing.T) string {
	t.Helper()
	file := filepath.Join(a.dir, "secret")
	if err := os.WriteFile(file, []byte(strings.Repeat("s", broker.MinSecret)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
