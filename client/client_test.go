// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/culprit-dev/culprit/client"
	"github.com/culprit-dev/culprit/receiver"
)

func newClient(t *testing.T, address string, opt client.Options) *client.Client {
	t.Helper()
	c, err := client.New(address, opt)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a daemon until the end of a test.
func start(t *testing.T, config string, change func(*receiver.Options)) *receiver.Daemon {
	t.Helper()
	d, err := newDaemon(t.Context(), t.TempDir(), "prometheus: {url: 'http://127.0.0.1:1'}\n"+config, change)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	})
	return d
}

// TestTheClientReadsAllThatTheDaemonSays compares the JSON of the daemon with that of
// what the client has made of it.
func TestTheClientReadsAllThatTheDaemonSays(t *testing.T) {
	c := newClient(t, address, client.Options{})
	var r client.Report
	for listed, err := range c.Reports(t.Context(), client.ReportFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r, err = c.Report(t.Context(), listed.ID); err != nil {
			t.Fatal(err)
		}
	}
	inc, err := c.Incident(t.Context(), r.Incident)
	if err != nil {
		t.Fatal(err)
	}
	found, err := c.Case(t.Context(), r.Case)
	if err != nil {
		t.Fatal(err)
	}
	for path, read := range map[string]any{"reports/" + r.ID: r, "incidents/" + inc.ID: inc, "cases/" + found.ID: found} {
		resp, err := http.Get(address + "/api/v1/" + path)
		if err != nil {
			t.Fatal(err)
		}
		var said, had any
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		text, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &had); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(said, had); diff != "" {
			t.Errorf("%s: what the daemon says (-), and what the client has of it (+):\n%s", path, diff)
		}
	}
	if len(r.Plan.Queries) == 0 || len(r.Charts) == 0 {
		t.Errorf("the report has no queries or no charts")
	}
}

// counted counts the requests that are sent.
type counted struct{ n atomic.Int32 }

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// TestAListIsReadPartByPart also has the daemon below a path of its external URL, which
// its links name and the client does not.
func TestAListIsReadPartByPart(t *testing.T) {
	d := start(t, "", func(opt *receiver.Options) { opt.ExternalURL = "https://culprit.example.org/below" })
	sent := &counted{}
	c := newClient(t, "http://"+d.Address().String()+"/", client.Options{HTTPClient: &http.Client{Transport: sent}})
	for i := range 5 {
		if _, err := c.PostChanges(t.Context(), client.NewChange{ID: fmt.Sprint(i), Title: fmt.Sprint(i), Source: "test", At: time.Now().Add(time.Duration(i-10) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(most int) (titles string, requests int32) {
		before := sent.n.Load()
		for one, err := range c.Changes(t.Context(), client.ChangeFilter{PageSize: 2}) {
			if err != nil {
				t.Fatal(err)
			}
			if titles += one.Title; len(titles) == most {
				break
			}
		}
		return titles, sent.n.Load() - before
	}
	if titles, n := read(100); titles != "43210" || n != 3 {
		t.Errorf("%s in %d parts", titles, n)
	}
	if titles, n := read(2); titles != "43" || n != 1 {
		t.Errorf("%s in %d parts, as it ended early", titles, n)
	}
}

// TestAnErrorEndsAList also shows that a list may be ranged over again.
func TestAnErrorEndsAList(t *testing.T) {
	c := newClient(t, address, client.Options{})
	list := c.Reports(t.Context(), client.ReportFilter{Filter: client.Filter{Match: []string{"{no"}}})
	for range 2 {
		var errs []error
		for _, err := range list {
			errs = append(errs, err)
		}
		var said *client.Error
		if len(errs) != 1 || !errors.As(errs[0], &said) || said.Status != http.StatusBadRequest || !strings.Contains(said.Message, "matcher") {
			t.Errorf("%v", errs)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Report(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

func TestCredentialsAreSent(t *testing.T) {
	dir := t.TempDir()
	token, users := filepath.Join(dir, "token"), filepath.Join(dir, "web.yml")
	for name, text := range map[string]string{token: "secret\n", users: "basic_auth_users: {ann: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	gated := start(t, fmt.Sprintf("changes: {token_file: %q}\n", token), nil).URL()
	guarded := start(t, "", func(opt *receiver.Options) {
		addresses, socket := []string{"127.0.0.1:0"}, false
		opt.Web = &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &socket, WebConfigFile: &users}
	}).URL()
	for _, trial := range []struct {
		address string
		opt     client.Options
		refused bool
	}{
		{gated, client.Options{}, true},
		{gated, client.Options{Bearer: "other"}, true},
		{gated, client.Options{Bearer: "secret"}, false},
		{gated, client.Options{Username: "culprit", Password: "secret"}, false},
		{guarded, client.Options{}, true},
		{guarded, client.Options{Username: "ann", Password: "other"}, true},
		{guarded, client.Options{Username: "ann", Password: "fakepassword"}, false},
	} {
		_, err := newClient(t, trial.address, trial.opt).PostChanges(t.Context(), client.NewChange{Title: "a change"})
		var said *client.Error
		refused := errors.As(err, &said) && said.Status == http.StatusUnauthorized
		if refused != trial.refused || err != nil && !refused {
			t.Errorf("%+v: %v", trial.opt, err)
		}
		if refused && trial.address == gated && !strings.Contains(said.Hint, "Authorization: Bearer") {
			t.Errorf("the hint is %q", said.Hint)
		}
	}
}

func TestInvalidAddressesAndOptionsAreRefused(t *testing.T) {
	for _, address := range []string{"", "culprit:9798", "ftp://culprit", "://"} {
		if _, err := client.New(address, client.Options{}); err == nil || !strings.Contains(err.Error(), "hint: ") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := client.New("http://c", client.Options{Bearer: "a", Username: "b"}); err == nil {
		t.Error("two kinds of credentials are taken")
	}
}

func TestTheQueryOfTheAddressIsSent(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Encode())
		fmt.Fprint(w, "[]")
	}))
	t.Cleanup(s.Close)
	c := newClient(t, s.URL+"/proxy?token=secret", client.Options{})
	for _, err := range c.Reports(t.Context(), client.ReportFilter{Text: "disk"}) {
		t.Error(err)
	}
	if want := []string{"q=disk&token=secret"}; !slices.Equal(asked, want) {
		t.Errorf("%q, want %q", asked, want)
	}
}

// TestTheClientImportsTheStandardLibraryOnly keeps it free of the daemon's own imports.
func TestTheClientImportsTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(out)); got != "github.com/culprit-dev/culprit/client" {
		t.Errorf("it imports %s", got)
	}
}

// TestAnAnswerOfAnotherServerIsAnError asks something else that listens.
func TestAnAnswerOfAnotherServerIsAnError(t *testing.T) {
	other := newClient(t, address+"/reports", client.Options{HTTPClient: &http.Client{Transport: garbage{}}})
	if _, err := other.Report(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "reading the answer to GET api/v1/reports/x") {
		t.Errorf("%v", err)
	}
}

// garbage answers with what is no JSON.
type garbage struct{}

func (garbage) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("<html>")), Request: r, Header: http.Header{}}, nil
}
