// SPDX-License-Identifier: Apache-2.0

// Package changes_test sends what each recipe sends to the real handler.
package changes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/changelog"
)

// culprit is a handler with its store, behind a token.
type culprit struct {
	*httptest.Server
	book *changelog.Book
}

const token = "s3cret"

func start(t *testing.T) culprit {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Dir: t.TempDir(), MaxBucketBytes: -1, SyncInterval: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	book, err := changelog.Open(ctx, b, changelog.Options{Lifetime: 24 * time.Hour, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/changes", changelog.NewHandler(book, func() string { return file }))
	c := culprit{httptest.NewServer(mux), book}
	t.Cleanup(c.Close)
	return c
}

// one returns the only stored change.
func (c culprit) one(t *testing.T) changelog.Change {
	t.Helper()
	list, err := c.book.List(t.Context(), changelog.Filter{})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d changes were taken, %v", len(list), err)
	}
	if age := time.Since(list[0].At); age.Abs() > 30*time.Minute {
		t.Errorf("it is %s old", age)
	}
	return list[0]
}

func expect(t *testing.T, got changelog.Change, title, source, service, to string) {
	t.Helper()
	if got.Title != title || got.Source != source || got.Labels["service"] != service || got.To != to {
		t.Errorf("%+v", got)
	}
}

// run runs a recipe's script as its CI does.
func (c culprit) run(t *testing.T, script string, env ...string) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: the recipe is not tried", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-eo", "pipefail", "-c", script)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CULPRIT=" + c.URL, "CULPRIT_TOKEN=" + token}, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestAStepOfGitHubActionsIsTaken(t *testing.T) {
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	read(t, "github-actions.yml", &workflow)
	c, steps := start(t), workflow.Jobs["deploy"].Steps
	c.run(t, steps[len(steps)-1].Run, "SERVICE=checkout", "STATUS=success", "FROM=aaaaaaaaaa", "GITHUB_RUN_ID=7", "GITHUB_SHA=bbbbbbbbbb",
		"GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=shop/checkout")
	got := c.one(t)
	expect(t, got, "checkout deployed (success)", "github", "checkout", "bbbbbbb")
	if got.URL != "https://github.com/shop/checkout/actions/runs/7" || got.Sender != "7" {
		t.Errorf("%+v", got)
	}
}

func TestAJobOfGitLabIsTaken(t *testing.T) {
	var ci struct {
		Deploy struct {
			After []string `yaml:"after_script"`
		}
	}
	read(t, "gitlab-ci.yml", &ci)
	c := start(t)
	c.run(t, ci.Deploy.After[0], "CI_JOB_ID=7", "CI_PROJECT_NAME=checkout", "CI_JOB_STATUS=success", "CI_JOB_STARTED_AT="+time.Now().Add(-time.Minute).UTC().Format(time.RFC3339),
		"CI_ENVIRONMENT_NAME=production", "CI_COMMIT_BEFORE_SHA=aaaaaaaaaa", "CI_COMMIT_SHORT_SHA=bbbbbbbb", "CI_JOB_URL=https://gitlab.example.org/shop/checkout/-/jobs/7")
	got := c.one(t)
	expect(t, got, "checkout deployed (success)", "gitlab", "checkout", "bbbbbbbb")
	if got.Until.IsZero() || got.Labels["env"] != "production" {
		t.Errorf("%+v", got)
	}
}

func TestATerraformApplyIsTaken(t *testing.T) {
	text, err := os.ReadFile("terraform.tf")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(text), "<<-EOT\n")
	script, _, ok := strings.Cut(script, "EOT\n")
	if !ok {
		t.Fatal("there is no command in terraform.tf")
	}
	c := start(t)
	c.run(t, script, "WHAT=orders database is now db.r6g.large", "TO=db.r6g.large")
	expect(t, c.one(t), "orders database is now db.r6g.large", "terraform", "orders-db", "db.r6g.large")
}

