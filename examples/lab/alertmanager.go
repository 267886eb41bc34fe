// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	apiv2 "github.com/prometheus/alertmanager/api/v2"
	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"github.com/culprit-dev/culprit/receiver/graceful"
)

// The defaults of Alertmanager's own flags.
const (
	alertmanagerRetention   = 120 * time.Hour  // --data.retention
	alertmanagerMaintenance = 15 * time.Minute // --data.maintenance-interval
	alertmanagerGC          = 30 * time.Minute // --alerts.gc-interval
	dispatchMaintenance     = 30 * time.Second // --dispatch.maintenance-interval
	alertmanagerDrain       = 5 * time.Second  // for running requests at shutdown
	alertmanagerHeader      = 10 * time.Second // to read the header of a request
)

// AlertmanagerOptions says how an Alertmanager is started. Only Config is
// required.
type AlertmanagerOptions struct {
	Config  string       // Alertmanager's own YAML; its receivers may be webhooks only, without Notifiers
	Listen  string       // address; default 127.0.0.1:0, a free port
	DataDir string       // keeps silences and the notification log across restarts; empty: nowhere
	Logger  *slog.Logger // default: no logs

	// Notifiers makes the notifiers of a receiver that isn't webhooks only. This package has none
	// of its own: they would pull in a client for each service.
	Notifiers func(amconfig.Receiver, *template.Template, *slog.Logger) ([]notify.Integration, error)

	MaxSilences    int // --silences.max-silences; 0: no limit
	MaxSilenceSize int // --silences.max-silence-size-bytes; 0: no limit
}

// Alertmanager is the code of Prometheus' Alertmanager in this process: its
// provider, silences, inhibition, dispatcher, notification log, webhook
// notifier and API v2, wired as its own main function does. It has no cluster
// and no web interface.
type Alertmanager struct {
	listener net.Listener
	cleanups []func() error
	once     sync.Once
	closeErr error
}

// init chooses how matchers and label names are parsed, as Alertmanager's main function does. It
// runs once because it sets variables that all Alertmanagers of a process share.
func init() {
	compat.InitFromFlags(promslog.NewNopLogger(), featurecontrol.NoopFlags{})
}

// StartAlertmanager starts an Alertmanager and returns when it answers. The caller must Close it.
func StartAlertmanager(opts AlertmanagerOptions) (*Alertmanager, error) {
	am := &Alertmanager{}
	if err := am.start(opts); err != nil {
		return nil, errors.Join(fmt.Errorf("start Alertmanager: %w", err), am.Close())
	}
	return am, nil
}

// URL is the address of the server, such as http://127.0.0.1:9093.
func (am *Alertmanager) URL() string { return "http://" + am.listener.Addr().String() }

// Close stops the server, then everything behind it, in reverse order of the start. It may be
// called twice.
func (am *Alertmanager) Close() error {
	am.once.Do(func() {
		for i := len(am.cleanups) - 1; i >= 0; i-- {
			am.closeErr = errors.Join(am.closeErr, am.cleanups[i]())
		}
	})
	return am.closeErr
}

func (am *Alertmanager) onClose(f func()) {
	am.cleanups = append(am.cleanups, func() error { f(); return nil })
}

// start wires the parts. It is one straight function because each step needs
// what the steps before it made.
func (am *Alertmanager) start(opts AlertmanagerOptions) error {
	logger := opts.Logger
	if logger == nil {
		logger = promslog.NewNopLogger()
	}
	conf, err := amconfig.Load(opts.Config)
	if err != nil {
		return fmt.Errorf("read its configuration: %w", err)
	}
	listen := opts.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	if am.listener, err = net.Listen("tcp", listen); err != nil {
		return err
	}
	am.cleanups = append(am.cleanups, func() error {
		if err := am.listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})

	reg := prometheus.NewRegistry()
	rec := recorder(conf.EventRecorder, logger, reg)
	am.cleanups = append(am.cleanups, rec.Close)
	data, err := openAlertmanagerData(opts, logger, reg)
	if err != nil {
		return err
	}
	am.onClose(data.close)
	silencer := silence.NewSilencer(data.silences, logger, rec)
	alerts, err := mem.NewAlerts(context.Background(), alertmanagerGC, 0, silencer, logger, rec, reg, featurecontrol.NoopFlags{})
	if err != nil {
		return err
	}
	am.onClose(alerts.Close)

	tmpl, err := template.FromGlobs(conf.Templates)
	if err != nil {
		return fmt.Errorf("read its templates: %w", err)
	}
	if tmpl.ExternalURL, err = url.Parse(am.URL()); err != nil {
		return err
	}
	integrations, err := opts.notifiers(conf, tmpl, logger)
	if err != nil {
		return err
	}

	inhibitor := inhibit.NewInhibitor(alerts, conf.InhibitRules, logger, rec)
	groups := marker.NewGroupMarker()
	pipeline := notify.NewPipelineBuilder(reg, featurecontrol.NoopFlags{}, rec).New(
		integrations, func() time.Duration { return 0 }, inhibitor, silencer,
		timeinterval.NewIntervener(intervals(conf)), groups, data.nflog, nil)
	dispatcher := dispatch.NewDispatcher(alerts, dispatch.NewRoute(conf.Route, nil), pipeline, groups,
		func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) },
		dispatchMaintenance, nil, logger, rec, dispatch.NewDispatcherMetrics(false, reg, featurecontrol.NoopFlags{}), tmpl)
	go inhibitor.Run()
	inhibitor.WaitForLoading()
	am.onClose(inhibitor.Stop)
	go dispatcher.Run(time.Now())
	dispatcher.WaitForLoading()
	am.onClose(dispatcher.Stop)

	api, err := apiv2.NewAPI(alerts, dispatcher.Groups, groups.Muted, data.silences, nil, logger, reg)
	if err != nil {
		return err
	}
	api.Update(conf, func(ctx context.Context, labels model.LabelSet) {
		inhibitor.Mutes(ctx, labels)
		silencer.Mutes(ctx, labels)
	})
	am.serve(api.Handler, reg, logger)
	return nil
}

