// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	webflag "github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/culprit-dev/culprit/receiver"
)

func addServe(app *kingpin.Application, commands map[string]command) {
	cmd := app.Command("serve", "Run the daemon: receive alerts from Alertmanager and write their causes back.")
	opt := receiver.Options{}
	cmd.Flag("config.file", "Configuration file.").Default("culprit.yml").StringVar(&opt.ConfigFile)
	cmd.Flag("storage.path", "Directory of the queue and the reports.").Default("data").StringVar(&opt.StoragePath)
	retention := cmd.Flag("storage.retention", "How long to keep a report after its last change.").Default("168h").Duration()
	size := cmd.Flag("storage.retention.size", "Disk space for reports and incidents. The oldest reports of resolved alerts are deleted first.").Default("1GB").Bytes()
	cmd.Flag("web.external-url", "URL at which people open the report pages. Its path is the prefix of all pages.").
		PlaceHolder("URL").StringVar(&opt.ExternalURL)
	cmd.Flag("workers", "Alerts explained at the same time.").Default("4").IntVar(&opt.Workers)
	cmd.Flag("reconcile.interval", "Interval at which Alertmanager's list of alerts is read.").Default("30s").DurationVar(&opt.Reconcile)
	cluster := clusterFlags(cmd)
	opt.Web = webflag.AddFlags(cmd, ":9798")
	cmd.Flag("web.max-connections", "Maximum number of open connections, over all listeners. Beyond that, the connection that has been idle or slow for longest is closed.").
		Default("512").IntVar(&opt.MaxConnections)
	cmd.Flag("web.read-timeout", "Maximum time to receive a request, and for a connection to be idle.").Default("5m").DurationVar(&opt.ReadTimeout)
	logging := logFlags(cmd)

	commands[cmd.FullCommand()] = func(ctx context.Context, s streams) error {
		logging.Writer = s.err
		opt.Logger = promslog.New(logging)
		opt.Retention, opt.RetentionSize = *retention, int64(*size)
		opt.Registry = registry()
		var err error
		if opt.Cluster, err = cluster.options(); err != nil {
			return err
		}
		return serve(ctx, opt)
	}
}

// logFlags are the log flags of every Prometheus daemon.
func logFlags(cmd *kingpin.CmdClause) *promslog.Config {
	c := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat()}
	cmd.Flag(promslogflag.LevelFlagName, promslogflag.LevelFlagHelp).Default("info").HintOptions(promslog.LevelFlagOptions...).SetValue(c.Level)
	cmd.Flag(promslogflag.FormatFlagName, promslogflag.FormatFlagHelp).Default("logfmt").HintOptions(promslog.FormatFlagOptions...).SetValue(c.Format)
	return c
}

func registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("culprit"),
	)
	return reg
}

// memoryLimit makes the garbage of large answers be collected early, instead of when it equals the
// memory in use.
const memoryLimit = 280 << 20 // bytes

// serve runs a daemon until ctx ends. SIGHUP reloads the configuration. A replica of a cluster
// waits for the others indefinitely.
func serve(ctx context.Context, opt receiver.Options) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	opt.Logger.Info("Starting culprit", "version", version.Info(), "build", version.BuildContext())
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	d, err := receiver.New(ctx, opt)
	if err != nil && ctx.Err() != nil {
		opt.Logger.Info("Stopped before the start was complete", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	go func() {
		for {
			select {
			case <-hup:
				_ = d.Reload() // failures are in the log and in a metric
			case <-ctx.Done():
				return
			}
		}
	}()
	return d.Run(ctx)
}
