// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/examples/lab"
)

// vmalert starts an installed VictoriaMetrics and vmalert.
func vmalert(ctx context.Context, f *field) (raiser, error) {
	metrics, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	evaluates, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	rules := filepath.Join(f.Dir, "rules.yml")
	if err := os.WriteFile(rules, []byte(f.Rules()), 0o600); err != nil {
		return nil, err
	}
	store := "http://" + metrics
	f.Asked, f.Ruler = store, fmt.Sprintf(", rules_url: 'http://%s'", evaluates)
	if err := f.run(ctx, store+"/health", "victoria-metrics", "-httpListenAddr="+metrics,
		"-storageDataPath="+filepath.Join(f.Dir, "victoria-metrics"), "-search.latencyOffset=1ms"); err != nil {
		return nil, err
	}
	if err := f.run(ctx, "http://"+evaluates+"/health", "vmalert", "-httpListenAddr="+evaluates, "-rule="+rules, "-datasource.url="+store,
		"-remoteWrite.url="+store, "-remoteRead.url="+store, "-notifier.url="+f.Alertmanager.URL()); err != nil {
		return nil, err
	}
	return func(ctx context.Context, number int) error { return feed(ctx, store, number) }, nil
}

// run starts a program and returns when it answers.
func (f *field) run(ctx context.Context, health, name string, args ...string) error {
	p, err := lab.StartProgram(ctx, health, name, args...)
	if err != nil {
		return err
	}
	f.OnClose(p.Close)
	return nil
}

// answers200 sends a GET, or POSTs a body, and expects 200.
func answers200(ctx context.Context, url, body string) error {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// feed writes an alert's series for now and the minutes to come: in VictoriaMetrics a sample stays
// valid as long as the usual distance between samples.
func feed(ctx context.Context, store string, number int) error {
	var b strings.Builder
	for at := time.Duration(0); at < 5*time.Minute; at += time.Second {
		fmt.Fprintf(&b, "fault{number=\"%d\",place=%q} 1 %d\n", number, fleet.Place(number), time.Now().Add(at).UnixMilli())
	}
	return answers200(ctx, store+"/api/v1/import/prometheus", b.String())
}
