// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/culprit-dev/culprit/examples/lab"
)

// runAlertmanager runs an installed Alertmanager.
func (w *world) runAlertmanager(ctx context.Context) error {
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return err
	}
	file, err := w.write("alertmanager.yml", w.file("alertmanager.yml"))
	if err != nil {
		return err
	}
	w.alertmanagerURL = "http://" + address
	return w.run(ctx, w.alertmanagerURL, w.options.alertmanagerCommand, "--config.file="+file,
		"--storage.path="+filepath.Join(w.dir, "alertmanager"), "--web.listen-address="+address, "--cluster.listen-address=")
}

// runPrometheus writes the shop's history into the data directory of an installed Prometheus and
// runs it.
func (w *world) runPrometheus(ctx context.Context) error {
	data := filepath.Join(w.dir, "prometheus")
	if err := lab.WriteData(ctx, data, w.writeHistory); err != nil {
		return err
	}
	shop, err := w.serveShop("127.0.0.1:0")
	if err != nil {
		return err
	}
	rules, err := w.write("alerts.yml", w.file("alerts.yml"))
	if err != nil {
		return err
	}
	config, err := w.write("prometheus.yml", w.prometheusConfig(shop, rules))
	if err != nil {
		return err
	}
	address, err := lab.FreeAddress("127.0.0.1:0")
	if err != nil {
		return err
	}
	w.prometheusURL = "http://" + address
	return w.run(ctx, w.prometheusURL, w.options.prometheusCommand, "--config.file="+config,
		"--storage.tsdb.path="+data, "--web.listen-address="+address)
}

// prometheusConfig is the configuration to scrape the shop. Series without an instance in the
// history get none when scraped.
func (w *world) prometheusConfig(shop, rules string) string {
	return fmt.Sprintf(`global: {evaluation_interval: 1s, external_labels: {replica: A}}
rule_files: [%q]
alerting:
  alertmanagers: [{static_configs: [{targets: [%q]}]}]
%s    metric_relabel_configs:
      - {source_labels: [instance], regex: %q, target_label: instance, replacement: ''}
`, rules, w.alertmanagerURL[len("http://"):], scrapeConfig(shop), shop)
}

// run runs a server until the world is closed.
func (w *world) run(ctx context.Context, url, command string, args ...string) error {
	p, err := lab.StartProgram(ctx, url+"/-/ready", command, args...)
	if err != nil {
		return err
	}
	w.onClose(p.Close)
	w.say("%s answers at %s", p.Version(), url)
	return nil
}

// write writes a file into the world's directory and returns its path.
func (w *world) write(name, text string) (string, error) {
	path := filepath.Join(w.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o600)
}
