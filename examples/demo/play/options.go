// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/examples/lab"
)

// options are those of the command line.
type options struct {
	fault     string
	again     bool
	once      bool
	format    string
	groupWait time.Duration
	seed      uint64

	prometheusURL   string
	alertmanagerURL string

	prometheusCommand   string // path of the program
	alertmanagerCommand string

	grafanaURL   string
	grafanaToken string // a file
	listen       string
	shopListen   string
	faultAfter   time.Duration

	reconcile time.Duration // interval of culprit's reconcile loop
	history   time.Duration // of the shop in Prometheus

	// edit changes one of the demo's files before it is used; nil changes nothing.
	edit func(name, text string) string
}

// parse reads the command line.
func parse(args []string) (options, error) {
	o := options{reconcile: 10 * time.Second, history: history}
	app := kingpin.New("demo", "Breaks a small shop and shows how culprit explains the alert to the people on call.")
	app.HelpFlag.Short('h')
	app.Flag("fault", "What breaks: spike (errors rise on one path of one version) or drop (orders fall in one region).").
		Default(lab.Spike).EnumVar(&o.fault, lab.Spike, lab.Drop)
	app.Flag("again", "The same has broken once before, 15 minutes ago for five minutes: both times are explained.").
		BoolVar(&o.again)
	app.Flag("once", "End after the first alert: exit 0 only if its cause is ranked first and every write-back is seen where it should be.").
		BoolVar(&o.once)
	app.Flag("format", "What is printed at the end: text, or json for culprit's report alone.").
		Default("text").EnumVar(&o.format, "text", "json")
	app.Flag("group-wait", "How long the people's route waits before its first message.").
		Default("30s").DurationVar(&o.groupWait)
	app.Flag("seed", "Another seed makes another shop.").Default("1").Uint64Var(&o.seed)
	app.Flag("prometheus.url", "A Prometheus that runs already, to be used in place of the demo's own. It has to scrape the shop.").
		StringVar(&o.prometheusURL)
	app.Flag("alertmanager.url", "An Alertmanager that runs already.").StringVar(&o.alertmanagerURL)
	app.Flag("grafana.url", "A Grafana that runs already.").StringVar(&o.grafanaURL)
	app.Flag("grafana.token-file", "File with a service account token for --grafana.url.").StringVar(&o.grafanaToken)
	app.Flag("prometheus.command", "A Prometheus to run in place of the one that the demo contains, such as another release. It scrapes the shop.").
		StringVar(&o.prometheusCommand)
	app.Flag("alertmanager.command", "An Alertmanager to run in place of the one that the demo contains.").StringVar(&o.alertmanagerCommand)
	app.Flag("web.listen-address", "Where culprit listens.").Default("127.0.0.1:0").StringVar(&o.listen)
	app.Flag("shop.listen-address", "Where the shop can be scraped, with --prometheus.url.").
		Default("localhost:9799").StringVar(&o.shopListen)
	app.Flag("fault-after", "When the shop breaks, from now. With --prometheus.url leave half an hour (30m) for a history.").
		Default("-15s").DurationVar(&o.faultAfter)
	if _, err := app.Parse(args); err != nil {
		return o, err
	}
	return o, o.check()
}

// check finds combinations that can't work.
func (o options) check() error {
	var errs []error
	for flag, text := range map[string]string{
		"--prometheus.url": o.prometheusURL, "--alertmanager.url": o.alertmanagerURL, "--grafana.url": o.grafanaURL,
	} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "") {
			errs = append(errs, fmt.Errorf("%s: %q is not a URL, write http://host:port", flag, text))
		}
	}
	if (o.grafanaURL == "") != (o.grafanaToken == "") {
		errs = append(errs, errors.New("--grafana.url and --grafana.token-file go together"))
	}
	if o.alertmanagerURL != "" && o.prometheusURL == "" {
		errs = append(errs, errors.New("--alertmanager.url needs --prometheus.url: a Prometheus that sends its alerts there"))
	}
	if o.again && o.prometheusURL+o.prometheusCommand != "" {
		errs = append(errs, errors.New("--again evaluates rules in the past, and only the demo's own Prometheus does that: leave --prometheus.url and --prometheus.command out"))
	}
	if o.prometheusURL != "" && o.prometheusCommand != "" || o.alertmanagerURL != "" && o.alertmanagerCommand != "" {
		errs = append(errs, errors.New("a server runs already (.url) or is to be run (.command), not both"))
	}
	return errors.Join(errs...)
}
