// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
)

//go:embed alerts.yml alertmanager.yml culprit.yml
var files embed.FS

// The addresses in the files, which the world replaces with its own.
const (
	filePrometheus   = "http://localhost:9090"
	fileAlertmanager = "http://localhost:9093"
	fileGrafana      = "http://localhost:3000"
	fileCulprit      = "http://localhost:9798"
	filePeople       = "http://localhost:9095/"
	fileHook         = "http://localhost:9096/"
	fileGroupWait    = "group_wait: 30s"
)

const (
	hookSecret   = "demo-secret"
	grafanaToken = "demo-token"
	history      = 50 * time.Hour // two days and what queries look back beyond
	oldScrape    = 10 * time.Second
	recent       = 2 * time.Hour // of history that is as dense as what follows
	scrape       = 5 * time.Second
	lead         = 30 * time.Second // the resource moves this long before customers notice
	before       = 15 * time.Minute // with --again: from the first fault to the second
	lasting      = 5 * time.Minute  // duration of the first fault
)

// world is everything around culprit: the shop, the servers that watch it and the people who are
// paged. Servers that run elsewhere are nil.
type world struct {
	options options
	say     func(format string, args ...any)
	shown   func(*seen) // called when there is more to show; may be nil
	dir     string      // directory of culprit's files

	shop         *lab.Shop
	fault        lab.Fault
	earlier      *lab.Fault // of the same kind in the same place; may be nil
	prometheus   *lab.Prometheus
	alertmanager *lab.Alertmanager
	grafana      *lab.Grafana
	people       *lab.Receiver
	hook         *hook

	prometheusURL   string
	alertmanagerURL string
	grafanaURL      string
	culpritAddress  string

	closers []func() error
}

// startWorld starts whatever the options don't provide.
func startWorld(ctx context.Context, o options, say func(string, ...any)) (_ *world, err error) {
	w := &world{options: o, say: say, shop: lab.NewShop(o.seed)}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "culprit-demo-"); err != nil {
		return nil, err
	}
	w.onClose(func() error { return os.RemoveAll(w.dir) })
	if w.culpritAddress, err = lab.FreeAddress(o.listen); err != nil {
		return nil, fmt.Errorf("culprit can't listen: %w; choose another --web.listen-address", err)
	}
	for _, start := range []func(context.Context) error{
		w.startRecorders, w.startAlertmanager, w.startPrometheus, w.startShop,
	} {
		if err := start(ctx); err != nil {
			return nil, err
		}
	}
	return w, w.writeConfig()
}

// Close stops everything, the last started first.
func (w *world) Close() error {
	var errs []error
	for i := len(w.closers) - 1; i >= 0; i-- {
		errs = append(errs, w.closers[i]())
	}
	w.closers = nil
	return errors.Join(errs...)
}

func (w *world) onClose(f func() error) { w.closers = append(w.closers, f) }

// startRecorders starts the pager, the hook and Grafana.
func (w *world) startRecorders(context.Context) (err error) {
	if w.people, err = lab.StartReceiver(""); err != nil {
		return err
	}
	w.onClose(w.people.Close)
	if w.hook, err = startHook(hookSecret); err != nil {
		return err
	}
	w.onClose(w.hook.Close)
	w.grafanaURL = w.options.grafanaURL
	if w.grafanaURL != "" {
		return nil
	}
	w.grafana, err = lab.StartGrafana(lab.GrafanaOptions{Token: grafanaToken, Dashboards: map[string]string{"shop": "Shop"}})
	if err != nil {
		return err
	}
	w.onClose(w.grafana.Close)
	w.grafanaURL = w.grafana.URL()
	return nil
}

func (w *world) startAlertmanager(ctx context.Context) (err error) {
	w.alertmanagerURL = w.options.alertmanagerURL
	switch {
	case w.alertmanagerURL != "":
		return nil
	case w.options.alertmanagerCommand != "":
		return w.runAlertmanager(ctx)
	}
	w.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Config: w.file("alertmanager.yml")})
	if err != nil {
		return err
	}
	w.onClose(w.alertmanager.Close)
	w.alertmanagerURL = w.alertmanager.URL()
	w.say("Alertmanager answers at %s", w.alertmanagerURL)
	return nil
}

// startPrometheus writes two days of the shop into an embedded Prometheus.
func (w *world) startPrometheus(ctx context.Context) (err error) {
	w.prometheusURL = w.options.prometheusURL
	if w.prometheusURL != "" {
		return w.breakShop(time.Now().Add(w.options.faultAfter))
	}
	w.say("Writing two days of the shop's history into Prometheus' database")
	if w.options.prometheusCommand != "" {
		return w.runPrometheus(ctx)
	}
	w.prometheus, err = lab.StartPrometheus(ctx, lab.PrometheusOptions{
		Rules: w.file("alerts.yml"), Alertmanagers: []string{w.alertmanagerURL},
		ExternalLabels: map[string]string{"replica": "A"}, History: w.writeHistory, Recall: w.recall(),
	})
	if err != nil {
		return err
	}
	w.onClose(w.prometheus.Close)
	w.prometheusURL = w.prometheus.URL()
	w.say("Prometheus answers at %s and evaluates its rules every second", w.prometheusURL)
	return nil
}