// app returns the fields of an Argo CD application that the template uses.
func app() map[string]any {
	at := time.Now().Add(-time.Minute).UTC()
	return map[string]any{"app": map[string]any{
		"metadata": map[string]any{"name": `check"out`},
		"spec":     map[string]any{"destination": map[string]any{"namespace": "shop"}},
		"status": map[string]any{"operationState": map[string]any{
			"phase": "Succeeded", "startedAt": at.Format(time.RFC3339), "finishedAt": at.Add(20 * time.Second).Format(time.RFC3339),
			"syncResult": map[string]any{"revision": "731f7eaddfb6"},
		}},
	}}
}

func TestASyncOfArgoCDIsTaken(t *testing.T) {
	var cm struct{ Data map[string]string }
	read(t, "argocd-notifications.yml", &cm)
	var message struct {
		Webhook map[string]struct{ Method, Path, Body string }
	}
	if err := yaml.Unmarshal([]byte(cm.Data["template.culprit-change"]), &message); err != nil {
		t.Fatal(err)
	}
	var service struct {
		URL     string
		Headers []struct{ Name, Value string }
	}
	if err := yaml.Unmarshal([]byte(cm.Data["service.webhook.culprit"]), &service); err != nil {
		t.Fatal(err)
	}
	hook := message.Webhook["culprit"]
	asJSON := func(v any) (string, error) { text, err := json.Marshal(v); return string(text), err } // as in sprig
	tmpl, err := template.New("").Funcs(template.FuncMap{"toJson": asJSON}).Option("missingkey=error").Parse(hook.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if err := tmpl.Execute(&body, app()); err != nil {
		t.Fatal(err)
	}
	c := start(t)
	c.send(t, hook.Method, hook.Path, body.String(), func(r *http.Request) {
		for _, h := range service.Headers {
			r.Header.Set(h.Name, strings.ReplaceAll(h.Value, "$culprit-token", token))
		}
	})
	expect(t, c.one(t), `check"out synced (Succeeded)`, "argocd", `check"out`, "731f7eaddfb6")
}

// send sends the request of a program that has no script.
func (c culprit) send(t *testing.T, method, path, body string, prepare func(*http.Request)) {
	t.Helper()
	r, err := http.NewRequest(method, c.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	prepare(r)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
}

// The messages of Flux, HCP Terraform and LaunchDarkly are fixed: the files are current ones.
func TestWhatFluxTerraformAndLaunchDarklySendIsTaken(t *testing.T) {
	for format, title := range map[string]string{
		"flux":         "HelmRelease checkout: Helm upgrade succeeded for release shop/checkout.v7 with chart checkout@1.42.0",
		"terraform":    "terraform orders-db: A larger database for the orders",
		"launchdarkly": "flag New cart: turned on the flag",
	} {
		text, err := os.ReadFile(format + ".json")
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		body := strings.NewReplacer("NOW_MS", strconv.FormatInt(now.UnixMilli(), 10), "NOW", now.UTC().Format(time.RFC3339)).Replace(string(text))
		c := start(t)
		c.send(t, http.MethodPost, "/api/v1/changes?format="+format, body, func(r *http.Request) { r.SetBasicAuth("culprit", token) })
		if got := c.one(t); got.Title != title || got.Source != format {
			t.Errorf("%s: %+v", format, got)
		}
	}
}

// Flux's provider address selects the format that understands it.
func TestTheProviderOfFluxNamesItsFormat(t *testing.T) {
	file, err := os.Open("flux.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var provider struct {
		Kind string
		Spec struct{ Type, Address string }
	}
	if err := yaml.NewDecoder(file).Decode(&provider); err != nil {
		t.Fatal(err)
	}
	if provider.Kind != "Provider" || provider.Spec.Type != "generic" || !strings.HasSuffix(provider.Spec.Address, "/api/v1/changes?format=flux") {
		t.Errorf("%+v", provider)
	}
}
