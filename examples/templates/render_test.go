// SPDX-License-Identifier: Apache-2.0

// Package templates_test renders the templates of this directory as people get them: with
// Alertmanager's own configuration, template and notifier code, whose requests end at test servers.
package templates_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/email"
	"github.com/prometheus/alertmanager/notify/msteamsv2"
	"github.com/prometheus/alertmanager/notify/opsgenie"
	"github.com/prometheus/alertmanager/notify/pagerduty"
	"github.com/prometheus/alertmanager/notify/slack"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// alertmanagerURL is the address that links lead to.
const alertmanagerURL = "https://alertmanager.example.org/am"

// request is a request made by a notifier.
type request struct {
	Address string // with scheme and host
	Method  string
	Body    []byte
}

// services stand in for all services that Alertmanager notifies, whatever their names, and record
// requests and mails.
type services struct {
	http *httptest.Server
	mail net.Listener

	mu       sync.Mutex
	requests []request
	mails    []string
	answer   func(request) (contentType, body string)
}

func startServices(t *testing.T) *services {
	t.Helper()
	s := &services{answer: func(request) (string, string) { return "text/plain", "ok" }}
	s.http = httptest.NewTLSServer(http.HandlerFunc(s.take))
	t.Cleanup(s.http.Close)
	var err error
	if s.mail, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.mail.Close() })
	go s.post()
	return s
}

func (s *services) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a part shows in the test
	got := request{"https://" + r.Host + r.URL.String(), r.Method, body}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, got)
	kind, text := s.answer(got)
	w.Header().Set("Content-Type", kind)
	io.WriteString(w, text)
}

// post accepts mails until the listener closes.
func (s *services) post() {
	for {
		conn, err := s.mail.Accept()
		if err != nil {
			return
		}
		s.receive(conn)
	}
}

// receive is the server side of RFC 5321, as far as one mail needs it.
func (s *services) receive(conn net.Conn) {
	defer conn.Close()
	in, text, data := bufio.NewScanner(conn), strings.Builder{}, false
	fmt.Fprint(conn, "220 mail\r\n")
	for in.Scan() {
		line := in.Text()
		switch {
		case data && line == ".":
			data = false
			s.mu.Lock()
			s.mails = append(s.mails, text.String())
			s.mu.Unlock()
			fmt.Fprint(conn, "250 taken\r\n")
		case data:
			text.WriteString(strings.TrimPrefix(line, ".") + "\r\n")
		case line == "DATA":
			data = true
			fmt.Fprint(conn, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 mail\r\n")
		}
	}
}

// clear returns the requests so far, and forgets them.
func (s *services) clear() (requests []request, mails []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests, mails = s.requests, s.mails
	s.requests, s.mails = nil, nil
	return requests, mails
}

// world is Alertmanager's side: the published configuration, with the secrets in its files.
type world struct {
	conf *amconfig.Config
	tmpl *template.Template
	to   *services
	made map[string][]notify.Integration // by receiver
}

func newWorld(t *testing.T) world {
	t.Helper()
	w := world{to: startServices(t), made: map[string][]notify.Integration{}}
	var err error
	if w.conf, err = amconfig.Load(published(t)); err != nil {
		t.Fatal(err)
	}
	if w.tmpl, err = template.FromGlobs(w.conf.Templates); err != nil {
		t.Fatal(err)
	}
	if w.tmpl.ExternalURL, err = url.Parse(alertmanagerURL); err != nil {
		t.Fatal(err)
	}
	for _, r := range w.conf.Receivers {
		if w.made[r.Name], err = w.to.notifiers(r, w.tmpl, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// published is the configuration of this directory, with its files.
func published(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, secret := range map[string]string{
		"slack-token": "xoxb-1", "pagerduty-key": "k", "opsgenie-key": "k", "jsm-key": "k",
		"slack-webhook": "https://hooks.slack.com/services/T/B/x", "teams-webhook": "https://teams.example.org/hook",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return strings.NewReplacer("/etc/alertmanager", folder, "'*.tmpl'", "'"+here+"/*.tmpl'").Replace(string(text))
}

// notifiers makes the notifiers of one receiver, as Alertmanager does, but directed here.
func (s *services) notifiers(r amconfig.Receiver, tmpl *template.Template, log *slog.Logger) (list []notify.Integration, err error) {
	add := func(kind string, resolved notify.ResolvedSender, n notify.Notifier, failed error) {
		err = errors.Join(err, failed)
		list = append(list, notify.NewIntegration(n, resolved, kind, len(list), r.Name))
	}
	for _, c := range r.SlackConfigs {
		n, failed := slack.New(c, tmpl, log, s.options(c.HTTPConfig)...)
		add("slack", c, n, failed)
	}
	for _, c := range r.WebhookConfigs {
		n, failed := webhook.New(c, tmpl, log, s.options(c.HTTPConfig)...)
		add("webhook", c, n, failed)
	}
	for _, c := range r.PagerdutyConfigs {
		n, failed := pagerduty.New(c, tmpl, log, s.options(c.HTTPConfig)...)
		add("pagerduty", c, n, failed)
	}
	for _, c := range r.OpsGenieConfigs {
		n, failed := opsgenie.New(c, tmpl, log, s.options(c.HTTPConfig)...)
		add("opsgenie", c, n, failed)
	}
	for _, c := range r.MSTeamsV2Configs {
		n, failed := msteamsv2.New(c, tmpl, log, s.options(c.HTTPConfig)...)
		add("msteamsv2", c, n, failed)
	}
	for _, c := range r.EmailConfigs {
		host, port, _ := net.SplitHostPort(s.mail.Addr().String())
		c.Smarthost, c.RequireTLS = amconfig.HostPort{Host: host, Port: port}, new(bool)
		add("email", c, email.New(c, tmpl, log), nil)
	}
	return list, err
}

// options direct a client here, whatever the address, and make it trust the certificate.
func (s *services) options(c *commoncfg.HTTPClientConfig) []commoncfg.HTTPClientOption {
	c.TLSConfig.InsecureSkipVerify = true
	return []commoncfg.HTTPClientOption{commoncfg.WithDialContextFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.http.Listener.Addr().String())
	})}
}

// notify notifies one receiver of a group.
func (w world) notify(t tester, receiver string, group model.LabelSet, alerts ...*alert.Alert) ([]request, []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ctx = notify.WithGroupKey(notify.WithGroupLabels(notify.WithReceiverName(ctx, receiver), group), "{}:{group}")
	ctx = notify.WithRouteLabels(notify.WithNotificationReason(notify.WithNow(ctx, time.Now()), notify.ReasonFirstNotification), nil)
	for _, n := range w.made[receiver] {
		if _, err := n.Notify(ctx, alerts...); err != nil {
			t.Fatalf("%s: %v", receiver, err)
		}
	}
	return w.to.clear()
}