// writeHistory writes the last two hours at the live scrape interval: a range across a change of
// interval has a rate that is too low.
func (w *world) writeHistory(ctx context.Context, db storage.Appendable) error {
	begin := time.Now()
	dense := begin.Add(-recent)
	if err := w.shop.Backfill(ctx, db, begin.Add(-w.options.history), dense, oldScrape); err != nil {
		return err
	}
	if err := w.breakShop(time.Now().Add(w.options.faultAfter)); err != nil {
		return err
	}
	return w.catchUp(ctx, db, dense)
}

// catchUp writes the history from a time until now. It loops because time passes while it writes.
func (w *world) catchUp(ctx context.Context, db storage.Appendable, from time.Time) error {
	for to := time.Now(); from.Before(to); to = time.Now() {
		if err := w.shop.Backfill(ctx, db, from, to, scrape); err != nil {
			return err
		}
		from = from.Add(to.Sub(from).Truncate(scrape) + scrape)
	}
	return nil
}

// breakShop plans the fault, and the earlier one in the same place.
func (w *world) breakShop(at time.Time) (err error) {
	w.fault, err = w.shop.Inject(lab.Fault{Kind: w.options.fault, Start: at, Lead: lead})
	if err != nil || !w.options.again {
		return err
	}
	start := at.Add(-before)
	earlier, err := w.shop.Inject(lab.Fault{
		Kind: w.fault.Kind, Region: w.fault.Region, Start: start, End: start.Add(lasting), Lead: lead,
	})
	w.earlier = &earlier
	return err
}

// recall returns the range of the earlier fault, until its alert is over.
func (w *world) recall() func() (from, to time.Time) {
	if !w.options.again {
		return nil
	}
	return func() (from, to time.Time) { return w.earlier.Start, w.earlier.End.Add(lasting / 2) }
}

// startShop keeps the shop running, or exposes it to be scraped.
func (w *world) startShop(ctx context.Context) error {
	switch {
	case w.options.prometheusCommand != "":
		return nil // it is already being scraped
	case w.prometheus == nil:
		return w.exposeShop()
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.shop.Run(ctx, w.prometheus, scrape) }()
	w.onClose(func() error {
		stop()
		return <-done
	})
	return nil
}

// exposeShop exposes the shop to a Prometheus elsewhere, and prints the configuration for that and
// its Alertmanager.
func (w *world) exposeShop() error {
	address, err := w.serveShop(w.options.shopListen)
	if err != nil {
		return err
	}
	w.say("Let Prometheus scrape the shop and load these rules:\n\n%s\n%s", scrapeConfig(address), w.file("alerts.yml"))
	if w.options.alertmanagerURL == "" {
		w.say("Let Prometheus send its alerts to %s", w.alertmanagerURL)
	} else {
		w.say("Let Alertmanager load this:\n\n%s", w.file("alertmanager.yml"))
	}
	return nil
}

// serveShop serves the shop's metrics and returns the address.
func (w *world) serveShop(listen string) (string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return "", fmt.Errorf("the shop can't listen: %w; choose another --shop.listen-address", err)
	}
	server := &http.Server{Handler: w.shop, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	w.onClose(func() error {
		err := server.Close()
		<-done
		return err
	})
	return l.Addr().String(), nil
}

// scrapeConfig configures a Prometheus to scrape the shop. The shop's labels win: many instances
// share one address.
func scrapeConfig(address string) string {
	return fmt.Sprintf(`scrape_configs:
  - job_name: shop
    honor_labels: true
    scrape_interval: %s
    static_configs: [{targets: [%q]}]
`, scrape, address)
}

// file returns one of the demo's files with the addresses of this world.
func (w *world) file(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	edited := string(text)
	if w.options.edit != nil {
		edited = w.options.edit(name, edited)
	}
	return strings.NewReplacer(
		filePrometheus, w.prometheusURL, fileAlertmanager, w.alertmanagerURL, fileGrafana, w.grafanaURL,
		fileCulprit, "http://"+w.culpritAddress, filePeople, w.people.URL(), fileHook, w.hook.url,
		fileGroupWait, "group_wait: "+w.options.groupWait.String(),
	).Replace(edited)
}

// writeConfig writes culprit's configuration and two secrets.
func (w *world) writeConfig() error {
	token := grafanaToken
	if w.options.grafanaToken != "" {
		text, err := os.ReadFile(w.options.grafanaToken)
		if err != nil {
			return fmt.Errorf("read --grafana.token-file: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	for name, text := range map[string]string{
		"culprit.yml": w.file("culprit.yml"), "grafana-token": token, "webhook-secret": hookSecret,
	} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// configFile is the path of culprit's configuration.
func (w *world) configFile() string { return filepath.Join(w.dir, "culprit.yml") }

// culpritURL is culprit's base URL.
func (w *world) culpritURL() string { return "http://" + w.culpritAddress }