// recorder records events if the configuration has an output. Alertmanager itself also requires
// --enable-feature=event-recorder.
func recorder(conf eventrecorder.Config, logger *slog.Logger, reg prometheus.Registerer) eventrecorder.Recorder {
	if reflect.ValueOf(conf).IsZero() {
		return eventrecorder.NopRecorder()
	}
	return eventrecorder.NewRecorderFromConfig(conf, "lab", logger, reg)
}

// serve answers on the listener: the API, health and metrics.
func (am *Alertmanager) serve(api http.Handler, reg *prometheus.Registry, logger *slog.Logger) {
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "OK") }
	mux := http.NewServeMux()
	mux.Handle("/api/v2/", api)
	mux.HandleFunc("GET /-/healthy", ok)
	mux.HandleFunc("GET /-/ready", ok)
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: alertmanagerHeader, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	graceful.CloseUnused(server)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(am.listener) // ends with ErrServerClosed when it is closed
	}()
	am.cleanups = append(am.cleanups, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), alertmanagerDrain)
		defer cancel()
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		<-done
		return err
	})
}

// alertmanagerData is the state that Alertmanager keeps across restarts.
type alertmanagerData struct {
	silences *silence.Silences
	nflog    *nflog.Log
	stop     chan struct{}
	running  sync.WaitGroup
}

func openAlertmanagerData(opts AlertmanagerOptions, logger *slog.Logger, reg prometheus.Registerer) (*alertmanagerData, error) {
	var silenceFile, nflogFile string
	if opts.DataDir != "" {
		if err := os.MkdirAll(opts.DataDir, 0o755); err != nil {
			return nil, err
		}
		silenceFile = filepath.Join(opts.DataDir, "silences")
		nflogFile = filepath.Join(opts.DataDir, "nflog")
	}
	silences, err := silence.New(silence.Options{
		SnapshotFile: silenceFile, Retention: alertmanagerRetention, Logger: logger, Metrics: reg,
		Limits: silence.Limits{
			MaxSilences:         func() int { return opts.MaxSilences },
			MaxSilenceSizeBytes: func() int { return opts.MaxSilenceSize },
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open silences: %w", err)
	}
	log, err := nflog.New(nflog.Options{SnapshotFile: nflogFile, Retention: alertmanagerRetention, Logger: logger, Metrics: reg})
	if err != nil {
		return nil, fmt.Errorf("open the notification log: %w", err)
	}
	d := &alertmanagerData{silences: silences, nflog: log, stop: make(chan struct{})}
	d.running.Go(func() { silences.Maintenance(alertmanagerMaintenance, silenceFile, d.stop, nil) })
	d.running.Go(func() { log.Maintenance(alertmanagerMaintenance, nflogFile, d.stop, nil) })
	return d, nil
}

// close ends the maintenance, which writes the last snapshots.
func (d *alertmanagerData) close() {
	close(d.stop)
	d.running.Wait()
}

// notifiers makes the notifiers of all receivers.
func (opts AlertmanagerOptions) notifiers(conf *amconfig.Config, tmpl *template.Template, logger *slog.Logger) (map[string][]notify.Integration, error) {
	all := make(map[string][]notify.Integration, len(conf.Receivers))
	for _, r := range conf.Receivers {
		of := opts.Notifiers
		switch {
		case onlyWebhooks(r):
			of = webhooks
		case of == nil:
			return nil, fmt.Errorf("receiver %q is not only a webhook: this Alertmanager has no other notifiers; use webhook_configs", r.Name)
		}
		list, err := of(r, tmpl, logger)
		if err != nil {
			return nil, fmt.Errorf("receiver %q: %w", r.Name, err)
		}
		all[r.Name] = list
	}
	return all, nil
}

func webhooks(r amconfig.Receiver, tmpl *template.Template, logger *slog.Logger) ([]notify.Integration, error) {
	list := []notify.Integration{}
	for i, c := range r.WebhookConfigs {
		n, err := webhook.New(c, tmpl, logger)
		if err != nil {
			return nil, err
		}
		list = append(list, notify.NewIntegration(n, c, "webhook", i, r.Name))
	}
	return list, nil
}

func onlyWebhooks(r amconfig.Receiver) bool {
	r.Name, r.Labels, r.WebhookConfigs = "", nil, nil
	return reflect.ValueOf(r).IsZero()
}

func intervals(conf *amconfig.Config) map[string][]timeinterval.TimeInterval {
	all := make(map[string][]timeinterval.TimeInterval, len(conf.TimeIntervals)+len(conf.MuteTimeIntervals))
	for _, t := range conf.MuteTimeIntervals {
		all[t.Name] = t.TimeIntervals
	}
	for _, t := range conf.TimeIntervals {
		all[t.Name] = t.TimeIntervals
	}
	return all
}
